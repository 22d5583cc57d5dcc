"""From a folder of pictures to a model that draws them, with the loop that trains every family."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path

import pytest
from PIL import Image

from mindseye.collection.collection import Collection, Example, write_collection
from mindseye.train.loop import train
from mindseye.train.run import RunFolder

COLOURS = ("red", "green", "blue", "yellow", "white", "black", "cyan", "magenta")
FAST = {"preset": "tiny", "threads": "1", "precision": "float32", "batch_size": "8", "warmup_pictures": "0"}
OFTEN = {"checkpoint_minutes": "0", "preview_minutes": "0", "preview_pictures": "2"}


def square(colour: str) -> Example:
    image = Image.new("RGB", (16, 16), "grey")
    image.paste(colour, (3, 3, 13, 13))
    png = io.BytesIO()
    image.save(png, format="PNG")
    return Example(png.getvalue(), f"{colour}.png", (f"a {colour} square",), colour, colour, "test")


@pytest.fixture(scope="module")
def squares(tmp_path_factory: pytest.TempPathFactory) -> Collection:
    made = [square(colour) for colour in COLOURS]
    facts = {"size_px": 16, "transparent": False, "pixel_art": True}
    folder = tmp_path_factory.mktemp("collection") / "squares"
    return write_collection(folder, {"train": made, "validation": made[:2]}, facts)


class PowerCutError(Exception):
    """Something that ends a training where it should not end."""


def digest(run: RunFolder) -> list[str]:
    """SHA-256 of the finished generator and of the newest checkpoint: both networks, the average, the optimisers."""
    files = [*run.model.rglob("*.safetensors"), *sorted(max(run.checkpoints.glob("0*")).glob("*.safetensors"))]
    return [hashlib.sha256(file.read_bytes()).hexdigest() for file in files]


@pytest.mark.parametrize(("method", "often"), [("r3gan", "needed"), ("wgan-gp", "0.5"), ("dcgan", "1.0")])
def test_a_training_that_was_cut_off_three_times_ends_in_the_bytes_of_one_that_was_not(
    method: str, often: str, squares: Collection, tmp_path: Path
) -> None:
    settings = FAST | OFTEN | {"model.method": method, "model.often": often}
    whole = train("gan", squares, tmp_path / "whole", pictures=96, settings=settings)

    for _ in range(3):
        sheets = 0

        def cut_off(line: str) -> None:
            nonlocal sheets
            sheets += line.startswith("sample sheet")
            if sheets == 4:
                raise PowerCutError

        with pytest.raises(PowerCutError):
            train("gan", squares, tmp_path / "broken", pictures=96, settings=settings, log=cut_off)
    broken = train("gan", squares, tmp_path / "broken", pictures=96, settings=settings)
    assert digest(broken) == digest(whole)


def test_no_held_out_loss_is_taken_since_that_of_rivals_says_nothing(squares: Collection, tmp_path: Path) -> None:
    run = train("gan", squares, tmp_path / "run", pictures=8, settings=FAST)
    assert "held_out" not in [event["event"] for event in run.events.read()]
