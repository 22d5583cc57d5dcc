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
from jaxtyping import Float, Shaped
from torch import Tensor

from mindseye.imagine.diffusion import changes
from mindseye.imagine.diffusion.config import DiffusionConfig
from mindseye.imagine.diffusion.network import DiffusionTransformer
from mindseye.learn.batch import Batch
from mindseye.learn.learner import Draws


def draw(rng: np.random.Generator, config: DiffusionConfig) -> Mapping[str, Any]:
    """The random numbers of one training sample: its noise, its noise level, whether its caption is dropped, and how it
    is changed, if pictures are."""
    t = 1 / (1 + np.exp(-rng.normal(config.time_mean, config.time_std)))
    if rng.random() < config.time_uniform:
        t = rng.random()
    sample = {
        "t": np.float32(t),
        "without_caption": bool(rng.random() < config.caption_drop),
        "noise": rng.standard_normal((config.channels, config.size_px, config.size_px), dtype=np.float32),
    }
    if config.chance_of_change:
        sample.update(changes.draw(rng, config.size_px, config.chance_of_change))
    return sample


def loss(network: DiffusionTransformer, batch: Batch, draws: Draws, config: DiffusionConfig) -> Tensor:
    """Mean squared error of the velocity, |v_hat - v|^2 with v = (x_t - x) / max(t, time_floor) (JiT, Eq. 6)."""
    t, pictures, told = draws["t"], batch.pictures, None
    if "told" in draws:
        pictures = torch.where(_column(draws["may_change"]), changes.changed(pictures, draws), pictures)
        told = draws["told"] * draws["may_change"][:, None]
    noisy = noised(pictures, draws["noise"], t)
    clean = network(noisy, t, batch.words, draws["without_caption"], told=told)
    error = (clean - pictures) / _column(t).clamp(min=config.time_floor)
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


def _column(t: Shaped[Tensor, "batch"]) -> Shaped[Tensor, "batch 1 1 1"]:
    return torch.reshape(t, (-1, 1, 1, 1))
