"""What the next frame is made of: the last one, moved in K ways, and what is painted anew (Finn et al. 2016, 3.2).

CDNA, convolutional dynamic neural advection: K kernels are predicted for the whole frame, each a distribution over
where a pixel comes from, and each pixel chooses among the frames that they make:

    k_hat = relu(k - 1e-12) + 1e-12,   K = k_hat / sum(k_hat)
    x_{t+1} = m_0 x_t + m_1 painted + sum_k m_{k+1} (K_k * x_t),   m = softmax over the K + 2 channels

Every layer has its mask. (The published code pairs K + 1 layers with K masks, and so loses its last kernel.)
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from mindseye.imagine.frames.config import FramesConfig
from mindseye.imagine.frames.lstm import Features, Tower

LEAST = 1e-12
PAINTED = 1  # the layer that is painted
RARELY = -3.0  # what its mask begins at, before the softmax


@dataclass(frozen=True)
class Composed:
    """A predicted frame, and of what it was composed.

    Attributes:
        frame: in [0, 1].
        masks: the share of each layer in each pixel: the last frame, the painted one, the moved ones.
        kernels: of the moved ones, each summing to 1.
    """

    frame: Float[Tensor, "batch channel height width"]
    masks: Float[Tensor, "batch layer height width"]
    kernels: Float[Tensor, "batch kernel row column"]


class Cdna(nn.Module):
    """Moves the pixels of the last frame."""

    def __init__(self, config: FramesConfig, coarse_px: int) -> None:
        super().__init__()
        self.count, self.edge = config.kernels, config.kernel_px
        self.kernels = nn.Linear(4 * config.width * coarse_px**2, config.kernels * config.kernel_px**2)
        self.painted = nn.Conv2d(config.width, config.channels, 1)
        self.masks = nn.Conv2d(config.width, config.kernels + 2, 1)
        nn.init.ones_(self.kernels.bias)  # no entry begins below zero, where it would not learn
        assert self.masks.bias is not None
        with torch.no_grad():
            self.kernels.weight.mul_(0.1)
            self.masks.bias[PAINTED] = RARELY  # pixels are moved before they are painted

    def forward(self, features: Features, frame: Float[Tensor, "batch channel height width"]) -> Composed:
        raw = self.kernels(features.coarse.flatten(1)).float()
        kernels = kernels_of(raw.unflatten(1, (self.count, self.edge, self.edge)))
        painted = torch.sigmoid(self.painted(features.fine).float())
        masks = torch.softmax(self.masks(features.fine).float(), dim=1)
        layers = torch.cat([frame[:, None], painted[:, None], moved(frame, kernels)], dim=1)
        return Composed(composed(masks, layers), masks, kernels)


class Painted(nn.Module):
    """Paints every frame from nothing: the deterministic ConvLSTM that moved pixels are compared with."""

    def __init__(self, config: FramesConfig, coarse_px: int) -> None:
        super().__init__()
        self.painted = nn.Conv2d(config.width, config.channels, 1)

    def forward(self, features: Features, frame: Float[Tensor, "batch channel height width"]) -> Composed:
        painted = torch.sigmoid(self.painted(features.fine).float())
        batch, _, height, width = painted.shape
        return Composed(painted, painted.new_ones(batch, 1, height, width), painted.new_zeros(batch, 0, 1, 1))


def kernels_of(raw: Float[Tensor, "batch kernel row column"]) -> Float[Tensor, "batch kernel row column"]:
    """Kernels without negative entries, each summing to 1; the same everywhere where nothing is positive."""
    positive = torch.relu(raw - LEAST) + LEAST
    return positive / positive.sum((2, 3), keepdim=True)


def moved(
    frame: Float[Tensor, "batch channel height width"], kernels: Float[Tensor, "batch kernel row column"]
) -> Float[Tensor, "batch kernel channel height width"]:
    """K_k * x_t: each kernel over the whole frame, every channel alike. Outside the frame there is nothing (0).

    An entry in row r and column c of a kernel brings pixels from r - middle below and c - middle to the right.
    """
    edge, (height, width) = kernels.shape[-1], frame.shape[2:]
    patches = F.unfold(frame, edge, padding=edge // 2).unflatten(1, (frame.shape[1], edge**2))
    return torch.einsum("bkp,bcpn->bkcn", kernels.flatten(2), patches).unflatten(3, (height, width))


def composed(
    masks: Float[Tensor, "batch layer height width"], layers: Float[Tensor, "batch layer channel height width"]
) -> Float[Tensor, "batch channel height width"]:
    """The layers by their masks. There must be a mask for each."""
    assert masks.shape[1] == layers.shape[1]
    return (masks[:, :, None] * layers).sum(1)


class Recurrent(nn.Module):
    """A tower that remembers, with a head that makes the next frame of what it says."""

    def __init__(self, config: FramesConfig, head: type[Cdna] | type[Painted]) -> None:
        super().__init__()
        self.tower = Tower(config)
        self.head = head(config, self.tower.coarse_px)
