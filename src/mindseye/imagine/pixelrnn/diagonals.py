"""Diagonal BiLSTM (van den Oord et al. 2016, section 3.2): two memories that sweep the picture along its diagonals.

One comes from the left: a pixel's state is made from those of the pixel to the left and the one above. The other comes
from the right, over a map that is one row down, so that it cannot see what is to come. Together they see everything.

A detail that the paper leaves open: what has gone through mask A does not contain the pixel itself. From the right that
would hide the last pixel of the row above from most of a row. Since that direction is a row behind, its first layer may
have mask B, and then nothing is hidden.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from mindseye.imagine.pixelrnn.causal import Canvas, CausalConv, one_row_down, pixel_by_pixel
from mindseye.imagine.pixelrnn.config import PixelRNNConfig
from mindseye.imagine.pixelrnn.recurrent import lstm_cell


@dataclass
class LayerMemory:
    """Of one layer.

    Attributes:
        hidden: states of the direction from the left.
        cell: its cells at the pixel before in this row.
        from_right: states of the direction from the right, for the row that is being drawn.
        outputs: what the layer gave; the next layer's direction from the right looks at it, a row later.
    """

    hidden: Canvas
    cell: Float[Tensor, "batch width"]
    from_right: Float[Tensor, "batch column width"]
    outputs: Canvas


@dataclass
class DiagonalMemory:
    """The pixels, and the memory of each layer."""

    condition: Float[Tensor, "batch width"]
    pixels: Canvas
    layers: list[LayerMemory]


class DiagonalBiLSTM(nn.Module):
    """7 x 7 convolutions with mask A and, from the right, B; then `depth` layers, then two layers a pixel."""

    def __init__(self, config: PixelRNNConfig) -> None:
        super().__init__()
        self.size = config.size_px
        self.first = CausalConv.mask_a(config.width, config.width, 7)
        self.first_from_right = CausalConv.mask_b(config.width, config.width, 7)
        self.blocks: Any = nn.ModuleList(DiagonalLayer(config.width) for _ in range(config.depth))
        self.out = pixel_by_pixel(config.width)

    def forward(
        self, pixels: Float[Tensor, "batch height width feature"], condition: Float[Tensor, "batch feature"]
    ) -> Float[Tensor, "batch height width feature"]:
        """See `network.Network.forward`."""
        x = self.first(pixels) + condition[:, None, None]
        for_right = self.first_from_right(pixels) + condition[:, None, None]
        for block in self.blocks:
            x = for_right = block(x, one_row_down(for_right))
        return self.out(x)

    def begin(self, condition: Float[Tensor, "batch feature"]) -> DiagonalMemory:
        """See `network.Network.begin`."""
        width = condition.shape[1]
        layers = [
            LayerMemory(
                hidden=Canvas(condition, self.size, width, reach=1),
                cell=torch.zeros_like(condition),
                from_right=condition.new_zeros(len(condition), self.size, width),
                outputs=Canvas(condition, self.size, width, reach=1),
            )
            for _ in self.blocks
        ]
        return DiagonalMemory(condition, self.first.canvas(condition, self.size), layers)

    def step(
        self, memory: DiagonalMemory, place: int, before: Float[Tensor, "batch feature"]
    ) -> Float[Tensor, "batch feature"]:
        """See `network.Network.step`."""
        if place:
            memory.pixels.put(place - 1, before)
        row, column = divmod(place, self.size)
        if column == 0:
            self._begin_row(memory, row)
        x = self.first.at(memory.pixels, row, column) + memory.condition
        for block, layer in zip(self.blocks, memory.layers, strict=True):
            hidden, layer.cell = block.from_left.step(
                x, layer.hidden.get(row, column - 1), layer.hidden.get(row - 1, column), layer.cell
            )
            layer.hidden.put(place, hidden)
            x = x + block.up(hidden + layer.from_right[:, column])
            layer.outputs.put(place, x)
        return self.out(x)

    def _begin_row(self, memory: DiagonalMemory, row: int) -> None:
        """The direction from the right, which is a row behind, for a whole row."""
        above = torch.zeros_like(memory.layers[0].from_right)
        if row:
            above = self.first_from_right.at_row(memory.pixels, row - 1) + memory.condition[:, None]
        for block, layer in zip(self.blocks, memory.layers, strict=True):
            layer.cell = torch.zeros_like(memory.condition)
            layer.from_right = block.from_right.row(above.flip(1), layer.from_right.flip(1)).flip(1)
            above = layer.outputs.get_row(row - 1)


class DiagonalLayer(nn.Module):
    """Both directions; their sum is added."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.from_left, self.from_right = Direction(width), Direction(width)
        self.up = nn.Linear(width, width)

    def forward(
        self,
        x: Float[Tensor, "batch height width feature"],
        one_row_behind: Float[Tensor, "batch height width feature"],
    ) -> Float[Tensor, "batch height width feature"]:
        return x + self.up(self.from_left(x) + self.from_right(one_row_behind.flip(2)).flip(2))


