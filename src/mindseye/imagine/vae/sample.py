"""Drawing: a code by chance, then one pass of the decoder; or the code of a given picture, mixed with one by chance."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from mindseye.imagine.family import Given, Progress
from mindseye.imagine.groups import Rows, draw_in_groups
from mindseye.imagine.vae.codes import Codes
from mindseye.imagine.vae.config import SamplerName, VaeConfig
from mindseye.imagine.vae.network import VaeNetwork
from mindseye.learn.batch import Words
from mindseye.learn.device import fast_arithmetic
from mindseye.randomness import rng_at

Dice = Callable[[Codes, np.random.Generator, float], Float[np.ndarray, "code"]]


def prior(codes: Codes, rng: np.random.Generator, temperature: float) -> Float[np.ndarray, "code"]:
    """c = T e with e from N(0, I)."""
    return temperature * rng.standard_normal(len(codes.kl))


def mixture(codes: Codes, rng: np.random.Generator, temperature: float) -> Float[np.ndarray, "code"]:
    """A code from where those of the training pictures lie."""
    return codes.mixture.draw(rng, temperature)


DICE: dict[SamplerName, Dice] = {"prior": prior, "mixture": mixture}


def draw_pictures(
    network: VaeNetwork,
    config: VaeConfig,
    words: Words,
    codes: Sequence[Codes],
    seeds: Sequence[int],
    *,
    dice: Dice,
    temperature: float,
    given: Given | None,
) -> Iterator[Progress]:
    """Draws one picture a seed.

    Args:
        words: one caption a picture.
        codes: where the codes of each picture's kind lie, with words or without.
        dice: how chance makes a code.
        given: a picture to vary.

    Yields: as `draw_in_groups`.
    """

    def drawing(rows: Rows) -> Iterator[Tensor]:
        chance = np.stack([dice(codes[row], rng_at(seeds[row], "picture"), temperature) for row in rows])
        by_chance = torch.from_numpy(chance.astype(np.float32)).to(network.device)
        without = torch.zeros(len(rows), dtype=torch.bool, device=network.device)
        with torch.no_grad(), fast_arithmetic(network.device):
            condition = network.condition(words.rows(rows), without)
            if given is None:
                yield network.picture(by_chance, condition)
            else:
                yield varied(network, given, by_chance, condition)

    shape = (config.channels, config.size_px, config.size_px)
    return draw_in_groups(drawing, count=len(seeds), shape=shape, steps=1, device=network.device)


def varied(
    network: VaeNetwork,
    given: Given,
    by_chance: Float[Tensor, "batch code"],
    condition: Float[Tensor, "batch hidden"],
) -> Float[Tensor, "batch channel height width"]:
    """A picture whose code is partly the given one's: c = sqrt(1 - s^2) m + s c', which keeps the variance of N(0, I).

    What the code cannot say of the given picture, x - decode(m), is added back to a share of 1 - s. So a strength of 0
    gives the picture itself, and not what the model makes of it. (With a palette x is what the decoder would give if it
    were certain of each colour.)
    """
    picture = given.picture.to(by_chance.device).expand(len(by_chance), -1, -1, -1)
    mean = network.encode(picture, condition).mean
    mixed = math.sqrt(1 - given.strength**2) * mean + given.strength * by_chance
    likelihood = network.likelihood
    left_out = likelihood.certain(likelihood.read(picture)) - network.decode(mean, condition)
    return likelihood.show(network.decode(mixed, condition) + (1 - given.strength) * left_out)
