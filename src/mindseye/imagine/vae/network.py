"""The networks: an encoder from picture to code, a decoder from code to picture, and the caption beside both.

Small residual convolutional networks (groups normalised, SiLU) on three or so grids, from about 16 x 16 cells to
about 4 x 4; a cell is a patch of the picture, since convolutions at full size cost most and gain least. The caption is
one vector, so this is a conditional VAE (Sohn et al. 2015): the code need not say again what the caption says.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.nn import functional as F

from mindseye.imagine.vae.config import VaeConfig
from mindseye.imagine.vae.likelihood import LIKELIHOODS, Likelihood
from mindseye.learn.batch import Words

GROUPS = 8  # of channels, normalised together
WIDEST = 4  # the coarser grids have twice and four times the features, no more


@dataclass(frozen=True)
class Posterior:
    """q(c | x) = N(mean, exp(log_variance)), one a picture; every dimension on its own."""

    mean: Float[Tensor, "batch code"]
    log_variance: Float[Tensor, "batch code"]


class VaeNetwork(nn.Module):
    """Encoder, decoder and the reading of captions."""

    def __init__(self, config: VaeConfig) -> None:
        super().__init__()
        self.likelihood: Likelihood = LIKELIHOODS[config.likelihood](config)
        self.text_in = nn.Linear(config.text_width, config.hidden)
        self.null_text = nn.Parameter(torch.zeros(config.hidden))
        self.encoder = Encoder(config)
        self.decoder = Decoder(config)

    @property
    def device(self) -> torch.device:
        return self.null_text.device

    def condition(self, words: Words, without: Bool[Tensor, "batch"]) -> Float[Tensor, "batch hidden"]:
        """Captions as the networks read them; where `without` is True or there are no words in it, as none at all."""
        text = self.text_in(normalise(words.sentence)).float()
        return torch.where((without | words.absent)[:, None], self.null_text, text)

    def encode(
        self, pictures: Float[Tensor, "batch channel height width"], condition: Float[Tensor, "batch hidden"]
    ) -> Posterior:
        """Where the codes of pictures may lie."""
        mean, log_variance = self.encoder(pictures, condition).chunk(2, dim=1)
        return Posterior(mean, log_variance)

    def decode(
        self, codes: Float[Tensor, "batch code"], condition: Float[Tensor, "batch hidden"]
    ) -> Float[Tensor, "batch output height width"]:
        """What p(x | c) is made of; see `likelihood.py`."""
        return self.decoder(codes, condition)

    def picture(
        self, codes: Float[Tensor, "batch code"], condition: Float[Tensor, "batch hidden"]
    ) -> Float[Tensor, "batch channel height width"]:
        """The likeliest picture of each code, in [-1, 1]."""
        return self.likelihood.show(self.decode(codes, condition))


class Encoder(nn.Module):
    def __init__(self, config: VaeConfig) -> None:
        super().__init__()
        widths = stage_widths(config)
        self.patch_in = nn.Conv2d(config.channels, widths[0], config.patch_px, stride=config.patch_px)
        self.blocks = nn.ModuleList(Block(width) for width in widths)
        self.down = nn.ModuleList(
            nn.Conv2d(wide, wider, 3, stride=2, padding=1) for wide, wider in zip(widths, widths[1:], strict=False)
        )
        self.norm = nn.GroupNorm(GROUPS, widths[-1])
        self.whole = nn.Linear(widths[-1] * config.sides[-1] ** 2, config.hidden)
        self.code = nn.Linear(config.hidden, 2 * config.code)

    def forward(
        self, pictures: Float[Tensor, "batch channel height width"], condition: Float[Tensor, "batch hidden"]
    ) -> Float[Tensor, "batch mean_and_log_variance"]:
        x = self.blocks[0](self.patch_in(pictures))
        for down, block in zip(self.down, self.blocks[1:], strict=True):
            x = block(down(x))
        whole = self.whole(F.silu(self.norm(x)).flatten(1))
        return self.code(F.silu(whole + condition)).float()


class Decoder(nn.Module):
    def __init__(self, config: VaeConfig) -> None:
        super().__init__()
        widths = stage_widths(config)[::-1]
        self.shape = (widths[0], config.sides[-1], config.sides[-1])
        self.code = nn.Linear(config.code, config.hidden)
        self.whole = nn.Linear(config.hidden, widths[0] * config.sides[-1] ** 2)
        self.blocks = nn.ModuleList(Block(width) for width in widths)
        self.up = nn.ModuleList(
            nn.Conv2d(wide, narrow, 3, padding=1) for wide, narrow in zip(widths, widths[1:], strict=False)
        )
        self.norm = nn.GroupNorm(GROUPS, widths[-1])
        self.patch_out = nn.Conv2d(widths[-1], config.outputs * config.patch_px**2, 3, padding=1)
        self.patch_px = config.patch_px

    def forward(
        self, codes: Float[Tensor, "batch code"], condition: Float[Tensor, "batch hidden"]
    ) -> Float[Tensor, "batch output height width"]:
        x = self.whole(F.silu(self.code(codes) + condition)).unflatten(1, self.shape)
        x = self.blocks[0](x)
        for up, block in zip(self.up, self.blocks[1:], strict=True):
            x = block(up(F.interpolate(x, scale_factor=2.0, mode="nearest")))
        return F.pixel_shuffle(self.patch_out(F.silu(self.norm(x))), self.patch_px).float()


class Block(nn.Module):
    """x + f(x), with f zero at the start."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm1 = nn.GroupNorm(GROUPS, width)
        self.conv1 = nn.Conv2d(width, width, 3, padding=1)
        self.norm2 = nn.GroupNorm(GROUPS, width)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1)
        nn.init.zeros_(self.conv2.weight)

    def forward(self, x: Float[Tensor, "batch width height width"]) -> Float[Tensor, "batch width height width"]:
        hidden = self.conv1(F.silu(self.norm1(x)))
        return x + self.conv2(F.silu(self.norm2(hidden)))


def stage_widths(config: VaeConfig) -> list[int]:
    """Features a cell of each grid, from fine to coarse."""
    return [config.width * min(2**stage, WIDEST) for stage in range(len(config.sides))]


def normalise(features: Tensor) -> Tensor:
    """Root-mean-square norm over the last axis, in float32, without gain."""
    features = features.float()
    return features * torch.rsqrt(features.square().mean(-1, keepdim=True) + 1e-6)
