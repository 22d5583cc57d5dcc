"""Recurrent cells, and the course model: a long short-term memory over the flattened picture, a pixel a step.

With the preset `course` it is one layer of 512 cells, as in H.-y. Lee's machine-learning course ("Pokemon creation"),
trained on all places of a picture at once.
"""

from __future__ import annotations

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from mindseye.imagine.pixelrnn.config import PixelRNNConfig


@dataclass
class LSTMMemory:
    """The hidden state and the cells after the places before."""

    condition: Float[Tensor, "batch width"]
    state: tuple[Float[Tensor, "layer batch width"], Float[Tensor, "layer batch width"]]


class LSTM(nn.Module):
    """`depth` layers of `width` cells; each step is told of the pixel before it and of the caption."""

    def __init__(self, config: PixelRNNConfig) -> None:
        super().__init__()
        self.lstm = nn.LSTM(config.width, config.width, config.depth, batch_first=True)

    def forward(
        self, pixels: Float[Tensor, "batch height width feature"], condition: Float[Tensor, "batch feature"]
    ) -> Float[Tensor, "batch height width feature"]:
        """See `network.Network.forward`."""
        before = F.pad(pixels.flatten(1, 2), (0, 0, 1, 0))[:, :-1]
        out, _ = self.lstm(before + condition[:, None])
        return out.unflatten(1, pixels.shape[1:3])

    def begin(self, condition: Float[Tensor, "batch feature"]) -> LSTMMemory:
        """See `network.Network.begin`."""
        state = condition.new_zeros(self.lstm.num_layers, *condition.shape)
        return LSTMMemory(condition, (state, state))

    def step(
        self, memory: LSTMMemory, place: int, before: Float[Tensor, "batch feature"]
    ) -> Float[Tensor, "batch feature"]:
        """See `network.Network.step`."""
        out, memory.state = self.lstm((before + memory.condition)[:, None], memory.state)
        return out[:, 0]


def lstm_cell(gates: Float[Tensor, "... gates"], cell: Float[Tensor, "... feature"]) -> tuple[Tensor, Tensor]:
    """c = f . c + i . g and h = o . tanh(c), the new hidden state and cells (van den Oord et al. 2016, Eq. 3).

    Args:
        gates: i, f, o and g, before their sigma and tanh.
        cell: before.
    """
    i, f, o, g = gates.chunk(4, dim=-1)
    cell = f.sigmoid() * cell + i.sigmoid() * g.tanh()
    return o.sigmoid() * cell.tanh(), cell
