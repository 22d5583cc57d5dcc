"""The contract of this family's networks, and the table of them.

All of them are given the pixels as a map of features and return a map of features in which a place knows the pixels
before it in reading order, and no other. They differ in how they look back.

| name              | looks back by                                                        | where it is          |
| ----------------- | -------------------------------------------------------------------- | -------------------- |
| `gpt`             | attention over all pixels before                                     | `gpt.py`             |
| `lstm`            | one long memory over the flattened picture                           | `recurrent.py`       |
| `row-lstm`        | a memory a column, from row to row: sees a triangle above            | `rows.py`            |
| `diagonal-bilstm` | two memories along the diagonals: sees everything before             | `diagonals.py`       |
| `pixelcnn`        | masked convolutions, with a blind spot to the upper right            | `convolutional.py`   |
| `gated-pixelcnn`  | convolutions over the rows above and over the row to the left, gated | `convolutional.py`   |
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from jaxtyping import Float
from torch import Tensor

from mindseye.imagine.pixelrnn.config import PixelRNNConfig
from mindseye.imagine.pixelrnn.convolutional import GatedPixelCNN, PixelCNN
from mindseye.imagine.pixelrnn.diagonals import DiagonalBiLSTM
from mindseye.imagine.pixelrnn.gpt import GPT
from mindseye.imagine.pixelrnn.recurrent import LSTM
from mindseye.imagine.pixelrnn.rows import RowLSTM


class Network(Protocol):
    """What looks at the pixels before. It is also an `nn.Module`."""

    def forward(
        self, pixels: Float[Tensor, "batch height width feature"], condition: Float[Tensor, "batch feature"]
    ) -> Float[Tensor, "batch height width feature"]:
        """What is known at each place from the pixels before it and the caption.

        Args:
            pixels: the picture, features a pixel.
            condition: the caption.
        """
        ...

    def begin(self, condition: Float[Tensor, "batch feature"]) -> Any:
        """An empty memory for `step`."""
        ...

    def step(self, memory: Any, place: int, before: Float[Tensor, "batch feature"]) -> Float[Tensor, "batch feature"]:
        """The same as `forward` at one place, from what is remembered of the places before; call it for 0, 1, 2, ...

        Args:
            memory: of the places before; takes in this one.
            place: counted in reading order.
            before: the features of the pixel at `place - 1`; zero at place 0.
        """
        ...


NETWORKS: dict[str, Callable[[PixelRNNConfig], Any]] = {
    "gpt": GPT,
    "lstm": LSTM,
    "row-lstm": RowLSTM,
    "diagonal-bilstm": DiagonalBiLSTM,
    "pixelcnn": PixelCNN,
    "gated-pixelcnn": GatedPixelCNN,
}
