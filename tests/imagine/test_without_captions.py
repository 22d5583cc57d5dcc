"""Collections without captions: trained on and drawn from, whatever the prompt."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from PIL import Image

from mindseye.collection.collect import collect
from mindseye.imagine.imaginer import load
from mindseye.imagine.request import Request
from mindseye.train.loop import train

FAST = {
    "preset": "tiny", "compile": "false", "threads": "1", "precision": "float32", "batch_size": "8",
    "warmup_pictures": "0", "preview_pictures": "2", "learning_rate": "0.01",
}  # fmt: skip


def test_pictures_without_captions_are_collected_trained_on_and_drawn_with_an_empty_prompt(tmp_path: Path) -> None:
    folder = tmp_path / "squares"
    folder.mkdir()
    for index in range(12):
        pixels = np.random.default_rng(index).integers(0, 256, (16, 16, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{index}.png")
    made = collect(folder, tmp_path / "collection", captions="none")
    run = train("diffusion", made, tmp_path / "run", pictures=80, settings=FAST)
    imaginer = load(run.model, device="cpu")
    pictures = imaginer.imagine(Request(prompt="", count=2, steps=3))
    assert not np.array_equal(pictures[0].pixels, pictures[1].pixels)
    assert pictures[0].story.notes == ()
    stronger = imaginer.imagine(Request(prompt="", steps=3, guidance=9))[0].pixels.astype(int)
    assert np.abs(stronger - pictures[0].pixels).max() <= 1, "there is no caption for guidance to follow"
    asked = imaginer.imagine(Request(prompt="a cat", steps=3))[0]
    assert asked.story.notes == ("it learnt without captions, so the prompt changes nothing",)
    assert np.array_equal(asked.pixels, pictures[0].pixels)


def test_a_model_of_captions_takes_an_empty_prompt_as_none(tiny_folder: Path) -> None:
    imaginer = load(tiny_folder, device="cpu")
    assert imaginer.painter.encoder.encode([""]).absent.tolist() == [True]
    empty = imaginer.imagine(Request(prompt="", steps=3, guidance=1))[0].pixels.astype(int)
    unguided = imaginer.imagine(Request(prompt="a cat", steps=3, guidance=0))[0].pixels.astype(int)
    assert np.abs(empty - unguided).max() <= 1
    assert torch.equal(imaginer.painter.encoder.encode([""]).tokens, imaginer.painter.encoder.encode([" "]).tokens)
