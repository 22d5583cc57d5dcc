"""PixelCNN (van den Oord et al. 2016) and Gated PixelCNN (van den Oord et al. 2016b).

A PixelCNN is a stack of masked convolutions. However deep, it never sees a triangle to the upper right: what its window
of the row above shows begins at most one pixel to the right of its middle, a row further up two, and so on, always
relative to a pixel that is itself to the left. The gated one has a stack of its own for the rows above, whose windows
are whole, and the row to the left is told of it.
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

FIRST_WINDOW, WINDOW = 7, 3


@dataclass
class PixelCNNMemory:
    """The canvas of the pixels, and of what each block's convolution is run over."""

    condition: Float[Tensor, "batch width"]
    pixels: Canvas
    narrow: list[Canvas]


class PixelCNN(nn.Module):
    """A 7 x 7 convolution with mask A, then `depth` residual blocks with mask B, then two layers a pixel."""

    def __init__(self, config: PixelRNNConfig) -> None:
        super().__init__()
        self.size = config.size_px
        self.first = CausalConv.mask_a(config.width, config.width, FIRST_WINDOW)
        self.blocks: Any = nn.ModuleList(ResidualBlock(config.width) for _ in range(config.depth))
        self.out = pixel_by_pixel(config.width)

    def forward(
        self, pixels: Float[Tensor, "batch height width feature"], condition: Float[Tensor, "batch feature"]
    ) -> Float[Tensor, "batch height width feature"]:
        """See `network.Network.forward`."""
        x = self.first(pixels) + condition[:, None, None]
        for block in self.blocks:
            x = block(x)
        return self.out(x)

    def begin(self, condition: Float[Tensor, "batch feature"]) -> PixelCNNMemory:
        """See `network.Network.begin`."""
        narrow = [block.middle.canvas(condition, self.size) for block in self.blocks]
        return PixelCNNMemory(condition, self.first.canvas(condition, self.size), narrow)

    def step(
        self, memory: PixelCNNMemory, place: int, before: Float[Tensor, "batch feature"]
    ) -> Float[Tensor, "batch feature"]:
        """See `network.Network.step`."""
        if place:
            memory.pixels.put(place - 1, before)
        x = self.first.at(memory.pixels, *divmod(place, self.size)) + memory.condition
        for block, canvas in zip(self.blocks, memory.narrow, strict=True):
            x = block.step(x, place, canvas)
        return self.out(x)


