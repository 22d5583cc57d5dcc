"""The flow network: the next frame from noise, conditioned on past frames, which stand beside it as more channels.

Rectified flow (Liu et al. 2022; Lipman et al. 2022) with noise at t = 1, predicting the clean frame (Li & He 2025):

    x_t = (1 - t) x + t e,   v = dx_t/dt = e - x = (x_t - x) / t

The network cuts the frames into patches of 2 x 2 pixels and is a small U of residual convolutions, told the noise level
and the action in every block; it says by how much the next frame differs from the last one. Where several futures are
possible it draws one of them, by chance, and not their mean.
"""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from mindseye.imagine.frames.config import FramesConfig

PATCH_PX = 2
GROUP = 16  # features that are normalised together
TIME_FEATURES = 64
TIME_SCALE = 1000.0  # t in [0, 1] is scaled before the sinusoids; part of the weights' meaning, never change it


class FlowNetwork(nn.Module):
    """Predicts the clean next frame from a noisy one, its noise level, the past frames and the action."""

    def __init__(self, config: FramesConfig) -> None:
        super().__init__()
        w, told = config.flow_width, 2 * config.flow_width
        self.time_in = nn.Sequential(nn.Linear(TIME_FEATURES, told), nn.SiLU(), nn.Linear(told, told))
        self.action_in = nn.Linear(len(config.actions), told)
        numbers = PATCH_PX**2 * config.channels
        self.frames_in = nn.Conv2d((1 + config.context) * numbers, w, 3, padding=1)
        self.fine_in, self.down = Surroundings(w, told), nn.Conv2d(w, 2 * w, 2, stride=2)
        self.coarse = nn.ModuleList(Surroundings(2 * w, told) for _ in range(2))
        self.up, self.fine_out = nn.ConvTranspose2d(2 * w, w, 2, stride=2), Surroundings(w, told)
        self.frame_out = nn.Conv2d(w, numbers, 3, padding=1)
        nn.init.zeros_(self.frame_out.weight)

    def forward(
        self,
        noisy: Float[Tensor, "batch channel height width"],
        t: Float[Tensor, "batch"],
        past: Float[Tensor, "batch frame channel height width"],
        action: Float[Tensor, "batch action"],
    ) -> Float[Tensor, "batch channel height width"]:
        """The clean frame expected behind `noisy`, in [-1, 1] but for errors.

        Args:
            noisy: x_t.
            t: noise level, 0 (clean) to 1 (pure noise).
            past: the frames before it, in [-1, 1], the last one last.
            action: what is done between the last of them and this one.
        """
        told = F.silu(self.time_in(time_features(t)) + self.action_in(action))
        frames = F.pixel_unshuffle(torch.cat([noisy, past.flatten(1, 2)], dim=1), PATCH_PX)
        fine = self.fine_in(self.frames_in(frames), told)
        coarse = self.down(fine)
        for block in self.coarse:
            coarse = block(coarse, told)
        fine = self.fine_out(self.up(coarse) + fine, told)
        patches = self.frame_out(F.silu(in_groups(fine))).float()
        return past[:, -1] + F.pixel_shuffle(patches, PATCH_PX)


class Surroundings(nn.Module):
    """Two 3 x 3 convolutions, the second modulated by what is told and zero at the start (a residual block as in
    Dhariwal & Nichol 2021)."""

    def __init__(self, width: int, told: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(width, width, 3, padding=1)
        self.modulation = nn.Linear(told, 2 * width)
        self.second = nn.Conv2d(width, width, 3, padding=1)
        nn.init.zeros_(self.second.weight)

    def forward(
        self, grid: Float[Tensor, "batch width row column"], told: Float[Tensor, "batch features"]
    ) -> Float[Tensor, "batch width row column"]:
        shift, scale = self.modulation(told)[:, :, None, None].chunk(2, dim=1)
        inner = self.first(F.silu(in_groups(grid)))
        return grid + self.second(F.silu(in_groups(inner) * (1 + scale) + shift))


def in_groups(grid: Float[Tensor, "batch width row column"]) -> Float[Tensor, "batch width row column"]:
    """Group norm without gain (Wu & He 2018)."""
    return F.group_norm(grid.float(), grid.shape[1] // GROUP)


def time_features(t: Float[Tensor, "batch"]) -> Float[Tensor, "batch features"]:
    """Sinusoids of 1000 t with periods from 2 pi to 2 pi 10,000 (Vaswani et al. 2017)."""
    half = TIME_FEATURES // 2
    frequency = torch.exp(-math.log(10_000) * torch.arange(half, device=t.device) / half)
    angle = TIME_SCALE * t.float()[:, None] * frequency
    return torch.cat([angle.cos(), angle.sin()], dim=1)


def noised(clean: Tensor, noise: Tensor, t: Float[Tensor, "batch"]) -> Tensor:
    """x_t = (1 - t) x + t e, one t a sample."""
    t = t.reshape(-1, *[1] * (clean.ndim - 1))
    return (1 - t) * clean + t * noise
