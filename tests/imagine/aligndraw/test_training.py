"""What the first canvas is taken from, and what an alignDRAW must show it has learnt."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from mindseye.collection.collection import Collection, Example, write_collection
from mindseye.errors import BadInput
from mindseye.imagine.aligndraw.canvas import empty_page, measure
from mindseye.imagine.aligndraw.config import AlignDrawConfig
from mindseye.imagine.imaginer import load
from mindseye.imagine.request import Request
from mindseye.learn.learner import PictureFormat
from mindseye.randomness import rng_at
from mindseye.train.loop import train
from mindseye.train.run import RunFolder

from .small import config

SIZE_PX = 16
FAST = {
    "preset": "tiny", "compile": "false", "precision": "float32", "batch_size": "32", "warmup_pictures": "0",
    "learning_rate": "0.005", "preview_pictures": "2", "held_out_pictures": "32", "threads": "1",
}  # fmt: skip
SIDES = {"left": np.s_[4:12, 1:6], "right": np.s_[4:12, 10:15]}


def on_page(page: tuple[int, ...], count: int = 6) -> np.ndarray:
    """Pictures with speckles in the middle of an empty page."""
    pixels = np.tile(np.array(page, np.uint8), (count, SIZE_PX, SIZE_PX, 1))
    pixels[:, 4:12, 4:12] = rng_at(0, "speckles").integers(0, 256, (count, 8, 8, len(page)))
    return pixels


@pytest.mark.parametrize(
    ("page", "canvas"),
    [
        ((0, 0, 0), (-10.0, -10.0, -10.0)),
        ((255, 255, 255), (10.0, 10.0, 10.0)),
        ((90, 20, 30, 0), (-10.0, -10.0, -10.0, -10.0)),
        ((0, 255, 0, 255), (-10.0, 10.0, -10.0, 10.0)),
    ],
)
def test_the_canvas_begins_as_the_page_that_the_pictures_are_on(page: tuple[int, ...], canvas: tuple[float]) -> None:
    assert measure(config(channels=len(page)), on_page(page), lambda text: None).blank == canvas


def test_where_there_is_no_page_it_begins_as_the_mean() -> None:
    pixels = rng_at(0, "no page").integers(0, 256, (50, SIZE_PX, SIZE_PX, 3)).astype(np.uint8)
    blank = measure(config(channels=3), pixels, lambda text: None).blank
    mean = pixels.mean((0, 1, 2)) / 255
    assert torch.sigmoid(torch.tensor(blank)).tolist() == pytest.approx(mean.tolist(), abs=1e-3)


def test_a_few_things_that_reach_the_border_do_not_hide_the_page() -> None:
    shown = torch.ones(3, 3, 8, 8)
    shown[:, :, 0, :5] = 0.0
    page = empty_page(shown)
    assert page is not None and page.tolist() == [1, 1, 1]


def test_a_canvas_of_the_wrong_number_of_channels_is_refused() -> None:
    with pytest.raises(ValueError, match="blank has 2 numbers"):
        AlignDrawConfig(size_px=16, channels=3, blank=(0.0, 0.0))
    with pytest.raises(BadInput, match="no preset 'huge'"):
        AlignDrawConfig.for_pictures(PictureFormat(16, 3), "huge")


def example(split: str, index: int) -> Example:
    """A white block on black, left or right, and a sentence that says which."""
    rng = rng_at(0, f"blocks {split}", index)
    side = str(rng.choice(list(SIDES)))
    pixels = np.zeros((SIZE_PX, SIZE_PX, 3), np.uint8)
    pixels[SIDES[side]] = 255
    png = io.BytesIO()
    Image.fromarray(pixels).save(png, format="PNG")
    return Example(png.getvalue(), f"{split}{index}.png", (f"a block on the {side}",), f"{split}{index}", "", "test")


def blocks(folder: Path) -> Collection:
    counts = {"train": 128, "validation": 32}
    examples = {split: [example(split, index) for index in range(count)] for split, count in counts.items()}
    return write_collection(folder, examples, {"size_px": SIZE_PX, "transparent": False, "pixel_art": False})


@pytest.mark.slow
@pytest.mark.timeout(240)  # 20 s alone; more where the machine is busy
def test_the_bound_falls_and_the_block_comes_where_the_words_say(tmp_path: Path) -> None:
    run = train("aligndraw", blocks(tmp_path / "blocks"), tmp_path / "run", pictures=8_000, settings=FAST)
    held_out = [event["loss"] for event in RunFolder(run.path).events.read() if event["event"] == "held_out"]
    black = np.mean([pixels_of(side).mean() / 255 for side in SIDES]) * 10  # a black canvas: 10 nats a white number
    assert held_out[-1] < 0.25 * black
    imaginer = load(run.model)
    for side, other in (("left", "right"), ("right", "left")):
        pictures = imaginer.imagine(Request(prompt=f"a block on the {side}", count=4))
        for picture in pictures:
            assert picture.pixels[SIDES[side]].mean() > 2 * picture.pixels[SIDES[other]].mean()


def pixels_of(side: str) -> np.ndarray:
    pixels = np.zeros((SIZE_PX, SIZE_PX))
    pixels[SIDES[side]] = 255
    return pixels
