"""The objective: rectified flow (Liu et al. 2022; Lipman et al. 2022) with the network predicting the clean picture.

Convention, everywhere in this family: noise at t = 1.

    x_t = (1 - t) x + t e,     v = dx_t/dt = e - x,     x = x_t - t v,     e = x_t + (1 - t) v

The network predicts x and the loss is taken in v (JiT, Li & He 2025): with patches of hundreds of numbers a token is
too narrow to carry noise, but wide enough for a clean picture.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from mindseye.imagine.diffusion.config import DiffusionConfig
from mindseye.imagine.diffusion.network import DiffusionTransformer
from mindseye.learn.batch import Batch
from mindseye.learn.learner import Draws


def draw(rng: np.random.Generator, config: DiffusionConfig) -> Mapping[str, Any]:
    """The random numbers of one training sample: its noise, its noise level, and whether its caption is dropped."""
    t = 1 / (1 + np.exp(-rng.normal(config.time_mean, config.time_std)))
    if rng.random() < config.time_uniform:
        t = rng.random()
    return {
        "t": np.float32(t),
        "without_caption": bool(rng.random() < config.caption_drop),
        "noise": rng.standard_normal((config.channels, config.size_px, config.size_px), dtype=np.float32),
    }


def loss(network: DiffusionTransformer, batch: Batch, draws: Draws, config: DiffusionConfig) -> Tensor:
    """Mean squared error of the velocity, |v_hat - v|^2 with v = (x_t - x) / max(t, time_floor) (JiT, Eq. 6)."""
    t = draws["t"]
    noisy = noised(batch.pictures, draws["noise"], t)
    clean = network(noisy, t, batch.words, draws["without_caption"])
    error = (clean - batch.pictures) / _column(t).clamp(min=config.time_floor)
    return error.square().mean()


def noised(
    clean: Float[Tensor, "batch channel height width"],
    noise: Float[Tensor, "batch channel height width"],
    t: Float[Tensor, "batch"],
) -> Float[Tensor, "batch channel height width"]:
    """x_t = (1 - t) x + t e."""
    return (1 - _column(t)) * clean + _column(t) * noise


def velocity(noisy: Tensor, clean: Tensor, t: Tensor) -> Tensor:
    """v = (x_t - x) / t, for t > 0."""
    return (noisy - clean) / _column(t)


def _column(t: Float[Tensor, "batch"]) -> Float[Tensor, "batch 1 1 1"]:
    return torch.reshape(t, (-1, 1, 1, 1))