class Direction(nn.Module):
    """A memory that comes from the left: gates from the input, the state to the left and the state above."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.input_gates = nn.Linear(width, 4 * width)
        self.state_gates = nn.Linear(2 * width, 4 * width, bias=False)

    @torch.compiler.disable  # it would write the loop out, diagonal by diagonal
    def forward(self, x: Float[Tensor, "batch height width feature"]) -> Float[Tensor, "batch height width feature"]:
        """All pixels of a diagonal at once: in the skewed map a diagonal is a column."""
        height, width = x.shape[1:3]
        gates = skewed(self.input_gates(x))
        column = torch.arange(height + width - 1) - torch.arange(height)[:, None]
        inside = ((column >= 0) & (column < width)).to(x)[..., None]
        hidden = cell = torch.zeros_like(x[:, :, 0])
        diagonals = []
        for diagonal in range(height + width - 1):
            above = F.pad(hidden, (0, 0, 1, 0))[:, :-1]
            state = self.state_gates(torch.cat([hidden, above], dim=-1))
            hidden, cell = lstm_cell(gates[:, :, diagonal] + state, cell)
            hidden, cell = hidden * inside[:, diagonal], cell * inside[:, diagonal]
            diagonals.append(hidden)
        return unskewed(torch.stack(diagonals, dim=2))

    def row(
        self, x: Float[Tensor, "batch column feature"], above: Float[Tensor, "batch column feature"]
    ) -> Float[Tensor, "batch column feature"]:
        """The states of one row, from its inputs and the states of the row above."""
        hidden = cell = torch.zeros_like(x[:, 0])
        states = []
        for column in range(x.shape[1]):
            hidden, cell = self.step(x[:, column], hidden, above[:, column], cell)
            states.append(hidden)
        return torch.stack(states, dim=1)

    def step(self, x: Tensor, left: Tensor, above: Tensor, cell: Tensor) -> tuple[Tensor, Tensor]:
        """The state and the cells at one pixel; all [batch, feature]."""
        return lstm_cell(self.input_gates(x) + self.state_gates(torch.cat([left, above], dim=-1)), cell)


def skewed(x: Float[Tensor, "batch height width feature"]) -> Float[Tensor, "batch height diagonal feature"]:
    """Row r moved r places to the right (the paper's Figure 3)."""
    height, width = x.shape[1:3]
    flat = F.pad(x, (0, 0, 0, height)).flatten(1, 2)
    return flat[:, : height * (width + height - 1)].unflatten(1, (height, width + height - 1))


def unskewed(x: Float[Tensor, "batch height diagonal feature"]) -> Float[Tensor, "batch height width feature"]:
    """The way back."""
    height = x.shape[1]
    width = x.shape[2] - height + 1
    flat = F.pad(x.flatten(1, 2), (0, 0, 0, height))
    return flat.unflatten(1, (height, width + height))[:, :, :width]
