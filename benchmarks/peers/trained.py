"""What the training of an arm leaves behind."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import UInt8

Draw = Callable[[Sequence[str], Sequence[int]], UInt8[np.ndarray, "picture height width channel"]]


@dataclass(frozen=True)
class Trained:
    """An arm that is ready to draw.

    Attributes:
        draw: a picture a prompt; picture i is drawn with seed i.
        pictures_seen: in training.
        parameters: of everything that was trained.
        learning_rate: 0 where there is none.
    """

    draw: Draw
    pictures_seen: int = 0
    parameters: int = 0
    learning_rate: float = 0.0
