"""What remembers: seven convolutional LSTMs between convolutions (Finn, Goodfellow & Levine 2016, figure 1).

Two LSTMs look at half the frame's side, two at a quarter, one at an eighth, where the action comes in; then it goes up
again by transposed convolutions, joined with what the same grid had on the way down. Every LSTM is followed by a layer
norm. The widths are those of the paper, 32, 32, 64, 64, 128, 64, 32, for a `width` of 32.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

from mindseye.imagine.frames.config import FramesConfig

LOOK = 5  # edge of an LSTM's convolution
FORGET = 1.0  # added to the forget gate, so that what is remembered stays at first

Memory = tuple[Tensor, Tensor]  # h and c, each [batch, width, row, column]


class ConvLstm(nn.Module):
    """An LSTM at every place that looks at its surroundings (Shi et al. 2015, without peepholes).

    i, j, f, o = W * [x, h],   c' = sigmoid(f + 1) c + sigmoid(i) tanh(j),   h' = sigmoid(o) tanh(c')
    """

    def __init__(self, inputs: int, width: int) -> None:
        super().__init__()
        self.width = width
        self.gates = nn.Conv2d(inputs + width, 4 * width, LOOK, padding=LOOK // 2)
        self.norm = layer_norm(width)

    def forward(
        self, x: Float[Tensor, "batch inputs row column"], memory: Memory | None
    ) -> tuple[Float[Tensor, "batch width row column"], Memory]:
        """The hidden state, normalised, and what is remembered; nothing is, at first (None)."""
        if memory is None:
            nothing = x.new_zeros(len(x), self.width, *x.shape[2:])
            memory = nothing, nothing
        h, c = memory
        i, j, f, o = self.gates(torch.cat([x, h.to(x.dtype)], dim=1)).float().chunk(4, dim=1)
        c = torch.sigmoid(f + FORGET) * c + torch.sigmoid(i) * torch.tanh(j)
        h = torch.sigmoid(o) * torch.tanh(c)
        return self.norm(h), (h, c)


def layer_norm(width: int) -> nn.GroupNorm:
    """Over all places and features of a sample together (Ba et al. 2016)."""
    return nn.GroupNorm(1, width)


@dataclass(frozen=True)
class Features:
    """What the heads are told.

    Attributes:
        coarse: the fifth LSTM's, which knows the action.
        fine: one vector a pixel.
    """

    coarse: Float[Tensor, "batch width4 row8 column8"]
    fine: Float[Tensor, "batch width row column"]


class Tower(nn.Module):
    """The stack of LSTMs."""

    def __init__(self, config: FramesConfig) -> None:
        super().__init__()
        w = config.width
        self.enc0 = nn.Conv2d(config.channels, w, 5, stride=2, padding=2)
        self.norm0 = layer_norm(w)
        self.lstm1, self.lstm2 = ConvLstm(w, w), ConvLstm(w, w)
        self.enc1 = nn.Conv2d(w, w, 3, stride=2, padding=1)
        self.lstm3, self.lstm4 = ConvLstm(w, 2 * w), ConvLstm(2 * w, 2 * w)
        self.enc2 = nn.Conv2d(2 * w, 2 * w, 3, stride=2, padding=1)
        self.enc3 = nn.Conv2d(2 * w + len(config.actions), 2 * w, 1)
        self.lstm5 = ConvLstm(2 * w, 4 * w)
        self.dec4 = nn.ConvTranspose2d(4 * w, 4 * w, 4, stride=2, padding=1)
        self.lstm6 = ConvLstm(4 * w, 2 * w)
        self.dec5 = nn.ConvTranspose2d(3 * w, 3 * w, 4, stride=2, padding=1)
        self.lstm7 = ConvLstm(3 * w, w)
        self.dec6 = nn.ConvTranspose2d(2 * w, w, 4, stride=2, padding=1)
        self.norm6 = layer_norm(w)
        self.coarse_px = config.frame_px // 8

    def forward(
        self,
        frame: Float[Tensor, "batch channel height width"],
        action: Float[Tensor, "batch action"],
        memories: tuple[Memory | None, ...],
    ) -> tuple[Features, tuple[Memory | None, ...]]:
        """One step: a frame in [0, 1] and what is done now are taken in."""
        m1, m2, m3, m4, m5, m6, m7 = memories
        enc0 = torch.relu(self.norm0(self.enc0(frame)))
        x, m1 = self.lstm1(enc0, m1)
        x, m2 = self.lstm2(x, m2)
        enc1 = torch.relu(self.enc1(x))
        x, m3 = self.lstm3(enc1, m3)
        x, m4 = self.lstm4(x, m4)
        enc2 = torch.relu(self.enc2(x))
        tiled = action[:, :, None, None].expand(-1, -1, *enc2.shape[2:])
        coarse, m5 = self.lstm5(torch.relu(self.enc3(torch.cat([enc2, tiled], dim=1))), m5)
        x, m6 = self.lstm6(torch.relu(self.dec4(coarse)), m6)
        x, m7 = self.lstm7(torch.relu(self.dec5(torch.cat([x, enc1], dim=1))), m7)
        fine = torch.relu(self.norm6(self.dec6(torch.cat([x, enc0], dim=1))))
        return Features(coarse, fine), (m1, m2, m3, m4, m5, m6, m7)


NOTHING: tuple[Memory | None, ...] = (None,) * 7  # what is remembered before the first frame
