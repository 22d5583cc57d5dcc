"""R3GAN's stacks of blocks (Huang et al. 2024, "The GAN is dead; long live the GAN!"): one grows a picture, one looks
at it.

Bottleneck blocks with a grouped 3 x 3 convolution, as in ResNeXt, and no normalisation layer: the weights are scaled at
the start so that none is needed (Fixup, Zhang et al. 2019). One thing differs from the paper: the outermost stage works
on small patches in place of pixels, since at full resolution a convolution costs most and sees least.
"""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from mindseye.imagine.adversarial.convolution import Convolution
from mindseye.imagine.adversarial.stages import Stages

SLOPE = 0.2  # of the leaky rectifier, below 0
GAIN = math.sqrt(2 / (1 + SLOPE**2))  # by which it would shrink what passes, were the weights not that much larger


class Growing(nn.Module):
    """From a few numbers to a picture: a learnt grid, weighted by them, doubled stage by stage."""

    def __init__(self, config: Stages, numbers: int) -> None:
        super().__init__()
        widths = config.widths
        blocks = len(widths) * config.blocks
        self.patch_px = config.patch_px
        self.basis = nn.Parameter(torch.empty(widths[0], config.base_px, config.base_px))
        self.start = nn.Linear(numbers, widths[0], bias=False)
        self.stages = nn.ModuleList(
            nn.Sequential(
                nn.Identity() if index == 0 else Up(widths[index - 1], width),
                *(Block(width, config.group, blocks) for _ in range(config.blocks)),
            )
            for index, width in enumerate(widths)
        )
        self.patches_out = Convolution(widths[-1], config.channels * config.patch_px**2, 3, padding=1)
        nn.init.normal_(self.basis)
        scaled_(self.start)
        scaled_(self.patches_out)

    def grown(self, numbers: Float[Tensor, "batch number"]) -> Float[Tensor, "batch channel height width"]:
        """The picture, in [-1, 1] by what it has learnt, not by a limit."""
        grid = self.basis * self.start(numbers)[:, :, None, None]
        for stage in self.stages:
            grid = stage(grid)
        return F.pixel_shuffle(self.patches_out(grid), self.patch_px).float()


class Looking(nn.Module):
    """From a picture to features of the whole, its grid halved stage by stage."""

    def __init__(self, config: Stages, features: int) -> None:
        super().__init__()
        widths = config.widths[::-1]
        blocks = len(widths) * config.blocks
        self.patch_px = config.patch_px
        self.patches_in = Convolution(config.channels * config.patch_px**2, widths[0], 3, padding=1)
        self.stages = nn.ModuleList(
            nn.Sequential(
                *(Block(width, config.group, blocks) for _ in range(config.blocks)),
                Down(width, widths[index + 1]) if index + 1 < len(widths) else nn.Identity(),
            )
            for index, width in enumerate(widths)
        )
        self.basis = Convolution(widths[-1], widths[-1], config.base_px, groups=widths[-1], bias=False)
        self.features_out = nn.Linear(widths[-1], features)
        scaled_(self.patches_in)
        scaled_(self.basis)
        scaled_(self.features_out)

    def seen(self, pictures: Float[Tensor, "batch channel height width"]) -> Float[Tensor, "batch feature"]:
        """What it sees in the pictures."""
        grid = self.patches_in(F.pixel_unshuffle(pictures, self.patch_px))
        for stage in self.stages:
            grid = stage(grid)
        return self.features_out(self.basis(grid).flatten(1))


class Block(nn.Module):
    """x + 1x1(act(grouped 3x3(act(1x1(x))))), widened to twice its channels inside; starts as x itself."""

    def __init__(self, width: int, group: int, blocks: int) -> None:
        super().__init__()
        inner = 2 * width
        self.widen = Convolution(width, inner, 1)
        self.mix = Convolution(inner, inner, 3, padding=1, groups=inner // group)
        self.narrow = Convolution(inner, width, 1, bias=False)
        # Fixup: with m = 3 layers in a branch, L^(-1 / (2 m - 2)) keeps a first step's effect apart from the depth.
        depth_gain = blocks ** (-1 / 4)
        scaled_(self.widen, depth_gain)
        scaled_(self.mix, depth_gain * GAIN)
        nn.init.zeros_(self.narrow.weight)

    def forward(self, x: Float[Tensor, "batch width row column"]) -> Float[Tensor, "batch width row column"]:
        inner = F.leaky_relu(self.mix(F.leaky_relu(self.widen(x), SLOPE)), SLOPE)
        return x + self.narrow(inner)


class Up(nn.Module):
    """Another width, then twice the resolution: linear between neighbours."""

    def __init__(self, width: int, width_out: int) -> None:
        super().__init__()
        self.convert = conversion(width, width_out)

    def forward(self, x: Tensor) -> Tensor:
        return F.interpolate(self.convert(x), scale_factor=2, mode="bilinear", align_corners=False)


class Down(nn.Module):
    """Half the resolution by averages, then another width."""

    def __init__(self, width: int, width_out: int) -> None:
        super().__init__()
        self.convert = conversion(width, width_out)

    def forward(self, x: Tensor) -> Tensor:
        return self.convert(F.avg_pool2d(x, 2))


def conversion(width: int, width_out: int) -> nn.Module:
    """A 1 x 1 convolution where the widths differ."""
    if width == width_out:
        return nn.Identity()
    convolution = Convolution(width, width_out, 1, bias=False)
    scaled_(convolution)
    return convolution


def scaled_(layer: nn.Conv2d | nn.Linear, gain: float = 1.0) -> None:
    """Starts a layer with N(0, gain^2 / fan_in) weights, so that it passes on the scale of what it is given."""
    nn.init.normal_(layer.weight, std=gain / math.sqrt(layer.weight[0].numel()))
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)


def normalised(sentence: Float[Tensor, "... text"]) -> Float[Tensor, "... text"]:
    """Sentence vectors of root mean square 1."""
    return F.rms_norm(sentence.float(), sentence.shape[-1:])


class Squashed(nn.Module):
    """tanh, in float32: bfloat16 calls everything beyond 3.4 exactly 1, which has no derivative, so that a generator
    which once drew a whole picture in one extreme (nothing, say) would never leave it."""

    def forward(self, numbers: Float[Tensor, "..."]) -> Float[Tensor, "..."]:
        """In [-1, 1], float32."""
        return torch.tanh(numbers.float())
