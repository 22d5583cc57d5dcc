"""An evaluation of pictures that no model drew: pictures and features are made up, all else is the real thing."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from PIL import Image

from mindseye.collection.collection import Collection, Example, write_collection
from mindseye.learn.learner import PictureFormat
from mindseye.observe.pictures import PictureFeatures
from mindseye.report.drawn import Drawn
from mindseye.report.evaluate import Evaluation
from mindseye.report.prompts import prompt_sets
from mindseye.report.reference import Reference
from mindseye.think.copies import copy_rate, memorised_rate, nearest_by_features
from mindseye.think.detector import detect
from mindseye.think.distribution import frechet_distance, kid
from mindseye.think.figure import Figure
from mindseye.think.manifold import density_coverage, precision_recall
from mindseye.think.naming import r_precision

SPLITS = {"train": 30, "validation": 14, "style_transfer": 12}
HOSTILE = "<script>alert('cat')</script> & \"co\""
COLOURS = ("red", "green", "blue", "grey")
PICTURE_FORMAT = PictureFormat(size_px=16, channels=4, pixel_art=True)


def picture(rng: np.random.Generator) -> np.ndarray:
    """A 16 px sprite of two colours that is the same in a mirror."""
    half = rng.random((16, 8)) < 0.6
    pixels = np.zeros((16, 16, 4), np.uint8)
    pixels[np.concatenate([half, half[:, ::-1]], axis=1)] = [*rng.integers(0, 256, 3), 255]
    return pixels


def collection_of_sprites(folder: Path) -> Collection:
    """A collection of three splits; the first caption of each is hostile."""
    rng = np.random.default_rng(0)
    splits = {}
    for split, count in SPLITS.items():
        examples = []
        for index in range(count):
            buffer = io.BytesIO()
            Image.fromarray(picture(rng)).save(buffer, "PNG")
            caption = f"a {COLOURS[index % 4]} sprite {split} {index}" if index else HOSTILE
            name = f"{split}{index}"
            examples.append(Example(buffer.getvalue(), f"{name}.png", (caption,), name, name, "sidecar .txt"))
        splits[split] = examples
    return write_collection(folder, splits, {"size_px": 16, "transparent": True, "pixel_art": True})


def features(rng: np.random.Generator, count: int, shift: float = 0.0) -> PictureFeatures:
    """Of a normal distribution, moved by `shift`."""
    pooled = torch.from_numpy(rng.normal(shift, 1, (count, 8))).float()
    return PictureFeatures(pooled, pooled, pooled)


def evaluation_of_sprites(
    folder: Path, *, model: str = "sprites", shift: float = 0.6, skill: float = 1.5
) -> Evaluation:
    """Pictures drawn for all prompts of `collection_of_sprites`, with everything that an evaluation can have.

    Args:
        folder: of the collection.
        model: its name.
        shift: how far drawn pictures lie from real ones, in standard deviations.
        skill: how much more similar a drawn picture is to its own prompt.
    """
    rng = np.random.default_rng(int(1000 * (shift + skill)))
    collection = collection_of_sprites(folder)
    sets = prompt_sets(collection, PICTURE_FORMAT, 100)
    train = collection.splits["train"]
    at = (PICTURE_FORMAT.size_px, PICTURE_FORMAT.channels, PICTURE_FORMAT.pixel_art)
    held_out = np.concatenate([split.arrays(*at) for name, split in collection.splits.items() if name != "train"])
    reference = Reference(
        collection, PICTURE_FORMAT, cast(Any, None), cast(Any, None), sets,
        train.arrays(*at), features(rng, len(train)), held_out, features(rng, len(held_out)),
        [str(number) for number in range(len(held_out))], np.arange(len(train)),
    )  # fmt: skip
    drawn = [Drawn(asked, np.stack([picture(rng) for _ in asked.prompts])) for asked in sets]
    seen = features(rng, sum(map(len, sets)), shift).pooled
    real, unseen = reference.train.pooled, reference.held_out.pooled
    about: dict[str, Any] = {"encoder": "made up", "seeds": "0-29"}
    figures = [
        kid(real, seen, **about),
        frechet_distance(real, seen, **about),
        *precision_recall(real, seen, **about),
        *density_coverage(real, seen, **about),
        replace(kid(real, unseen, encoder="made up"), name="kid_real"),
    ]
    hits = {}
    for asked in sets:
        suffix = "" if asked.name == "seen" else f"/{asked.name}"
        for source, more in {"": skill, "_real": 3.0, "_retrieval": 1.0}.items():
            similarity = rng.normal(size=(len(asked), 100)) + more * (np.arange(100) == 0)
            figure = r_precision(similarity, encoder="judge", seeds="" if source else f"0-{len(asked) - 1}")
            figures.append(replace(figure, name=f"r_precision{source}{suffix}"))
            if not source:
                hits[asked.name] = (similarity.argmax(1) == 0).tolist()
    nearest = nearest_by_features(seen, real)
    copies = copy_rate(nearest, nearest_by_features(unseen, real), **about)
    detection = detect(unseen, seen, draws=50, **about)
    figures += [copies.rate, memorised_rate(nearest), detection.auc, detection.calibration_error]
    facts = {
        "model": model,
        "model_sha256": "0123456789abcdef",
        "pictures_seen": 123456,
        "trained_on_this": True,
        "budget": 60,
        "seconds": {"read": 12.3, "draw": 60.1, "compute": 4.5},
        "collection": collection.name,
        "fingerprint": "fedcba9876543210",
        "encoder": "made up, SHA-256 0123456789ab",
        "judge": "judge of sprites",
        "judge_is_independent": True,
        "pictures": {each.asked.name: len(each.pictures) for each in drawn},
        "prompts_asked_for": 20,
        "too_few_prompts": {each.asked.name: len(each.pictures) for each in drawn if len(each.pictures) < 20},
        "figures": [figure.as_json() for figure in figures],
        "notes": ["a note on <em>something</em>"],
    }
    return Evaluation(facts, figures, reference, drawn, copies, detection, hits)


def without_anything(evaluation: Evaluation) -> Evaluation:
    """The same pictures, but no figure could be computed."""
    facts = {**evaluation.facts, "figures": []}
    return replace(evaluation, facts=facts, figures=[], copies=None, detection=None, hits={})


def following(asked: str, share: float, n: int) -> list[Figure]:
    """Figures of a world whose truth is known."""
    return [
        Figure(f"following_colour/{asked}", share, share - 0.05, share + 0.05, 0, n, "decoder", "0-9"),
        Figure(f"following_colour/{asked}_real", 0.99, 0.98, 1.0, n, 0, "decoder"),
    ]
