"""A tiny alignDRAW that no training has touched yet, captions for it, and its random numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from mindseye.imagine.aligndraw.config import AlignDrawConfig
from mindseye.imagine.aligndraw.model import AlignDraw, build
from mindseye.imagine.aligndraw.objective import draw
from mindseye.learn.batch import Batch, Words
from mindseye.learn.learner import PictureFormat
from mindseye.randomness import rng_at


def config(size_px: int = 16, channels: int = 4, **changes: Any) -> AlignDrawConfig:
    return AlignDrawConfig.for_pictures(PictureFormat(size_px, channels), "tiny").model_copy(update=changes)


def model(size_px: int = 16, channels: int = 4, **changes: Any) -> AlignDraw:
    """No parameter is zero and patches are strong, so that everything has an effect without training."""
    made = build(config(size_px, channels, **changes), seed=0)
    with torch.no_grad():
        noise = rng_at(0, "wake").standard_normal(made.network.null_sentence.shape, dtype="float32")
        made.network.null_sentence.copy_(torch.from_numpy(noise))
        made.network.patch.weight.mul_(10)
    return made.eval()


def words(*lengths: int, first: int = 0) -> Words:
    """One caption a length, in tokens; with none it has no words."""
    numbers = range(first, first + len(lengths))
    states = np.stack([rng_at(number, "caption").standard_normal((12, 384), dtype="float32") for number in numbers])
    mask = torch.arange(12) < torch.tensor(lengths)[:, None]
    tokens = torch.from_numpy(states) * mask[..., None]
    return Words(tokens, mask, tokens.sum(1) / mask.sum(1, keepdim=True).clamp(min=1))


def pictures(count: int, size_px: int = 16, channels: int = 4) -> torch.Tensor:
    uniform = rng_at(0, "pictures").random((count, channels, size_px, size_px), dtype="float32")
    return torch.from_numpy(uniform) * 2 - 1


def batch(count: int) -> Batch:
    return Batch(pictures(count), words(*[5] * count), torch.arange(count))


def draws(of: AlignDrawConfig, count: int) -> dict[str, torch.Tensor]:
    samples = [draw(rng_at(0, "loss", index), of) for index in range(count)]
    return {name: torch.from_numpy(np.stack([sample[name] for sample in samples])) for name in samples[0]}


def with_captions(count: int) -> torch.Tensor:
    """Says of no caption that it is dropped."""
    return torch.zeros(count, dtype=torch.bool)
