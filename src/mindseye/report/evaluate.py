"""How good is a model? It draws for a while, and every figure of the thinking room is computed from what it drew.

Drawn pictures are compared with real ones of the collection through a frozen encoder that took part in no training,
and with their prompts through a judge. Each figure comes with its numbers of pictures, its encoder and a 95 % interval.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import UInt8
from numpy.typing import NDArray
from PIL import Image

from mindseye import files
from mindseye.collection.cleaning import looks
from mindseye.collection.collection import Collection
from mindseye.collection.opening import open_collection
from mindseye.errors import BadInput
from mindseye.imagine.imaginer import Imaginer, load
from mindseye.observe.pictures import PictureFeatures
from mindseye.observe.text import load_text_encoder
from mindseye.report.drawn import ENOUGH_PROMPTS, Drawn, budget_for_enough, compared_as, draw_for
from mindseye.report.likelihood import likelihood_figures
from mindseye.report.prompts import PromptSet
from mindseye.report.reference import Reference, joined, refer, rows_of
from mindseye.think.copies import (
    Copies,
    Nearest,
    copy_rate,
    duplicate_rate,
    memorised_rate,
    nearest_by_features,
    nearest_by_pixels,
)
from mindseye.think.detector import Detection, detect
from mindseye.think.distribution import frechet_distance, inception_style_score, kid
from mindseye.think.features import FEWEST
from mindseye.think.figure import Figure
from mindseye.think.following import following_figures
from mindseye.think.manifold import density_coverage, precision_recall
from mindseye.think.naming import MISMATCHING, mismatching, r_precision, ranks

BUDGET_SECONDS = 120.0

Log = Callable[[str], None]


@dataclass(frozen=True)
class Evaluation:
    """The figures of a model, and what they were computed from.

    Attributes:
        facts: plain JSON values: `model`, `collection`, `judge`, `encoder`, `budget`, `seconds`, `figures`, `notes`.
        drawn: the pictures, set by set.
        copies: the nearest training pictures of all that was drawn, where there are held-out pictures to compare with.
        detection: real or imagined, where there are held-out pictures.
        hits: for each set, whether the judge named each picture right.
    """

    facts: dict[str, Any]
    figures: list[Figure]
    reference: Reference
    drawn: list[Drawn]
    copies: Copies | None
    detection: Detection | None
    hits: dict[str, list[bool]]


def evaluate(
    model: Imaginer | str | Path,
    collection: Collection | str | Path,
    *,
    budget: float = BUDGET_SECONDS,
    page: Path | None = None,
    log: Log = lambda line: None,
) -> Evaluation:
    """Draws for `budget` seconds and computes every figure that the pictures allow.

    Args:
        model: a loaded model, a shipped name or a folder.
        collection: an open collection, a built-in name or a folder: the one that the model was trained on, since copies
            are looked for in its training split.
        budget: seconds to draw; more pictures make narrower intervals. Reading and computing come on top. Where it did
            not last for 100 prompts of each set, a note names the budget that would.
        page: where to write the report as one HTML file.
        log: called with a line of text now and then.

    Raises:
        BadInput: no such model or collection, the model takes no prompts, or the collection has no captions.
        Unavailable: the page cannot be written.
    """
    imaginer = model if isinstance(model, Imaginer) else load(model)
    if not isinstance(collection, Collection):
        collection = open_collection(collection)
    began = time.monotonic()
    reference = refer(collection, compared_as(imaginer, collection), log)
    read = time.monotonic()
    drawn = draw_for(imaginer, reference.sets, budget, log)
    drew = time.monotonic()
    evaluation = judge_drawn(reference, drawn, log, imaginer)
    about = imaginer.about
    seconds = {"read": read - began, "draw": drew - read, "compute": time.monotonic() - drew}
    enough = budget_for_enough(drawn, reference.sets, drew - read)
    hurried = [f"{ENOUGH_PROMPTS} prompts of each set take about --budget {enough} at this speed"] if enough else []
    facts = {
        "model": imaginer.name,
        "model_sha256": imaginer.sha256,
        **({"pictures_seen": about.training.pictures_seen} if about else {}),
        "trained_on_this": about is not None and about.collection.fingerprint == collection.fingerprint,
        "budget": budget,
        "seconds": {name: round(value, 1) for name, value in seconds.items()},
        **evaluation.facts,
        "notes": [*hurried, *evaluation.facts["notes"]],
    }
    evaluation = replace(evaluation, facts=facts)
    if page is not None:
        from mindseye.report.evaluation_page import render

        files.write_text(page, render(evaluation))
    return evaluation


def judge_drawn(
    reference: Reference, drawn: Sequence[Drawn], log: Log = lambda line: None, imaginer: Imaginer | None = None
) -> Evaluation:
    """Every figure of these pictures, and the likelihood of real ones under the model that drew them, if it is ours."""
    log(f"looking at {sum(len(each.pictures) for each in drawn):,} drawn pictures")
    features = {each.asked.name: reference.features(each.pictures) for each in drawn}
    seeds = max(drawn, key=lambda each: len(each.pictures)).seeds  # sets begin with the same one
    notes: list[str] = []
    likely = [each for each in drawn if not each.asked.painted] or list(drawn)  # such as real pictures show, too
    likely_features = joined([features[each.asked.name] for each in likely])
    likely_blocks = _concepts(likely)
    figures = _quality(reference, likely_features, likely_blocks, seeds)
    hits = {}
    for each in drawn:
        named, hits[each.asked.name] = naming(reference, each, features[each.asked.name], notes)
        figures += named
    copies, copy_figures = _copies(reference, drawn, features, seeds, notes)
    figures += copy_figures
    detection = None
    if len(reference.held_out) >= FEWEST:
        detection = detect(
            reference.held_out.pooled,
            likely_features.pooled,
            encoder=reference.encoder.name,
            real_blocks=reference.held_out_concepts,
            generated_blocks=likely_blocks,
            seeds=seeds,
        )
        figures += [detection.auc, detection.calibration_error]
    if reference.collection.splits["train"].truths[0]:
        for each in drawn:
            figures += following_figures(each.asked.prompts, list(each.pictures), each.asked.name, each.seeds)
            for figure in following_figures(each.asked.prompts, list(each.asked.real), f"{each.asked.name}_real"):
                figures.append(replace(figure, n_real=figure.n_generated, n_generated=0))
    if imaginer is not None:
        figures += likelihood_figures(imaginer, reference.sets, notes, log)
    few = {each.asked.name: len(each.pictures) for each in drawn if len(each.pictures) < ENOUGH_PROMPTS}
    whole = {each.name: len(each) for each in reference.sets}
    for name, count in few.items():
        of_all = ", all that the collection gives" if count == whole[name] else ""
        notes.append(f"{name} has {count} prompts{of_all}; {ENOUGH_PROMPTS} are asked for")
    if not reference.judge.independent:
        notes.append("R-precision is not independent: its judge learnt from the pictures that the model learnt from")
    facts = {
        "collection": reference.collection.name,
        "fingerprint": reference.collection.fingerprint,
        "encoder": f"{reference.encoder.name}, SHA-256 {reference.encoder.sha256[:12]}",
        "judge": reference.judge.name,
        "judge_is_independent": reference.judge.independent,
        "pictures": {each.asked.name: len(each.pictures) for each in drawn},
        "prompts_asked_for": ENOUGH_PROMPTS,
        "too_few_prompts": few,
        "figures": [figure.as_json() for figure in figures],
        "notes": notes,
    }
    return Evaluation(facts, figures, reference, list(drawn), copies, detection, hits)


def score_pictures(
    pictures: UInt8[np.ndarray, "picture size size channel"],
    prompts: Sequence[str] | None,
    reference: Reference,
    asked: PromptSet,
    first_seed: int,
) -> list[Figure]:
    """The figures of pictures from anywhere, so that other programs are measured as ours is.

    Args:
        pictures: picture i was drawn for prompt i of `asked`, with seed `first_seed` + i.
        prompts: None if they were drawn without: then nothing is said of prompts.
        reference: of the collection that was trained on.
        asked: the prompts.
        first_seed: of the pictures, for the record.
    """
    drawn = Drawn(asked.first(len(pictures)), pictures, first_seed)
    figures = judge_drawn(reference, [drawn]).figures
    return [figure for figure in figures if prompts is not None or not figure.name.startswith("r_precision")]


def _quality(reference: Reference, drawn: PictureFeatures, blocks: Sequence[str], seeds: str) -> list[Figure]:
    """What the pictures are like as a whole, beside how unseen real pictures compare with the same ones.

    How much of what is real gets surrounded grows with how many pictures do it. So precision, recall, density and
    coverage count as many drawn pictures as unseen real ones, as many as there are of both.
    """
    rows = reference.typical
    real = reference.train.pooled[rows]
    real_blocks = [reference.collection.splits["train"].concepts[row] for row in rows]
    about: dict[str, Any] = {"encoder": reference.encoder.name, "generated_blocks": blocks, "seeds": seeds}
    both = {**about, "real_blocks": real_blocks}
    figures = [
        kid(real, drawn.pooled, **both),
        frechet_distance(real, drawn.pooled, **both),
        inception_style_score(drawn.class_logits.softmax(1), **about),
    ]
    sides = {"": (drawn.pooled, blocks, seeds)}
    if len(reference.held_out) >= FEWEST:
        sides["_real"] = (reference.held_out.pooled, reference.held_out_concepts, "")
        floor = kid(real, sides["_real"][0], **{**both, "generated_blocks": sides["_real"][1], "seeds": ""})
        figures.append(replace(floor, name="kid_real"))
    n = min(len(features) for features, _, _ in sides.values())
    for suffix, (features, labels, of_seeds) in sides.items():
        some = np.linspace(0, len(features) - 1, n).round().astype(int)
        chosen = {**both, "generated_blocks": [labels[row] for row in some], "seeds": of_seeds}
        for compared in (precision_recall, density_coverage):
            figures += [replace(f, name=f"{f.name}{suffix}") for f in compared(real, features[some], **chosen)]
    return figures


def naming(
    reference: Reference, drawn: Drawn, features: PictureFeatures, notes: list[str]
) -> tuple[list[Figure], list[bool]]:
    """R-precision of drawn pictures, of the real ones, and of the training pictures with the nearest captions; and
    which of the drawn ones were named right."""
    asked = drawn.asked
    choices = _choices(reference, asked)
    if not choices:
        notes.append(f"R-precision of {asked.name} needs {MISMATCHING + 1} captions of different concepts")
        return [], []
    found = _nearest_by_caption(reference, asked.prompts)
    sources = {
        "r_precision": features,
        "r_precision_real": reference.features(asked.real),
        "r_precision_retrieval": rows_of(reference.train, found),
    }
    suffix = "" if asked.name == "seen" else f"/{asked.name}"
    figures, hits = [], []
    for name, looked_at in sources.items():
        similarity = reference.judge.among(looked_at, choices)
        seeds = drawn.seeds if name == "r_precision" else ""
        figure = r_precision(similarity, encoder=reference.judge.name, generated_blocks=asked.concepts, seeds=seeds)
        figures.append(replace(figure, name=name + suffix))
        if name == "r_precision":
            hits = (ranks(similarity) == 1).tolist()
    return figures, hits


def _choices(reference: Reference, asked: PromptSet) -> list[list[str]]:
    """For each prompt itself and 99 captions that do not fit its picture; none where there are not so many.

    Where the set brings none of its own, they are prompts of the whole set and of the others.
    """
    if asked.painted:
        return [[prompt, *wrong] for prompt, wrong in zip(asked.prompts, asked.wrong, strict=True)]
    sets = sorted((each for each in reference.sets if not each.painted), key=lambda each: each.name != asked.name)
    captions, concepts, groups = (
        [text for each in sets for text in getattr(each, field)] for field in ("prompts", "concepts", "groups")
    )
    try:
        wrong = mismatching(captions, concepts, groups, pictures=len(asked))
    except BadInput:
        return []
    return [[own, *(captions[other] for other in others)] for own, others in zip(captions, wrong, strict=False)]


def _nearest_by_caption(reference: Reference, prompts: Sequence[str]) -> NDArray[np.int64]:
    """For each prompt the training picture whose main caption is nearest to it: what a search would have given."""
    encoder = load_text_encoder()
    train = reference.collection.splits["train"]
    rows = [row for row, captions in enumerate(train.captions) if captions]
    texts = list(dict.fromkeys(train.captions[row][0] for row in rows))
    first = {train.captions[row][0]: row for row in reversed(rows)}
    known, asked = (_sentences(encoder, list(part)) for part in (texts, prompts))
    return np.array([first[texts[place]] for place in (asked @ known.T).argmax(1)])


def _sentences(encoder: Any, texts: Sequence[str]) -> NDArray[np.float32]:
    parts = [encoder.encode_together(texts[begin : begin + 64]).sentence.numpy() for begin in range(0, len(texts), 64)]
    rows = np.concatenate(parts)
    unit: NDArray[np.float32] = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return unit


def _concepts(drawn: Sequence[Drawn]) -> list[str]:
    return [concept for each in drawn for concept in each.asked.concepts]


def _copies(
    reference: Reference, drawn: Sequence[Drawn], features: Mapping[str, PictureFeatures], seeds: str, notes: list[str]
) -> tuple[Copies | None, list[Figure]]:
    """How near to training pictures everything drawn came, and each set of prompts by itself."""
    if len(reference.held_out) < FEWEST:
        notes.append(f"copies are counted against held-out pictures: {FEWEST} or more are needed")
        return None, []
    groups = reference.collection.splits["train"].groups
    pictures = np.concatenate([each.pictures for each in drawn])
    everything = joined([features[each.asked.name] for each in drawn])

    def nearest(upright: PictureFeatures, some: NDArray[np.uint8]) -> Nearest:
        mirrored = reference.features(np.ascontiguousarray(some[:, :, ::-1]))
        train = reference.train.pooled
        return nearest_by_features(upright.pooled, train, mirrored=mirrored.pooled, training_groups=groups)

    held_out = nearest(reference.held_out, reference.held_out_pictures)
    by_set = {each.asked.name: nearest(features[each.asked.name], each.pictures) for each in drawn}
    about: dict[str, Any] = {"encoder": reference.encoder.name, "held_out_blocks": reference.held_out_concepts}
    of_all: dict[str, Any] = {"generated_blocks": _concepts(drawn), "seeds": seeds}
    copies = copy_rate(nearest(everything, pictures), held_out, **of_all, **about)
    drawn_looks, real_looks, train_looks = (
        [looks(Image.fromarray(one)) for one in some]
        for some in (pictures, reference.held_out_pictures, reference.train_pictures)
    )
    by_pixels, near = nearest_by_pixels(drawn_looks, train_looks, training_groups=groups)
    real, _ = nearest_by_pixels(real_looks, train_looks, training_groups=groups)
    learnt = memorised_rate(real, generated_blocks=reference.held_out_concepts)
    figures = [
        copies.rate,
        memorised_rate(by_pixels, **of_all),
        replace(learnt, name=f"{learnt.name}_real"),
        duplicate_rate(near, len(train_looks), **of_all),
    ]
    begin = 0
    for each in drawn if len(drawn) > 1 else ():
        own = slice(begin, begin := begin + len(each.pictures))
        of_it: dict[str, Any] = {"generated_blocks": each.asked.concepts, "seeds": each.seeds}
        rates = (
            copy_rate(by_set[each.asked.name], held_out, **of_it, **about).rate,
            memorised_rate(by_pixels.of(own), **of_it),
        )
        figures += [replace(rate, name=f"{rate.name}/{each.asked.name}") for rate in rates]
    return copies, figures
