"""The default family learns eight pictures by heart: everything from pixels to prompt fits together."""

from __future__ import annotations

import io
from pathlib import Path
from types import ModuleType

import numpy as np
from PIL import Image

from mindseye.collection.collection import Example, write_collection
from mindseye.imagine.families import family
from mindseye.imagine.family import Settings
from mindseye.learn.folder import load_model
from mindseye.observe.text import load_text_encoder
from mindseye.pictures.tensors import from_model
from mindseye.train.loop import train

COLOURS = ("red", "green", "blue", "yellow", "white", "black", "cyan", "magenta")
CAPTIONS = [f"a {colour} square" for colour in COLOURS]


def square(colour: str) -> Example:
    image = Image.new("RGB", (16, 16), "grey")
    image.paste(colour, (3, 3, 13, 13))
    png = io.BytesIO()
    image.save(png, format="PNG")
    return Example(png.getvalue(), f"{colour}.png", (f"a {colour} square",), colour, colour, "test")


def test_diffusion_learns_eight_pictures_and_draws_each_from_its_caption(tiny: ModuleType, tmp_path: Path) -> None:
    squares = [square(colour) for colour in COLOURS]
    facts = {"size_px": 16, "transparent": False, "pixel_art": True}
    collection = write_collection(tmp_path / "squares", {"train": squares, "validation": squares}, facts)
    settings = tiny.FAST | {"preset": "tiny", "learning_rate": "3e-3", "model.guidance": "1.5"}
    run = train("diffusion", collection, tmp_path / "run", pictures=2000, settings=settings)
    held_out = [event["loss"] for event in run.events.read() if event["event"] == "held_out"]
    assert held_out[-1] < 0.1

    _, model, _ = load_model(run.model, family)
    words = load_text_encoder().encode(CAPTIONS)
    *_, drawn = model.draw(words, None, range(8), Settings())
    learnt = collection.splits["train"].arrays(16, 3, pixel_art=True).astype(float)
    distance = np.abs(from_model(drawn.pictures)[:, None] - learnt).mean(axis=(2, 3, 4))
    assert distance.argmin(axis=1).tolist() == list(range(8))
    assert distance.diagonal().max() < 12