class ResidualBlock(nn.Module):
    """Half as many features, a 3 x 3 convolution with mask B, all features again (the paper's Figure 5, left)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.down = nn.Linear(width, width // 2)
        self.middle = CausalConv.mask_b(width // 2, width // 2, WINDOW)
        self.up = nn.Linear(width // 2, width)

    def forward(self, x: Float[Tensor, "batch height width feature"]) -> Float[Tensor, "batch height width feature"]:
        return x + self.up(F.relu(self.middle(F.relu(self.down(F.relu(x))))))

    def step(self, x: Float[Tensor, "batch feature"], place: int, canvas: Canvas) -> Float[Tensor, "batch feature"]:
        canvas.put(place, F.relu(self.down(F.relu(x))))
        return x + self.up(F.relu(self.middle.at(canvas, *divmod(place, canvas.size))))


@dataclass
class GatedMemory:
    """The pixels, and what goes into each layer's two stacks.

    Attributes:
        above: what the vertical stack of each layer looks at; that of the first is the pixels, a row down.
        left: what the horizontal stack of each layer looks at; that of the first is the pixels.
        told: of the row that is being drawn, what the vertical stack of each layer tells the horizontal one.
    """

    condition: Float[Tensor, "batch width"]
    above: list[Canvas]
    left: list[Canvas]
    told: list[Float[Tensor, "batch width gates"]]


class GatedPixelCNN(nn.Module):
    """`depth` layers of a vertical stack, over the rows above, and a horizontal one, over the row to the left."""

    def __init__(self, config: PixelRNNConfig) -> None:
        super().__init__()
        self.size, width = config.size_px, config.width
        first = GatedLayer(
            width,
            CausalConv.block(width, 2 * width, FIRST_WINDOW // 2, FIRST_WINDOW),
            CausalConv.line_a(width, 2 * width, FIRST_WINDOW),
        )
        others = (
            GatedLayer(
                width,
                CausalConv.block(width, 2 * width, WINDOW // 2 + 1, WINDOW),
                CausalConv.line_b(width, 2 * width, WINDOW),
            )
            for _ in range(config.depth - 1)
        )
        self.blocks: Any = nn.ModuleList([first, *others])
        self.out = pixel_by_pixel(width)

    def forward(
        self, pixels: Float[Tensor, "batch height width feature"], condition: Float[Tensor, "batch feature"]
    ) -> Float[Tensor, "batch height width feature"]:
        """See `network.Network.forward`."""
        condition = condition[:, None, None]
        above, left, out = one_row_down(pixels), pixels, torch.zeros_like(pixels)
        for block in self.blocks:
            above, told = block.look_up(block.vertical(above), condition)
            left = out = out + block.look_left(block.horizontal(left), told, condition)
        return self.out(out)

    def begin(self, condition: Float[Tensor, "batch feature"]) -> GatedMemory:
        """See `network.Network.begin`."""
        above = [block.vertical.canvas(condition, self.size) for block in self.blocks]
        left = [block.horizontal.canvas(condition, self.size) for block in self.blocks]
        return GatedMemory(condition, above, left, [])

    def step(
        self, memory: GatedMemory, place: int, before: Float[Tensor, "batch feature"]
    ) -> Float[Tensor, "batch feature"]:
        """See `network.Network.step`."""
        if place:
            memory.left[0].put(place - 1, before)
        row, column = divmod(place, self.size)
        if column == 0:
            self._look_up(memory, row)
        out = torch.zeros_like(before)
        for layer, (block, canvas) in enumerate(zip(self.blocks, memory.left, strict=True)):
            seen = block.horizontal.at(canvas, row, column)
            out = out + block.look_left(seen, memory.told[layer][:, column], memory.condition)
            for deeper in memory.left[layer + 1 : layer + 2]:
                deeper.put(place, out)
        return self.out(out)

    def _look_up(self, memory: GatedMemory, row: int) -> None:
        """The vertical stack over a whole row, for which the rows above are all that it needs."""
        memory.told = []
        above = memory.left[0].get_row(row - 1)
        for block, canvas in zip(self.blocks, memory.above, strict=True):
            canvas.put_row(row, above)
            above, told = block.look_up(block.vertical.at_row(canvas, row), memory.condition[:, None])
            memory.told.append(told)


class GatedLayer(nn.Module):
    """y = tanh(W_f * x + V_f h) . sigma(W_g * x + V_g h) in both stacks (van den Oord et al. 2016b, Eq. 4 and Fig. 2).

    x is what the stack sees, h the caption. The vertical stack tells the horizontal one what it has before the gate.

    Args:
        width: features.
        vertical, horizontal: what the two stacks see; they give 2 `width` features.
    """

    def __init__(self, width: int, vertical: CausalConv, horizontal: CausalConv) -> None:
        super().__init__()
        self.vertical, self.horizontal = vertical, horizontal
        self.vertical_caption = nn.Linear(width, 2 * width, bias=False)
        self.horizontal_caption = nn.Linear(width, 2 * width, bias=False)
        self.told = nn.Linear(2 * width, 2 * width)
        self.out = nn.Linear(width, width)

    def look_up(
        self, seen: Float[Tensor, "... gates"], condition: Float[Tensor, "... feature"]
    ) -> tuple[Float[Tensor, "... feature"], Float[Tensor, "... gates"]]:
        """What the vertical stack gives the next layer, and what it tells the horizontal stack."""
        gates = seen + self.vertical_caption(condition)
        return gated(gates), self.told(gates)

    def look_left(
        self,
        seen: Float[Tensor, "... gates"],
        told: Float[Tensor, "... gates"],
        condition: Float[Tensor, "... feature"],
    ) -> Float[Tensor, "... feature"]:
        """What the horizontal stack adds."""
        return self.out(gated(seen + told + self.horizontal_caption(condition)))


def gated(gates: Float[Tensor, "... two_features"]) -> Float[Tensor, "... feature"]:
    """tanh of the first half, times sigma of the second."""
    feature, gate = gates.chunk(2, dim=-1)
    return feature.tanh() * gate.sigmoid()
