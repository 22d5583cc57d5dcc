"""Convolutions that cannot see the future: a pixel sees what comes before it in reading order.

Such a window is usually made by multiplying the weights with a mask (van den Oord et al. 2016, Figure 2). Here the
weights behind the mask do not exist: in reading order they are the last of the window, so it is enough to leave them
out. A convolution can be run over a whole picture, over one row, or at one pixel of a picture that is being drawn.
"""

from __future__ import annotations

import math
from typing import Self

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F


class Canvas:
    """A map of features that fills up while a picture is drawn; zero where nothing stands yet, and outside.

    Args:
        like: gives the batch, the device and the type.
        size: edge of the picture.
        features: how many a pixel.
        reach: how far outside of the picture a window may look.
    """

    def __init__(self, like: Tensor, size: int, features: int, reach: int = 0) -> None:
        self.size, self.reach = size, reach
        self.map = like.new_zeros(len(like), size + reach, size + 2 * reach, features)

    def put(self, place: int, features: Float[Tensor, "batch feature"]) -> None:
        """Fills in the pixel at `place`, counted in reading order."""
        row, column = divmod(place, self.size)
        self.map[:, row + self.reach, column + self.reach] = features

    def put_row(self, row: int, features: Float[Tensor, "batch width feature"]) -> None:
        self.map[:, row + self.reach, self.reach : self.reach + self.size] = features

    def get(self, row: int, column: int) -> Float[Tensor, "batch feature"]:
        return self.map[:, row + self.reach, column + self.reach]

    def get_row(self, row: int) -> Float[Tensor, "batch width feature"]:
        return self.map[:, row + self.reach, self.reach : self.reach + self.size]

    def window(self, row: int, column: int, rows: int, columns: int) -> Float[Tensor, "batch tap feature"]:
        """The pixels around one: `rows` ending with its own, `columns` with it in the middle, in reading order."""
        top, left = row + self.reach - rows + 1, column + self.reach - columns // 2
        return self.map[:, top : top + rows, left : left + columns].flatten(1, 2)

    def strip(self, row: int, rows: int, columns: int) -> Float[Tensor, "batch rows padded_width feature"]:
        """The same for all pixels of a row at once."""
        top, left = row + self.reach - rows + 1, self.reach - columns // 2
        return self.map[:, top : top + rows, left : left + self.size + columns - 1]


class CausalConv(nn.Module):
    """A convolution whose window ends with the pixel's own row, and has the first `taps` of its places only.

    Args:
        inputs, outputs: features.
        rows: of the window; the last one is the pixel's own.
        columns: of the window, an odd number; the pixel is in the middle.
        taps: how many places of the window, in reading order, have weights.
    """

    def __init__(self, inputs: int, outputs: int, rows: int, columns: int, taps: int) -> None:
        super().__init__()
        self.rows, self.columns, self.taps = rows, columns, taps
        self.weight = nn.Parameter(torch.empty(outputs, taps * inputs))
        self.bias = nn.Parameter(torch.zeros(outputs))
        nn.init.normal_(self.weight, std=1 / math.sqrt(taps * inputs))

    @classmethod
    def mask_a(cls, inputs: int, outputs: int, size: int) -> Self:
        """Sees what comes before the pixel in a window of `size` x `size`, not the pixel itself."""
        rows = size // 2 + 1
        return cls(inputs, outputs, rows, size, rows * size - size // 2 - 1)

    @classmethod
    def mask_b(cls, inputs: int, outputs: int, size: int) -> Self:
        """Sees what comes before the pixel, and the pixel itself."""
        rows = size // 2 + 1
        return cls(inputs, outputs, rows, size, rows * size - size // 2)

    @classmethod
    def line_a(cls, inputs: int, outputs: int, size: int) -> Self:
        """Sees the pixels to the left in the same row."""
        return cls(inputs, outputs, 1, size, size // 2)

    @classmethod
    def line_b(cls, inputs: int, outputs: int, size: int) -> Self:
        """Sees the pixel and those to its left in the same row."""
        return cls(inputs, outputs, 1, size, size // 2 + 1)

    @classmethod
    def block(cls, inputs: int, outputs: int, rows: int, columns: int) -> Self:
        """Sees its whole window, what follows in the pixel's own row included: for maps that are a row behind."""
        return cls(inputs, outputs, rows, columns, rows * columns)

    def canvas(self, like: Tensor, size: int) -> Canvas:
        """An empty map of its inputs."""
        return Canvas(like, size, self.weight.shape[1] // self.taps, max(self.rows - 1, self.columns // 2))

    def forward(self, x: Float[Tensor, "batch height width input"]) -> Float[Tensor, "batch height width output"]:
        """At every pixel."""
        side = self.columns // 2
        return self._over(F.pad(x, (0, 0, side, side, self.rows - 1, 0)))

    def at_row(self, canvas: Canvas, row: int) -> Float[Tensor, "batch width output"]:
        """At every pixel of one row."""
        return self._over(canvas.strip(row, self.rows, self.columns))[:, 0]

    def at(self, canvas: Canvas, row: int, column: int) -> Float[Tensor, "batch output"]:
        """At one pixel."""
        window = canvas.window(row, column, self.rows, self.columns)[:, : self.taps]
        return F.linear(window.flatten(1), self.weight, self.bias)

    def _over(self, padded: Float[Tensor, "batch height width input"]) -> Float[Tensor, "batch height width output"]:
        kernel = self.weight.unflatten(1, (self.taps, -1)).transpose(1, 2)
        kernel = F.pad(kernel, (0, self.rows * self.columns - self.taps)).unflatten(2, (self.rows, self.columns))
        return F.conv2d(padded.permute(0, 3, 1, 2), kernel, self.bias).permute(0, 2, 3, 1)


def one_row_down(x: Float[Tensor, "batch height width feature"]) -> Float[Tensor, "batch height width feature"]:
    """Every row in the place of the one below it; the first is zero."""
    return F.pad(x, (0, 0, 0, 0, 1, 0))[:, :-1]


def pixel_by_pixel(width: int) -> nn.Sequential:
    """The two layers over each pixel that stand before the softmax (van den Oord et al. 2016, Table 1)."""
    return nn.Sequential(nn.ReLU(), nn.Linear(width, width), nn.ReLU(), nn.Linear(width, width))
