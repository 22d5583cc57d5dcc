"""The models that come with the package: small, named, documented, and they draw from the command line."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mindseye.imagine.imaginer import load
from mindseye.imagine.request import Request
from mindseye.learn.folder import MODELS, NEAREST, shipped_models
from mindseye.pictures.story import read_story

LARGEST_BYTES = 25_000_000


def test_emoji_is_there() -> None:
    assert "emoji" in shipped_models()


@pytest.mark.parametrize("name", shipped_models())
def test_a_shipped_model_is_small_and_says_how_it_was_made(name: str) -> None:
    folder = MODELS / name
    thinker = set((folder / "thinker").rglob("*.safetensors"))
    drawing = set(folder.rglob("*.safetensors")) - thinker - {folder / NEAREST}
    for files in (drawing, thinker):  # the one that draws, the one that thinks
        assert sum(path.stat().st_size for path in files) <= LARGEST_BYTES
    card = (folder / "README.md").read_text(encoding="utf-8")
    for promised in ("pictures seen", "hours on", "## Limits", "licen"):
        assert promised in card.lower() or promised in card
    assert (folder / "sheet.png").stat().st_size > 10_000
    assert load(name).about.name == name


def test_drawing_opens_no_library_that_takes_seconds() -> None:
    """The first picture waits for every one of them."""
    program = """
import sys, mindseye
mindseye.load("emoji").imagine(mindseye.Request(prompt="a smiling cat", steps=1))
print(sorted(sys.modules))
"""
    opened = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert "'torch'" in opened
    for slow in ("torch._dynamo", "torch.fx.experimental.symbolic_shapes", "transformers", "scipy", "diffusers"):
        assert f"'{slow}'" not in opened


def test_one_command_draws_four_transparent_pictures_and_a_sheet(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "mindseye", "imagine", "a smiling cat", "--seed", "7", "--out", str(tmp_path)]
    done = subprocess.run([*command, "--json"], capture_output=True, text=True, check=True)
    answer = json.loads(done.stdout.splitlines()[-1])
    assert answer["model"] == "emoji"
    assert [picture["seed"] for picture in answer["pictures"]] == [7, 8, 9, 10]
    for picture in answer["pictures"]:
        image = Image.open(picture["path"])
        assert (image.mode, image.size) == ("RGBA", (64, 64))
        alpha = np.asarray(image)[..., 3]
        assert alpha.min() == 0 and alpha.max() == 255
        assert read_story(Path(picture["path"]))["prompt"] == "a smiling cat"
    assert Path(answer["sheet"]).is_file()


def test_prompts_lead_to_pictures_of_their_own() -> None:
    """Not a measure of quality: only that a red heart is redder than a purple one, whatever the seed."""
    imaginer = load("emoji")
    redness = []
    for prompt in ("red heart", "purple heart"):
        pixels = [picture.pixels for picture in imaginer.imagine(Request(prompt=prompt, count=4, steps=8))]
        visible = np.concatenate([picture[picture[..., 3] > 128] for picture in pixels]).astype(float)
        redness.append((visible[:, 0] - visible[:, 2]).mean())
    assert redness[0] > redness[1] + 40


def test_a_picture_of_the_shipped_model_is_the_same_bytes_alone_and_in_company() -> None:
    imaginer = load("emoji")
    company = imaginer.imagine(Request(prompt="a smiling cat", seed=3, count=5, steps=3))
    for index in (0, 2, 4):
        [alone] = imaginer.imagine(Request(prompt="a smiling cat", seed=3 + index, steps=3))
        assert np.array_equal(alone.pixels, company[index].pixels)
