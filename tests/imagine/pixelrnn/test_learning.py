"""From a collection to a model that knows its pictures by heart: palette, training, saving, drawing and completing."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from mindseye.collection.collection import Example, write_collection
from mindseye.errors import BadInput
from mindseye.imagine.families import family
from mindseye.imagine.family import Given, Settings
from mindseye.imagine.pixelrnn.network import NETWORKS
from mindseye.imagine.pixelrnn.objective import draw
from mindseye.learn.batch import Batch
from mindseye.learn.folder import load_model
from mindseye.learn.learner import PictureFormat
from mindseye.observe.text import load_text_encoder
from mindseye.pictures.tensors import from_model, to_model
from mindseye.randomness import rng_at
from mindseye.train.loop import train

COLOURS = {"red": (220, 40, 30), "green": (30, 160, 60), "blue": (30, 60, 220), "yellow": (240, 220, 40)}
CAPTIONS = [f"a {colour} square" for colour in COLOURS]
FAST = {"compile": "false", "threads": "1", "precision": "float32", "batch_size": "8", "warmup_pictures": "0"}


def square(colour: str) -> Example:
    pixels = np.zeros((8, 8, 4), np.uint8)
    pixels[2:6, 1:7] = (*COLOURS[colour], 255)
    pixels[4, 3] = (0, 0, 0, 255)
    png = io.BytesIO()
    Image.fromarray(pixels).save(png, format="PNG")
    return Example(png.getvalue(), f"{colour}.png", (f"a {colour} square",), colour, colour, "test")


def test_a_palette_gpt_learns_four_pictures_and_draws_and_completes_each(tmp_path: Path) -> None:
    examples = [square(colour) for colour in COLOURS]
    facts = {"size_px": 8, "transparent": True, "pixel_art": True}
    collection = write_collection(tmp_path / "squares", {"train": examples, "validation": examples}, facts)
    settings = FAST | {"preset": "tiny", "learning_rate": "5e-3", "model.caption_drop": "0"}
    lines: list[str] = []
    run = train("pixelrnn", collection, tmp_path / "run", pictures=2400, settings=settings, log=lines.append)
    assert any("5 colours, a palette of 6" in line for line in lines)

    _, model, about = load_model(run.model, family)
    assert about.config["palette"][0] == "transparent"
    words = load_text_encoder().encode(CAPTIONS)
    learnt = collection.splits["train"].arrays(8, 4, pixel_art=True)
    bits = model.likelihood(to_model(learnt), words)
    assert bits.shape == (4, 8, 8)
    assert bits.mean().item() * np.log(2) < 0.01
    *_, drawn = model.draw(words, None, range(4), Settings())
    assert np.array_equal(from_model(drawn.pictures), learnt)

    known = torch.zeros(8, 8, dtype=torch.bool)
    known[:3] = True  # the first row of the square among them: the caption is not needed to go on
    for index in range(4):
        given = Given(to_model(learnt[index]), known)
        *_, completed = model.draw(words.rows([index]), None, [9], Settings(temperature=0), given)
        assert np.array_equal(from_model(completed.pictures)[0], learnt[index])


@pytest.mark.slow
@pytest.mark.parametrize("network", NETWORKS)
def test_every_network_learns_a_picture_by_heart_and_completes_it_from_a_quarter(network: str, model, captions) -> None:
    made = model(network=network, size_px=8, width=32)
    picture = made.pixels.show(torch.from_numpy(rng_at(0, "picture to learn").integers(0, 5, (1, 8, 8, 1))))
    batch = Batch(picture.repeat(2, 1, 1, 1), captions(0, 1), torch.zeros(2))
    [objective] = made.objectives()
    draws = {"without_caption": torch.tensor([False, False]), "mirrored": torch.tensor([False, False])}
    optimiser = torch.optim.Adam(made.parameters(), lr=3e-3)
    for _ in range(400):
        optimiser.zero_grad()
        loss = objective.loss(made, batch, draws)
        loss.backward()
        optimiser.step()
    assert loss.item() < 0.01
    known = torch.zeros(8, 8, dtype=torch.bool)
    known[:2] = True
    *_, completed = made.draw(captions(0), None, [3], Settings(), Given(picture[0], known))
    assert torch.equal(completed.pictures, picture)


def framed(split: str, index: int) -> Example:
    """A rectangle with a black frame somewhere on white, of a place, a size and a colour of its own."""
    rng = rng_at(0, f"framed {split}", index)
    top, left = rng.integers(0, 4, 2)
    height, width = rng.integers(3, 6, 2)
    pixels = np.full((8, 8, 3), 255, np.uint8)
    pixels[top : top + height, left : left + width] = 0
    pixels[top + 1 : top + height - 1, left + 1 : left + width - 1] = list(COLOURS.values())[rng.integers(4)]
    png = io.BytesIO()
    Image.fromarray(pixels).save(png, format="PNG")
    return Example(png.getvalue(), f"{split}{index:03d}.png", (), "a rectangle", f"{split}{index}", "test")


def bits_by_copying(seen: np.ndarray, unseen: np.ndarray) -> np.ndarray:
    """Bits a pixel of a [as to the left] + b [as above] + c frequency, where a, b and c are the best for `seen`."""

    def likely(pictures: np.ndarray) -> np.ndarray:
        counts = np.bincount(seen.flatten())
        padded = np.pad(pictures, ((0, 0), (1, 0), (1, 0)), constant_values=counts.argmax())
        copies = padded[:, 1:, :-1] == pictures, padded[:, :-1, 1:] == pictures
        return np.stack([*copies, counts[pictures] / counts.sum()], axis=-1)

    shares = np.full(3, 1 / 3)
    for _ in range(100):
        each = likely(seen) * shares
        shares = (each / each.sum(-1, keepdims=True)).mean((0, 1, 2))
    return -np.log2(likely(unseen) @ shares)


@pytest.mark.slow
def test_unseen_pictures_cost_far_less_than_by_copying_the_pixel_to_the_left_or_above(tmp_path: Path) -> None:
    counts = {"train": 512, "validation": 64}
    examples = {split: [framed(split, index) for index in range(count)] for split, count in counts.items()}
    facts = {"size_px": 8, "transparent": False, "pixel_art": True}
    collection = write_collection(tmp_path / "framed", examples, facts)
    settings = FAST | {"preset": "tiny", "learning_rate": "5e-3", "batch_size": "32", "preview_pictures": "0"}
    run = train("pixelrnn", collection, tmp_path / "run", pictures=6_400, settings=settings)
    _, model, _ = load_model(run.model, family)
    seen, unseen = (to_model(collection.splits[split].arrays(8, 3, pixel_art=True)) for split in examples)
    ours = model.likelihood(unseen, load_text_encoder().encode([""]).rows([0] * len(unseen))).mean((1, 2)).numpy()
    indices = [model.pixels.read(pictures)[..., 0].numpy() for pictures in (seen, unseen)]
    copied = bits_by_copying(*indices).mean((1, 2))
    gain = copied - ours
    assert gain.mean() > 10 * gain.std(ddof=1) / len(gain) ** 0.5  # standard errors, one a picture
    assert ours.mean() < 0.6 * copied.mean()


def losses(model: Any, batch: Batch, **draws: list[bool]) -> float:
    numbers = {"without_caption": [False] * 2, "mirrored": [False] * 2, **draws}
    [objective] = model.objectives()
    return float(objective.loss(model, batch, {name: torch.tensor(flags) for name, flags in numbers.items()}).detach())


def test_an_untrained_palette_model_costs_about_the_uniform_distribution(model, captions) -> None:
    # uniform over 167 colours: 5.11799 nats, 7.38370 bits (the course's palette)
    palette = tuple(f"#0000{blue:02x}" for blue in range(167))
    made = model(palette=palette, size_px=8, width=64)
    with torch.no_grad():
        made.pixels.out.weight.zero_()
        made.pixels.out.bias.zero_()
    picture = made.pixels.show(torch.from_numpy(rng_at(0, "picture").integers(0, 167, (2, 8, 8, 1))))
    assert losses(made, Batch(picture, captions(0, 1), torch.zeros(2))) == pytest.approx(5.11799, abs=1e-5)
    assert made.likelihood(picture, captions(0, 1)).mean().item() == pytest.approx(7.38370, abs=1e-5)
    whole = made.surprise(picture, captions(0, 1), range(2))
    assert (whole.numbers, whole.levels, whole.exact) == (64, 167, True)
    assert (whole.bits / whole.numbers).tolist() == pytest.approx([7.38370] * 2, abs=1e-5)


def test_a_picture_in_levels_has_a_number_a_channel(model, captions) -> None:
    made, picture = model(pixels="levels"), torch.zeros(1, 3, 4, 4)
    whole = made.surprise(picture, captions(0), [0])
    assert (whole.numbers, whole.levels) == (3 * 4 * 4, 256)
    assert whole.bits.item() == pytest.approx(made.likelihood(picture, captions(0)).sum().item(), rel=1e-6)


def test_a_mirrored_sample_costs_what_the_mirrored_picture_costs(model, captions) -> None:
    made = model()
    picture = made.pixels.show(torch.from_numpy(rng_at(0, "picture").integers(0, 5, (2, 4, 4, 1))))
    mirrored = losses(made, Batch(picture, captions(0, 1), torch.zeros(2)), mirrored=[True, True])
    assert mirrored == losses(made, Batch(picture.flip(3), captions(0, 1), torch.zeros(2)))
    assert mirrored != losses(made, Batch(picture, captions(0, 1), torch.zeros(2)))


def test_a_dropped_caption_is_the_same_whatever_it_was(model, captions) -> None:
    made = model()
    picture = made.pixels.show(torch.zeros(2, 4, 4, 1, dtype=torch.long))
    dropped = [losses(made, Batch(picture, captions(n, n), torch.zeros(2)), without_caption=[True] * 2) for n in (0, 1)]
    assert dropped[0] == dropped[1]


def test_captions_are_dropped_and_pictures_mirrored_as_often_as_configured(model) -> None:
    config = model(mirror=0.5).config
    samples = [draw(rng_at(0, "draws", position), config) for position in range(4000)]
    assert np.mean([sample["without_caption"] for sample in samples]) == pytest.approx(0.1, abs=0.02)
    assert np.mean([sample["mirrored"] for sample in samples]) == pytest.approx(0.5, abs=0.03)


def test_a_regression_has_no_likelihood_and_says_so(model, captions) -> None:
    with pytest.raises(BadInput, match="regression"):
        model(pixels="regression").likelihood(torch.zeros(1, 3, 4, 4), captions(0))
    assert model(pixels="regression").surprise(torch.zeros(1, 3, 4, 4), captions(0), [0]) is None


def test_pixel_art_gets_a_palette_and_other_pictures_levels(model) -> None:
    config = type(model().config)
    assert config.for_pictures(PictureFormat(20, 3, pixel_art=True)).pixels == "palette"
    assert config.for_pictures(PictureFormat(32, 4)).pixels == "logistics"
    assert config.for_pictures(PictureFormat(64, 4)).network == "gated-pixelcnn"
    course = config.for_pictures(PictureFormat(20, 3, pixel_art=True), "course")
    assert (course.network, course.width, course.depth) == ("lstm", 512, 1)
    with pytest.raises(BadInput, match="enormous"):
        config.for_pictures(PictureFormat(20, 3), "enormous")
