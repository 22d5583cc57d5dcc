"""A run whose training pictures are at hand, for tests of what is nearest to drawn pictures."""

from __future__ import annotations

import io
import shutil
from pathlib import Path

import numpy as np
from PIL import Image

from mindseye.collection.collection import Collection, Example, write_collection
from mindseye.learn.folder import ABOUT, read_about
from mindseye.train.run import Plan, RunFolder


def drawn(number: int) -> np.ndarray:
    """Stripes and a block of one colour each, other for every number and other when mirrored, RGBA of 16 px."""
    pixels = np.zeros((16, 16, 4), np.uint8)
    colour = np.random.default_rng(number).integers(0, 256, 3)
    pixels[2 : 6 + number, 1:5] = (*colour, 255)
    pixels[:: 2 + number % 3, 6:16] = (*colour[::-1], 255)
    return pixels


def written(folder: Path, count: int = 6) -> Collection:
    """A collection of these pictures."""
    examples = []
    for number in range(count):
        data = io.BytesIO()
        Image.fromarray(drawn(number)).save(data, "PNG")
        examples.append(Example(data.getvalue(), f"deep/{number}.png", (f"thing {number}",), "", str(number), ""))
    return write_collection(folder, {"train": examples}, {"size_px": 16, "transparent": True, "pixel_art": True})


def trained_run(model: Path, folder: Path) -> RunFolder:
    """A run in `folder` with a copy of `model`, which says that it was trained on six pictures in folder/things."""
    collection = written(folder / "things")
    run = RunFolder(folder / "run")
    shutil.copytree(model, run.model)
    about = read_about(run.model)
    learnt = about.collection.model_copy(update={"name": "things", "fingerprint": collection.fingerprint})
    (run.model / ABOUT).write_text(about.model_copy(update={"collection": learnt}).model_dump_json())
    names = dict.fromkeys(("mindseye", "torch", "text_encoder_sha256"), "")
    nothing: dict[str, dict[str, str]] = {name: {} for name in ("pictures", "train", "model", "machine")}
    where = {"collection": "things", "collection_path": str(collection.path), "fingerprint": collection.fingerprint}
    run.write_plan(Plan.model_validate({"family": "diffusion", **names, **nothing, **where}))
    return run
