"""Small PixelRNN models in which every parameter has an effect, and captions for them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch

from mindseye.imagine.pixelrnn import PixelRNN, PixelRNNConfig
from mindseye.imagine.pixelrnn.model import build
from mindseye.learn.batch import Words
from mindseye.randomness import rng_at

PALETTE = ("#ffffff", "#000000", "#e03020", "#2040d0", "#30a040")


@pytest.fixture(scope="session")
def model() -> Callable[..., PixelRNN]:
    """Makes a model of these settings: 4 x 4 pixels of five colours, unless said otherwise."""

    def make(**changes: Any) -> PixelRNN:
        settings = {"size_px": 4, "channels": 3, "pixels": "palette", "palette": PALETTE, "width": 16, "depth": 2}
        config = PixelRNNConfig(**{**settings, "heads": 2, "mixtures": 2, "text_width": 8, **changes})
        made = build(config, seed=0)
        with torch.no_grad():
            for index, parameter in enumerate(made.parameters()):
                noise = rng_at(0, "wake", index).standard_normal(parameter.shape, dtype="float32")
                parameter.add_(torch.from_numpy(noise) * 0.2)
        return made.eval()

    return make


@pytest.fixture(scope="session")
def captions() -> Callable[..., Words]:
    """The captions of these numbers, made up."""

    def make(*numbers: int) -> Words:
        states = [rng_at(number, "caption").standard_normal((4, 8), dtype="float32") for number in numbers]
        tokens = torch.stack([torch.from_numpy(state) for state in states])
        return Words(tokens, torch.ones(len(numbers), 4, dtype=torch.bool), tokens.mean(1))

    return make
