"""Row LSTM (van den Oord et al. 2016, section 3.1): a memory a column, handed from row to row.

A row's states come from its own inputs to the left and from the three states above, so they know a triangle.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from mindseye.imagine.pixelrnn.causal import Canvas, CausalConv, pixel_by_pixel
from mindseye.imagine.pixelrnn.config import PixelRNNConfig
from mindseye.imagine.pixelrnn.recurrent import lstm_cell


@dataclass
class LayerMemory:
    """Of one layer: what went in, and the hidden states and cells."""

    inputs: Canvas
    hidden: Canvas
    cells: Canvas


@dataclass
class RowMemory:
    """The pixels, and the memory of each layer."""

    condition: Float[Tensor, "batch width"]
    pixels: Canvas
    layers: list[LayerMemory]


class RowLSTM(nn.Module):
    """A 7 x 7 convolution with mask A, then `depth` layers, then two layers a pixel."""

    def __init__(self, config: PixelRNNConfig) -> None:
        super().__init__()
        self.size = config.size_px
        self.first = CausalConv.mask_a(config.width, config.width, 7)
        self.blocks: Any = nn.ModuleList(RowLSTMLayer(config.width) for _ in range(config.depth))
        self.out = pixel_by_pixel(config.width)

    def forward(
        self, pixels: Float[Tensor, "batch height width feature"], condition: Float[Tensor, "batch feature"]
    ) -> Float[Tensor, "batch height width feature"]:
        """See `network.Network.forward`."""
        x = self.first(pixels) + condition[:, None, None]
        for block in self.blocks:
            x = block(x)
        return self.out(x)

    def begin(self, condition: Float[Tensor, "batch feature"]) -> RowMemory:
        """See `network.Network.begin`."""
        layers = [block.begin(condition, self.size) for block in self.blocks]
        return RowMemory(condition, self.first.canvas(condition, self.size), layers)

    def step(
        self, memory: RowMemory, place: int, before: Float[Tensor, "batch feature"]
    ) -> Float[Tensor, "batch feature"]:
        """See `network.Network.step`."""
        if place:
            memory.pixels.put(place - 1, before)
        x = self.first.at(memory.pixels, *divmod(place, self.size)) + memory.condition
        for block, layer in zip(self.blocks, memory.layers, strict=True):
            x = block.step(x, place, layer)
        return self.out(x)


class RowLSTMLayer(nn.Module):
    """Gates from the inputs at and to the left of a pixel and from the states above it; the result is added."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.input_gates = CausalConv.line_b(width, 4 * width, 3)
        self.state_gates = CausalConv.block(width, 4 * width, rows=1, columns=3)
        self.up = nn.Linear(width, width)

    @torch.compiler.disable  # it would write the loop out, row by row
    def forward(self, x: Float[Tensor, "batch height width feature"]) -> Float[Tensor, "batch height width feature"]:
        hidden = cell = torch.zeros_like(x[:, 0])
        rows = []
        for gates in self.input_gates(x).unbind(1):
            hidden, cell = lstm_cell(gates + self.state_gates(hidden[:, None])[:, 0], cell)
            rows.append(hidden)
        return x + self.up(torch.stack(rows, dim=1))

    def begin(self, condition: Float[Tensor, "batch feature"], size: int) -> LayerMemory:
        states = [self.state_gates.canvas(condition, size) for _ in range(2)]
        return LayerMemory(self.input_gates.canvas(condition, size), *states)

    def step(self, x: Float[Tensor, "batch feature"], place: int, memory: LayerMemory) -> Tensor:
        row, column = divmod(place, memory.inputs.size)
        memory.inputs.put(place, x)
        gates = self.input_gates.at(memory.inputs, row, column) + self.state_gates.at(memory.hidden, row - 1, column)
        hidden, cell = lstm_cell(gates, memory.cells.get(row - 1, column))
        memory.hidden.put(place, hidden)
        memory.cells.put(place, cell)
        return x + self.up(hidden)
