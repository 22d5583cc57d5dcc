"""Collections without captions: trained on and drawn from, whatever the prompt."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from mindseye.collection.collect import collect
from mindseye.collection.collection import Collection
from mindseye.imagine.families import NAMES
from mindseye.imagine.imaginer import load
from mindseye.imagine.request import Request
from mindseye.train.loop import train

FAST = {
    "preset": "tiny", "compile": "false", "threads": "1", "precision": "float32", "batch_size": "8",
    "warmup_pictures": "0", "preview_pictures": "0", "learning_rate": "0.01", "held_out_pictures": "0",
}  # fmt: skip


FAMILIES = [
    *(pytest.param(name, {}, id=name) for name in NAMES),
    pytest.param("gan", {"model.method": "dcgan"}, id="gan: dcgan"),
    pytest.param("gan", {"model.method": "wgan-gp"}, id="gan: wgan-gp"),
    pytest.param("vae", {"model.likelihood": "categorical"}, id="vae: categorical"),
]


@pytest.fixture(scope="module")
def squares(tmp_path_factory: pytest.TempPathFactory) -> Collection:
    """Twelve pictures of noise in eight colours without captions."""
    folder = tmp_path_factory.mktemp("squares")
    inks = np.random.default_rng(0).integers(0, 256, (8, 3), dtype=np.uint8)
    for index in range(12):
        pixels = inks[np.random.default_rng(index).integers(0, 8, (16, 16))]
        Image.fromarray(pixels).save(folder / f"{index}.png")
    return collect(folder, tmp_path_factory.mktemp("collected") / "collection", captions="none")


@pytest.mark.parametrize(("family", "settings"), FAMILIES)
def test_every_family_learns_without_captions_and_draws_with_an_empty_prompt(
    family: str, settings: dict[str, str], squares: Collection, tmp_path: Path
) -> None:
    run = train(family, squares, tmp_path / "run", pictures=16, settings=FAST | settings)
    imaginer = load(run.model, device="cpu")
    assert imaginer.about.collection.captions == 0
    silent, asked = Request(prompt="", count=2), Request(prompt="a cat")
    *_, drawn = imaginer.sample(silent)
    assert torch.isfinite(drawn.pictures).all() and not torch.equal(*drawn.pictures)
    *_, again = imaginer.sample(asked)
    assert torch.equal(again.pictures[0], drawn.pictures[0])
    assert imaginer.notes(silent) == []
    assert imaginer.notes(asked) == ["it learnt without captions, so the prompt changes nothing"]


@pytest.mark.parametrize("family", ["diffusion", "pixelrnn"])
def test_without_captions_there_is_nothing_for_guidance_to_follow(
    family: str, squares: Collection, tmp_path: Path
) -> None:
    run = train(family, squares, tmp_path / "run", pictures=16, settings=FAST)
    imaginer = load(run.model, device="cpu")
    plain, strong = (imaginer.imagine(Request(prompt="", guidance=weight))[0].pixels for weight in (1, 9))
    assert np.abs(strong.astype(int) - plain).max() <= 1


def test_a_model_of_captions_takes_an_empty_prompt_as_none(tiny_folder: Path) -> None:
    imaginer = load(tiny_folder, device="cpu")
    assert imaginer.painter.encoder.encode([""]).absent.tolist() == [True]
    empty = imaginer.imagine(Request(prompt="", steps=3, guidance=1))[0].pixels.astype(int)
    unguided = imaginer.imagine(Request(prompt="a cat", steps=3, guidance=0))[0].pixels.astype(int)
    assert np.abs(empty - unguided).max() <= 1
    assert torch.equal(imaginer.painter.encoder.encode([""]).tokens, imaginer.painter.encoder.encode([" "]).tokens)
