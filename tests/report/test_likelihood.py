"""The likelihood of real pictures as an evaluation has it: set by set, and a reason where there is none."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.imagine.vae import small

from mindseye.imagine.imaginer import load
from mindseye.pictures.tensors import to_model
from mindseye.randomness import rng_at
from mindseye.report import likelihood
from mindseye.report.likelihood import likelihood_figures
from mindseye.report.prompts import PromptSet


def asked(name: str, count: int) -> PromptSet:
    """Random pictures, two of each concept, with a caption."""
    pictures = rng_at(0, name).integers(0, 256, (count, 16, 16, 4)).astype(np.uint8)
    prompts = tuple(f"a square number {index}" for index in range(count))
    concepts = tuple(str(index // 2) for index in range(count))
    return PromptSet(name, prompts, concepts, concepts, pictures)


def test_each_set_has_its_bits_but_for_small_ones_and_painted_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(likelihood, "MOST_PICTURES", 11)
    imaginer = load(small.folder(tmp_path / "vae"), device="cpu")
    seen = asked("seen", 12)
    painted = replace(asked("unseen_combinations", 12), wrong=(("another",),) * 12)
    notes: list[str] = []
    figures = likelihood_figures(imaginer, [seen, asked("held_out", 11), asked("few", 9), painted], notes)
    assert [(figure.name, figure.n_real) for figure in figures] == [
        ("bits_per_dimension_bound/seen", 11),
        ("bits_per_dimension_bound/held_out", 11),
    ]
    assert not notes and figures[0].low < figures[0].value < figures[0].high
    bits = imaginer.ours.surprise(to_model(seen.real[:11]), seen.prompts[:11])
    assert bits is not None
    assert figures[0].value == pytest.approx(bits.bits.mean().item() / (4 * 16 * 16), rel=1e-5)


def test_where_there_is_no_likelihood_it_is_said_why(tmp_path: Path, tiny_folder: Path) -> None:
    for folder, said in (
        (small.folder(tmp_path / "vae", objective="autoencoder"), "this vae model was trained to give no likelihood"),
        (tiny_folder, "no likelihood is computed of a diffusion model"),
    ):
        notes: list[str] = []
        assert likelihood_figures(load(folder, device="cpu"), [asked("seen", 12)], notes) == []
        assert notes == [said]
