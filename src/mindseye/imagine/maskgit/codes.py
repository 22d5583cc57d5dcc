"""Codes: a picture as a grid of whole numbers, and back. FSQ, finite scalar quantisation (Mentzer et al. 2024).

A cell of the picture becomes a few numbers, each of which is bent into its range by tanh and rounded to one of L
levels. So there is no code book to learn, none of its entries can die, and no loss is needed to keep numbers and
entries together; the gradient passes the rounding as if it were not there (straight through).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

from mindseye.imagine.maskgit.config import MaskGitConfig

GROUPS = 8  # of features, normalised together
BLOCKS = 2  # between a picture and its codes, and back
MARGIN = 1e-3  # by which the range is wider than its outermost levels, so that these can be reached


class Fsq(nn.Module):
    """Numbers to levels, levels to indices, and back.

    With L levels a number is rounded to one of 0 .. L - 1 minus L // 2, and given as a share of L // 2: about -1 to 1.

    Args:
        levels: L of each number of a code, 2 or more.
    """

    levels: Tensor
    places: Tensor

    def __init__(self, levels: Sequence[int]) -> None:
        super().__init__()
        counts = torch.tensor(levels)
        self.register_buffer("levels", counts, persistent=False)
        self.register_buffer("places", (counts.cumprod(0) / counts).long(), persistent=False)  # 1, L1, L1 L2, ...

    def bounded(self, numbers: Float[Tensor, "*row number"]) -> Float[Tensor, "*row number"]:
        """tanh into the range of the levels; 0 stays where it was, in the middle of level L // 2."""
        half = (self.levels - 1) / 2 * (1 + MARGIN)
        off = torch.where(self.levels % 2 == 0, 0.5, 0.0)  # an even number of levels has none in the middle
        return (numbers + (off / half).atanh()).tanh() * half - off

    def forward(self, numbers: Float[Tensor, "*row number"]) -> Float[Tensor, "*row number"]:
        """The nearest levels, as shares; with the gradient of the numbers before they were rounded."""
        bounded = self.bounded(numbers.float())
        return (bounded + (bounded.round() - bounded).detach()) / (self.levels // 2)

    def index(self, shares: Float[Tensor, "*row number"]) -> Int[Tensor, "*row"]:
        """Which code it is, 0 to the product of all L minus 1."""
        half = self.levels // 2
        return ((shares * half).round().long() + half).mul(self.places).sum(-1)

    def shares(self, index: Int[Tensor, "*row"]) -> Float[Tensor, "*row number"]:
        """The code of an index, as `forward` gives it."""
        half = self.levels // 2
        return (index[..., None] // self.places % self.levels - half).float() / half


class PictureCodes(nn.Module):
    """The networks between pictures and codes: small residual convolutions on the grid of cells."""

    def __init__(self, config: MaskGitConfig) -> None:
        super().__init__()
        numbers, features = config.channels * config.cell_px**2, config.features
        self.cell_px = config.cell_px
        self.fsq = Fsq(config.levels)
        self.picture_in = nn.Conv2d(numbers, features, 3, padding=1)
        self.encoder = nn.Sequential(*(Surroundings(features) for _ in range(BLOCKS)))
        self.code_out = nn.Conv2d(features, len(config.levels), 1)
        self.code_in = nn.Conv2d(len(config.levels), features, 3, padding=1)
        self.decoder = nn.Sequential(*(Surroundings(features) for _ in range(BLOCKS)))
        self.picture_out = nn.Conv2d(features, numbers, 3, padding=1)

    def encode(self, pictures: Float[Tensor, "batch channel height width"]) -> Float[Tensor, "batch cell number"]:
        """The codes of pictures, row by row, as shares."""
        grid = self.encoder(self.picture_in(F.pixel_unshuffle(pictures, self.cell_px)))
        shares: Tensor = self.fsq(self.code_out(grid).flatten(2).transpose(1, 2))
        return shares

    def decode(self, shares: Float[Tensor, "batch cell number"]) -> Float[Tensor, "batch channel height width"]:
        """The pictures of codes; about -1 to 1."""
        side = round(shares.shape[1] ** 0.5)
        grid = self.decoder(self.code_in(shares.transpose(1, 2).unflatten(2, (side, side))))
        return F.pixel_shuffle(self.picture_out(grid), self.cell_px).float()


class Surroundings(nn.Module):
    """x + f(x): two convolutions of 3 x 3, the second zero at the start."""

    def __init__(self, features: int) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.GroupNorm(GROUPS, features), nn.GroupNorm(GROUPS, features)
        self.conv1 = nn.Conv2d(features, features, 3, padding=1)
        self.conv2 = nn.Conv2d(features, features, 3, padding=1)
        nn.init.zeros_(self.conv2.weight)

    def forward(self, x: Float[Tensor, "batch feature row column"]) -> Float[Tensor, "batch feature row column"]:
        hidden = self.conv1(F.silu(self.norm1(x)))
        out: Tensor = x + self.conv2(F.silu(self.norm2(hidden)))
        return out
