"""Simple ways to guess a pixel's colour: each gives the probability of every held-out pixel from the training pictures.

Pictures are colour indices [picture, height, width].
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray


def uniform(seen: NDArray[np.int64], held_out: NDArray[np.int64], colours: int) -> NDArray[np.float64]:
    """The probability of each held-out pixel where all colours are as likely."""
    return np.full(held_out.shape, 1 / colours)


def frequencies(seen: NDArray[np.int64], held_out: NDArray[np.int64], colours: int) -> NDArray[np.float64]:
    """As likely as the colour is frequent; every colour is counted once more than it was seen."""
    counts = np.bincount(seen.flatten(), minlength=colours) + 1
    return counts[held_out] / counts.sum()


def frequencies_at_each_place(
    seen: NDArray[np.int64], held_out: NDArray[np.int64], colours: int
) -> NDArray[np.float64]:
    """As frequent as it is at that place, each place beginning with the frequencies of all places as one picture."""
    prior = np.bincount(seen.flatten(), minlength=colours) + 1.0
    counts = np.stack([(seen == colour).sum(0) for colour in range(colours)], -1) + prior / prior.sum()
    likely = counts / counts.sum(-1, keepdims=True)
    return np.take_along_axis(likely[None], held_out[..., None], -1)[..., 0]


def copying(seen: NDArray[np.int64], held_out: NDArray[np.int64], colours: int) -> NDArray[np.float64]:
    """a [as to the left] + b [as above] + c frequency, with a + b + c = 1 learnt by EM on the training pictures."""
    weights = np.full(3, 1 / 3)
    parts = _copies(seen, seen, colours)
    for _ in range(100):
        joint = parts * weights
        weights = (joint / joint.sum(-1, keepdims=True)).mean((0, 1, 2))
    return _copies(seen, held_out, colours) @ weights


def _copies(seen: NDArray[np.int64], pictures: NDArray[np.int64], colours: int) -> NDArray[np.float64]:
    background = np.bincount(seen.flatten()).argmax()
    padded = np.pad(pictures, ((0, 0), (1, 0), (1, 0)), constant_values=background)
    left, above = padded[:, 1:, :-1] == pictures, padded[:, :-1, 1:] == pictures
    return np.stack([left, above, frequencies(seen, pictures, colours)], -1)


Guess = Callable[[NDArray[np.int64], NDArray[np.int64], int], NDArray[np.float64]]
GUESSES: dict[str, Guess] = {
    "uniform": uniform,
    "frequencies": frequencies,
    "frequencies at each place": frequencies_at_each_place,
    "copy left or above": copying,
}
