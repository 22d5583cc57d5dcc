"""A training on pictures of two kinds: the parts learn what they are for."""

from __future__ import annotations

import io

import numpy as np
import pytest
import torch
from PIL import Image

from mindseye.collection.collection import Collection, Example, write_collection
from mindseye.imagine.families import family
from mindseye.imagine.family import Given, Settings
from mindseye.imagine.oit import Oit
from mindseye.learn.batch import Words
from mindseye.learn.folder import load_model
from mindseye.observe.text import load_text_encoder
from mindseye.pictures.tensors import to_model
from mindseye.randomness import rng_at
from mindseye.train.loop import train

COLOURS = {"red": (220, 40, 40, 255), "blue": (40, 60, 220, 255)}
FAST = {
    "preset": "tiny", "compile": "false", "precision": "float32", "batch_size": "16", "learning_rate": "4e-3",
    "warmup_pictures": "0", "preview_pictures": "0", "held_out_pictures": "0", "model.penalty": "0.2", "threads": "1",
}  # fmt: skip


def square(colour: str, index: int) -> np.ndarray:
    rng = rng_at(index, f"{colour} square")
    edge = int(rng.integers(6, 11))
    row, column = rng.integers(0, 16 - edge, 2)
    pixels = np.zeros((16, 16, 4), np.uint8)
    pixels[row : row + edge, column : column + edge] = COLOURS[colour]
    return pixels


def example(colour: str, index: int) -> Example:
    png = io.BytesIO()
    Image.fromarray(square(colour, index)).save(png, "PNG")
    name = f"{colour} {index}"
    return Example(png.getvalue(), f"{name}.png", (f"a {colour} square",), f"{colour} square", name, "test")


@pytest.fixture(scope="module")
def collection(tmp_path_factory: pytest.TempPathFactory) -> Collection:
    made = [example(colour, index) for colour in COLOURS for index in range(48)]
    info = {"size_px": 16, "transparent": True, "pixel_art": False, "seconds": {}}
    return write_collection(tmp_path_factory.mktemp("oit") / "squares", {"train": made}, info)


@pytest.fixture(scope="module")
def model(collection: Collection, tmp_path_factory: pytest.TempPathFactory) -> Oit:
    run = train("oit", collection, tmp_path_factory.mktemp("run") / "run", pictures=8_000, settings=FAST)
    _, model, _ = load_model(run.model, family)
    return model.eval()


def words(*captions: str) -> Words:
    return load_text_encoder().encode(list(captions))


def drawn(model: Oit, prompt: str, seeds: range, given: Given | None = None) -> torch.Tensor:
    *_, last = model.draw(words(*[prompt] * len(seeds)), None, seeds, Settings(), given)
    return last.pictures


def blueness(pictures: torch.Tensor) -> float:
    """Blue minus red, over all that there is to see."""
    return float((pictures[:, 2] - pictures[:, 0]).mean())


def of(colour: str, indices: range) -> torch.Tensor:
    return to_model(np.stack([square(colour, index) for index in indices]))


@pytest.mark.slow
def test_the_parts_learn_what_they_are_for(model: Oit) -> None:
    assert blueness(drawn(model, "a blue square", range(16))) > 0.05
    assert blueness(drawn(model, "a red square", range(16))) < -0.05

    unseen = {colour: of(colour, range(1000, 1032)) for colour in COLOURS}
    means = {colour: model.observe(pictures).mean(0) for colour, pictures in unseen.items()}
    for colour, pictures in unseen.items():
        thought = model.think(model.observe(pictures))
        sentences = words("a red square", "a blue square").sentence
        nearest = torch.cosine_similarity(thought.description[:, None], sentences[None], dim=2).argmax(1)
        assert (nearest == list(COLOURS).index(colour)).float().mean() > 0.95, "it says what it sees"
        likeness = {
            name: torch.cosine_similarity(model.observe(pictures), mean[None]).mean() for name, mean in means.items()
        }
        assert max(likeness, key=likeness.get) == colour


@pytest.mark.slow
def test_what_is_imagined_of_a_picture_is_similar_and_different(model: Oit) -> None:
    for colour, sign in (("red", -1), ("blue", 1)):
        picture = of(colour, range(2000, 2001))[0]
        imagined = drawn(model, "", range(16), Given(picture, strength=0.3))
        assert sign * blueness(imagined) > 0.03, "without a word the colour is kept"
        apart = (imagined - picture).square().flatten(1).mean(1).sqrt()
        between = (imagined[:8] - imagined[8:]).square().flatten(1).mean(1).sqrt()
        assert apart.min() > 0.05 and between.mean() > 0.05, "no copy, and not always the same"
