"""Drawing pixel by pixel with a network that remembers nothing: the whole picture is looked at anew for each pixel.

Two peers, both with our own trained network, so that only the way of drawing differs:

    NO_MEMORY           our choice of a level (temperature, top-p), without what a drawing remembers
    PYTORCH_GENERATIVE  the loop of `sample` in the library pytorch-generative: one look at the whole picture for each
                        pixel, whose numbers are then drawn from the whole distribution. In our own lines, with our own
                        network; none of its code is here.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from mindseye.imagine.pixelrnn.sample import Chance, choose
from mindseye.learn.batch import Words

Choice = Callable[[Tensor], Tensor]  # log-probabilities [batch, level] to a level each


@dataclass(frozen=True)
class Rate:
    """How fast pictures are drawn.

    Attributes:
        pictures_a_second: from the mean time of the looks.
        looks: that were timed, of one a pixel; each costs the same, since each is at the whole picture.
    """

    pictures_a_second: float
    looks: int


def as_we_choose(model: Any) -> Choice:
    """A level by our own rule at the model's own settings, at luck of 1/2: what the luck is costs nothing."""
    chance = Chance(model.config.temperature, model.config.top_p, 1.0)
    return lambda log_probabilities: choose(log_probabilities, torch.full((len(log_probabilities),), 0.5), chance)


def from_the_whole_distribution(model: Any) -> Choice:
    """A level by chance, from a generator of its own."""
    generator = torch.Generator().manual_seed(0)
    return lambda log_probabilities: torch.multinomial(log_probabilities.exp(), 1, generator=generator)[:, 0]


NO_MEMORY = "the same network without a memory, the whole picture anew for each pixel"
PYTORCH_GENERATIVE = "pytorch-generative's way to sample, by our own few lines with the same network"
PEERS: dict[str, Callable[[Any], Choice]] = {
    NO_MEMORY: as_we_choose,
    PYTORCH_GENERATIVE: from_the_whole_distribution,
}


@torch.no_grad()
def rate(peer: str, model: Any, words: Words, looks: int) -> Rate:
    """How fast a peer draws one picture a caption.

    Args:
        peer: of `PEERS`.
        model: a `PixelRNN`.
        words: the captions.
        looks: timed, evenly spread over the pixels; from as many as there are pixels on it is a whole drawing.
    """
    count, size = len(words.mask), model.config.size_px
    pixels = torch.zeros(count, size, size, model.pixels.numbers, dtype=torch.long)
    keep = torch.zeros(count, dtype=torch.bool)
    choice = PEERS[peer](model)
    model(pixels, words, keep)  # once to warm up
    places = np.unique(np.linspace(0, size**2 - 1, min(looks, size**2)).round().astype(int)).tolist()
    began = time.perf_counter()
    for place in places:
        row, column = divmod(place, size)
        features = model(pixels, words, keep)[:, row, column]
        for number in range(model.pixels.numbers):
            told = pixels[:, row, column, :number]
            pixels[:, row, column, number] = choice(model.pixels.log_probabilities(features, told))
    seconds = (time.perf_counter() - began) / len(places)
    return Rate(count / (seconds * size**2), len(places))
