"""What is learnt: the noise in a noisy latent, or its velocity, as the base was taught (DDPM, Ho et al. 2020)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional as F

from mindseye.learn.batch import Batch
from mindseye.learn.learner import Draws

if TYPE_CHECKING:
    from mindseye.imagine.pipelines.lora.network import Lora


def draw(rng: np.random.Generator, steps: int, shape: tuple[int, int, int]) -> Mapping[str, Any]:
    """The random numbers of one training sample: its step of the noising, and its noise."""
    return {"step": np.int64(rng.integers(steps)), "noise": rng.standard_normal(shape, dtype=np.float32)}


def loss(model: Lora, batch: Batch, draws: Draws) -> Tensor:
    """Mean squared error of what the UNet says of z_t (`noised`) to its target (`target`)."""
    clean = latents(model, batch.pictures)
    signal = model.signal[draws["step"]].reshape(-1, 1, 1, 1)
    said = model(noised(clean, draws["noise"], signal), draws["step"], batch.words)
    return F.mse_loss(said.float(), target(clean, draws["noise"], signal, model.prediction))


def noised(clean: Tensor, noise: Tensor, signal: Float[Tensor, "batch 1 1 1"]) -> Tensor:
    """z_t = sqrt(abar_t) z + sqrt(1 - abar_t) e, with `signal` abar_t (DDPM, Eq. 4)."""
    return signal.sqrt() * clean + (1 - signal).sqrt() * noise


def target(clean: Tensor, noise: Tensor, signal: Float[Tensor, "batch 1 1 1"], prediction: str) -> Tensor:
    """e, or v = sqrt(abar_t) e - sqrt(1 - abar_t) z (Salimans & Ho 2022)."""
    return {"epsilon": noise, "v_prediction": signal.sqrt() * noise - (1 - signal).sqrt() * clean}[prediction]


@torch.no_grad()
def latents(model: Lora, pictures: Float[Tensor, "batch channel height width"]) -> Tensor:
    """The pictures on white, enlarged to the size that is learnt, as the mode of what the base's VAE makes of them."""
    size_px = model.config.size_px
    if pictures.shape[1] == 4:
        pictures = pictures[:, :3] + 1 - pictures[:, 3:]  # c + (1 - a) of premultiplied c, both scaled to [-1, 1]
    if pictures.shape[-1] != size_px:
        mode = "nearest-exact" if model.config.pixel_art else "bicubic"
        pictures = F.interpolate(pictures, (size_px, size_px), mode=mode).clamp(-1, 1)
    return model.vae.encode(pictures).latent_dist.mode() * model.vae.config.scaling_factor


def sizes(size_px: int, rows: int, device: torch.device) -> Int[Tensor, "batch 6"]:
    """What SDXL is told of a picture: its size, where it was cropped, and the size that is wanted."""
    return torch.tensor([[size_px, size_px, 0, 0, size_px, size_px]] * rows, device=device)
