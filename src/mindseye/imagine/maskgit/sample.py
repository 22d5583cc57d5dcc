"""Drawing: all codes hidden, then filled in over a few steps, in each of which the surest guesses stay.

    n hidden at first; after step s of T: floor(n cos(pi s / 2T)) are hidden still   (Chang et al. 2022, section 3.2)

A guess is drawn from p(code); how sure it is says its log-probability, with Gumbel noise that falls to nothing by the
last step, or the surest cells would always be those of the background, and every picture empty.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn import functional as F

from mindseye.imagine.family import Given, Progress
from mindseye.imagine.groups import Rows, draw_in_groups
from mindseye.imagine.maskgit.codes import PictureCodes
from mindseye.imagine.maskgit.config import MaskGitConfig
from mindseye.imagine.maskgit.network import MaskedTransformer
from mindseye.imagine.maskgit.objective import hidden_share
from mindseye.learn.batch import Words
from mindseye.learn.device import fast_arithmetic
from mindseye.randomness import rng_at


@dataclass(frozen=True)
class Manner:
    """How codes are filled in.

    Attributes:
        steps: in how many.
        guidance: weight of classifier-free guidance; 1 is the caption alone.
        temperature: how much chance has a say.
        choice_noise: how much of it decides at first which guesses stay.
    """

    steps: int
    guidance: float
    temperature: float
    choice_noise: float


def draw_pictures(
    codes: PictureCodes,
    network: MaskedTransformer,
    config: MaskGitConfig,
    words: Words,
    negative: Words | None,
    seeds: Sequence[int],
    manner: Manner,
    given: Given | None = None,
) -> Iterator[Progress]:
    """Draws one picture a seed.

    A completion keeps the codes of cells that are known as a whole, and in the end all known pixels. A variation hides
    a share of the given picture's codes; what its codes do not say of it is added back to a share of 1 - strength, so
    that a strength of 0 gives the picture itself.

    Args:
        words: one caption a picture.
        negative: one negative caption a picture; None draws against the empty condition.

    Yields: as `draw_in_groups`; cells that are still hidden show the guess of the step.
    """
    device = network.device

    def drawing(rows: Rows) -> Iterator[Tensor]:
        own = [seeds[row] for row in rows]
        with torch.no_grad(), fast_arithmetic(device):
            start, left_out = _start(codes, config, given, own, device)
            against = negative.rows(rows) if negative else None
            filled = fill_in(network, start, words.rows(rows), against, own, manner)
            for index in filled:
                pictures = codes.decode(codes.fsq.shares(index)) + left_out
                if given is not None and given.known is not None:
                    pictures = torch.where(given.known.to(device), given.picture.to(device), pictures)
                yield pictures.clamp(-1, 1)

    shape = (config.channels, config.size_px, config.size_px)
    return draw_in_groups(drawing, count=len(seeds), shape=shape, steps=manner.steps, device=device)


def fill_in(
    network: MaskedTransformer,
    start: Int[Tensor, "row cell"],
    words: Words,
    negative: Words | None,
    seeds: Sequence[int],
    manner: Manner,
) -> Iterator[Int[Tensor, "row cell"]]:
    """Fills in hidden codes, and leaves all others as they are.

    Args:
        start: the codes, `network.hidden_code` where they are hidden: in each row equally many.
        words, negative, seeds: one a row.

    Yields: after each step all codes, the guess of this step where they stay hidden.
    """
    hidden = start == network.hidden_code
    codes, count = start, int(hidden[0].sum())
    for step in range(1, manner.steps + 1):
        logits = guided_logits(network, codes, words, negative, manner.guidance)
        chance = _gumbel(seeds, "code", step, tuple(logits.shape[1:])).to(logits)
        guess = (logits + manner.temperature * chance).argmax(-1)
        guess = torch.where(hidden, guess, codes)
        yield guess
        left = 0 if step == manner.steps else int(hidden_share(step / manner.steps) * count)
        sure = F.log_softmax(logits, -1).gather(-1, guess[..., None])[..., 0]
        noise = manner.temperature * manner.choice_noise * (1 - step / manner.steps)
        sure = sure + noise * _gumbel(seeds, "choice", step, tuple(sure.shape[1:])).to(sure)
        hidden = _least(sure.masked_fill(~hidden, math.inf), left)
        codes = torch.where(hidden, network.hidden_code, guess)


def guided_logits(
    network: MaskedTransformer,
    codes: Int[Tensor, "row cell"],
    words: Words,
    negative: Words | None,
    weight: float,
) -> Float[Tensor, "row cell code"]:
    """U + w (C - U) of logits with the caption, C, and without, or with the negative prompt, U (Ho & Salimans 2022);
    w = 1 is C itself."""
    rows = len(codes)
    none = torch.zeros(rows, dtype=torch.bool, device=codes.device)
    if weight == 1:
        plain: Tensor = network(codes, words, none)
        return plain
    both = Words.cat([words, negative or words])
    without = torch.cat([none, ~none if negative is None else none])
    caption, against = network(torch.cat([codes, codes]), both, without).chunk(2)
    return against + weight * (caption - against)


def _start(
    codes: PictureCodes, config: MaskGitConfig, given: Given | None, seeds: Sequence[int], device: torch.device
) -> tuple[Int[Tensor, "row cell"], Tensor]:
    """What a drawing begins with, one row a seed, and what is added to its pictures."""
    if given is None:
        return torch.full((len(seeds), config.cells), config.codes, device=device), torch.zeros((), device=device)
    picture = given.picture.to(device)[None]
    if given.known is not None:
        picture = torch.where(given.known.to(device), picture, -1.0)  # what is not known must not be looked at
    shares = codes.encode(picture)
    hidden = torch.stack([_hidden(given, config, seed) for seed in seeds]).to(device)
    start = torch.where(hidden, config.codes, codes.fsq.index(shares))
    if given.known is not None:
        return start, torch.zeros((), device=device)
    return start, (1 - given.strength) * (picture - codes.decode(shares))


def _hidden(given: Given, config: MaskGitConfig, seed: int) -> Bool[Tensor, "cell"]:
    """Which cells of a given picture are to be filled in."""
    if given.known is None:
        order = rng_at(seed, "hidden cells").permutation(config.cells)
        return torch.from_numpy(order < math.ceil(given.strength * config.cells))
    unknown = (~given.known)[None].float()
    return F.max_pool2d(unknown, config.cell_px).flatten() > 0


def _least(values: Float[Tensor, "row cell"], count: int) -> Bool[Tensor, "row cell"]:
    """Where the `count` lowest values of each row are."""
    return values.argsort(dim=1, stable=True).argsort(dim=1) < count


def _gumbel(seeds: Sequence[int], purpose: str, step: int, shape: tuple[int, ...]) -> Tensor:
    """Gumbel noise: of each row a function of its seed, the purpose and the step alone."""
    rows = [rng_at(seed, purpose, step).gumbel(size=shape).astype(np.float32) for seed in seeds]
    return torch.from_numpy(np.stack(rows))
