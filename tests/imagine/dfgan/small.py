"""A tiny DF-GAN and batches for its tests."""

from __future__ import annotations

from typing import Any

import torch

from mindseye.imagine.dfgan import DfGan, DfGanConfig
from mindseye.imagine.dfgan.model import build
from mindseye.learn.batch import Batch, Words
from mindseye.learn.learner import PictureFormat
from mindseye.randomness import rng_at


def model(size_px: int = 16, channels: int = 4, **fields: Any) -> DfGan:
    config = DfGanConfig.for_pictures(PictureFormat(size_px, channels), "tiny")
    return build(config.model_copy(update=fields), seed=0)


def awake(made: DfGan) -> DfGan:
    """No weight is zero, so that everything has an effect without training."""
    with torch.no_grad():
        for index, parameter in enumerate(made.parameters()):
            if not parameter.any():
                parameter.copy_(normal(*parameter.shape, seed=index) / 5)
    return made


def captions(count: int) -> Words:
    tokens = normal(count, 32, 384)
    return Words(tokens, torch.ones(count, 32, dtype=torch.bool), tokens.mean(1))


def batch(count: int, size_px: int = 16, channels: int = 4) -> Batch:
    return Batch(normal(count, channels, size_px, size_px).clamp(-1, 1), captions(count), torch.arange(count))


def normal(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.from_numpy(rng_at(seed, "test").standard_normal(shape, dtype="float32"))
