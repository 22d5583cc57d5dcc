"""A small GPT over the pixels in reading order (ImageGPT, Chen et al. 2020), the family's default network.

A place's token is told of the pixel before it in reading order, as in every GPT, and of the three above it, as in a
PixelCNN's first layer. The pixel above is a whole row back in the sequence; what two such pixels have to do with each
other need not be found by attention first.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from mindseye.imagine.pixelrnn.causal import Canvas, CausalConv
from mindseye.imagine.pixelrnn.config import PixelRNNConfig

MLP = 4  # hidden features of a block's perceptron, times the width


@dataclass
class GPTMemory:
    """What a drawing has seen: the pixels, and each block's keys and values of the places before."""

    condition: Float[Tensor, "batch width"]
    canvas: Canvas
    keys: list[Float[Tensor, "batch head place feature"]]
    values: list[Float[Tensor, "batch head place feature"]]


class GPT(nn.Module):
    """Causal attention over all pixels before, in `depth` blocks."""

    def __init__(self, config: PixelRNNConfig) -> None:
        super().__init__()
        self.size, self.heads = config.size_px, config.heads
        width = config.width
        self.before = nn.Linear(width, width, bias=False)
        self.above = CausalConv(width, width, rows=2, columns=3, taps=3)
        self.row = nn.Parameter(nn.init.normal_(torch.empty(self.size, 1, width), std=0.02))
        self.column = nn.Parameter(nn.init.normal_(torch.empty(1, self.size, width), std=0.02))
        self.blocks: Any = nn.ModuleList(Block(width, config.heads) for _ in range(config.depth))

    def forward(
        self, pixels: Float[Tensor, "batch height width feature"], condition: Float[Tensor, "batch feature"]
    ) -> Float[Tensor, "batch height width feature"]:
        """See `network.Network.forward`."""
        before = F.pad(pixels.flatten(1, 2), (0, 0, 1, 0))[:, :-1].unflatten(1, (self.size, self.size))
        tokens = self.before(before) + self.above(pixels) + self.row + self.column + condition[:, None, None]
        tokens = tokens.flatten(1, 2)
        for block in self.blocks:
            tokens = block(tokens)
        return normalise(tokens).unflatten(1, (self.size, self.size))

    def begin(self, condition: Float[Tensor, "batch feature"]) -> GPTMemory:
        """See `network.Network.begin`."""
        batch, width = condition.shape
        cache = (batch, self.heads, self.size**2, width // self.heads)
        return GPTMemory(
            condition,
            self.above.canvas(condition, self.size),
            [condition.new_zeros(cache) for _ in self.blocks],
            [condition.new_zeros(cache) for _ in self.blocks],
        )

    def step(
        self, memory: GPTMemory, place: int, before: Float[Tensor, "batch feature"]
    ) -> Float[Tensor, "batch feature"]:
        """See `network.Network.step`."""
        if place:
            memory.canvas.put(place - 1, before)
        row, column = divmod(place, self.size)
        token = self.before(before) + self.above.at(memory.canvas, row, column)
        token = token + self.row[row, 0] + self.column[0, column] + memory.condition
        for block, keys, values in zip(self.blocks, memory.keys, memory.values, strict=True):
            token = block.step(token, place, keys, values)
        return normalise(token)


class Block(nn.Module):
    """Attention, then a perceptron with squared rectifiers (So et al. 2021), which cost less than smooth ones.

    Both add to the token, and add nothing at the start of the training.
    """

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width, bias=False)
        self.attended = nn.Linear(width, width, bias=False)
        self.up = nn.Linear(width, MLP * width)
        self.down = nn.Linear(MLP * width, width)
        self.gain = nn.Parameter(torch.ones(2, 1, width // heads))  # of queries and keys
        for layer in (self.attended, self.down):
            nn.init.zeros_(layer.weight)

    def forward(self, tokens: Float[Tensor, "batch place width"]) -> Float[Tensor, "batch place width"]:
        query, key, value = (part.transpose(1, 2) for part in self._query_key_value(tokens))
        mixed = F.scaled_dot_product_attention(query, key, value, is_causal=True)
        return self._finished(tokens, mixed.transpose(1, 2).flatten(2))

    def step(
        self,
        token: Float[Tensor, "batch width"],
        place: int,
        keys: Float[Tensor, "batch head place feature"],
        values: Float[Tensor, "batch head place feature"],
    ) -> Float[Tensor, "batch width"]:
        """The same for the token at `place` alone; `keys` and `values` hold the places before, and take in this one."""
        query, keys[:, :, place], values[:, :, place] = self._query_key_value(token)
        mixed = F.scaled_dot_product_attention(query[:, :, None], keys[:, :, : place + 1], values[:, :, : place + 1])
        return self._finished(token, mixed.flatten(1))

    def _query_key_value(self, tokens: Float[Tensor, "... width"]) -> tuple[Tensor, Tensor, Tensor]:
        """[..., head, feature] each; queries and keys are normalised, which keeps Muon's large steps stable."""
        query_key, value = self.qkv(normalise(tokens)).unflatten(-1, (3, self.heads, -1)).split((2, 1), dim=-3)
        query, key = (normalise(query_key) * self.gain).to(value.dtype).unbind(-3)
        return query, key, value[..., 0, :, :]

    def _finished(self, tokens: Tensor, mixed: Tensor) -> Tensor:
        tokens = tokens + self.attended(mixed)
        return tokens + self.down(F.relu(self.up(normalise(tokens))).square())


def normalise(features: Float[Tensor, "... feature"]) -> Float[Tensor, "... feature"]:
    """Mean 0 and variance 1 over the last axis, in float32, without gain."""
    return F.layer_norm(features.float(), features.shape[-1:])
