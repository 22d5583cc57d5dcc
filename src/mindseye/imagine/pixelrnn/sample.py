"""Drawing: pixel by pixel in reading order, each from the distribution that the network gives, with what it remembers.

Nothing is computed twice: a step takes in the pixel that came last and gives the next one's distribution, so a picture
of n pixels costs about as much as one look at n pixels, and not n of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional as F

from mindseye.imagine.family import Given, Progress
from mindseye.imagine.groups import Rows, draw_in_groups
from mindseye.learn.batch import Words
from mindseye.randomness import rng_at

TOGETHER = 8  # pictures that one core draws in one pass


@dataclass(frozen=True)
class Chance:
    """How to choose among the levels of a number.

    Attributes:
        temperature: log-probabilities are divided by it; 0 takes the likeliest.
        top_p: of the likeliest levels so many are kept that they have this probability together; 1 keeps all.
        guidance: classifier-free guidance weight; 1 is plain.
    """

    temperature: float
    top_p: float
    guidance: float


def choose(
    log_probabilities: Float[Tensor, "batch level"], luck: Float[Tensor, "batch"], chance: Chance
) -> Int[Tensor, "batch"]:
    """A level of each distribution, by inverting its cumulative distribution at `luck` in [0, 1)."""
    if chance.temperature == 0:
        return log_probabilities.argmax(1)
    probabilities = (log_probabilities.double() / chance.temperature).softmax(1)
    cumulative = nucleus(probabilities, chance.top_p).cumsum(1)
    return (cumulative <= luck[:, None] * cumulative[:, -1:]).sum(1)


def nucleus(probabilities: Float[Tensor, "batch level"], top_p: float) -> Float[Tensor, "batch level"]:
    """The likeliest levels with the probability `top_p` together, the others 0 (Holtzman et al. 2020, Eq. 2)."""
    if top_p == 1:
        return probabilities
    ordered = probabilities.sort(dim=1, descending=True).values
    before = ordered.cumsum(1) - ordered
    least = ordered.masked_fill(before >= top_p, 1).amin(1, keepdim=True)
    return probabilities * (probabilities >= least)


def guided(with_caption: Tensor, against: Tensor, weight: float) -> Tensor:
    """Classifier-free guidance (Ho & Salimans 2022) of log-probabilities, up to a constant: U + w (C - U)."""
    return against + weight * (with_caption - against)


def draw_pictures(
    model: Any,
    words: Words,
    negative: Words | None,
    seeds: Sequence[int],
    chance: Chance,
    given: Given | None,
) -> Iterator[Progress]:
    """Draws one picture a seed.

    Args:
        model: a `PixelRNN`.
        words: one caption a picture.
        negative: one negative caption a picture; None draws against no caption.
        given: a picture to complete. A pixel that is known stays as it is and takes the place of what would have been
            drawn. Those that are known further on are not looked at before their turn.

    Yields:
        `Progress` after each row of pixels of each group; what is not drawn yet is blank (-1).
    """
    size, device = model.config.size_px, words.sentence.device

    def drawing(rows: Rows) -> Iterator[Tensor]:
        luck = torch.stack([picture_luck(seeds[row], size**2, model.pixels.numbers) for row in rows]).to(device)
        against = negative and negative.rows(rows)
        with torch.no_grad():
            for drawn in _draw_rows(model, words.rows(rows), against, luck, chance, given):
                yield F.pad(drawn, (0, 0, 0, size - drawn.shape[2]), value=-1.0)

    shape = (model.config.channels, size, size)
    for now in draw_in_groups(drawing, count=len(seeds), shape=shape, steps=size, device=device, at_once=TOGETHER):
        if given is not None and given.known is not None:
            now = replace(now, pictures=torch.where(given.known.to(device), given.picture.to(device), now.pictures))
        yield now


def picture_luck(seed: int, places: int, numbers: int) -> Float[Tensor, "place number"]:
    """The random numbers in [0, 1) that a picture is drawn with: a function of its own seed alone."""
    return torch.from_numpy(rng_at(seed, "picture").random((places, numbers), dtype="float32"))


def _draw_rows(
    model: Any,
    words: Words,
    negative: Words | None,
    luck: Float[Tensor, "batch place number"],
    chance: Chance,
    given: Given | None,
) -> Iterator[Float[Tensor, "batch channel row width"]]:
    """Yields what is drawn of a group of pictures after each row."""
    batch, places, numbers = luck.shape
    size = model.config.size_px
    condition = _conditions(model, words, negative, chance)
    memory = model.network.begin(condition)
    known = torch.zeros(places, dtype=torch.bool)
    pixels = torch.zeros(batch, places, numbers, dtype=torch.long, device=luck.device)
    if given is not None and given.known is not None:
        known = given.known.flatten().cpu()
        pixels[:] = model.pixels.read(given.picture[None].to(luck.device)).flatten(1, 2)
    before = torch.zeros_like(condition)
    for place in range(places):
        features = model.network.step(memory, place, before)
        for number in range(0 if known[place] else numbers):
            log_probabilities = _log_probabilities(model, features, pixels[:, place, :number], chance)
            pixels[:, place, number] = choose(log_probabilities, luck[:, place, number], chance)
        before = model.pixels.embed(pixels[:, place]).repeat(len(condition) // batch, 1)
        if (place + 1) % size == 0:
            yield model.pixels.show(pixels[:, : place + 1].unflatten(1, (-1, size)))


def _conditions(
    model: Any, words: Words, negative: Words | None, chance: Chance
) -> Float[Tensor, "batch_or_two feature"]:
    """The captions; with guidance also what is drawn against, below them."""
    rows = len(words.mask)
    if chance.guidance == 1:
        return model.condition(words, torch.zeros(rows, dtype=torch.bool, device=words.mask.device))
    without = torch.tensor([False] * rows + [negative is None] * rows, device=words.mask.device)
    return model.condition(Words.cat([words, negative or words]), without)


def _log_probabilities(model: Any, features: Tensor, known: Tensor, chance: Chance) -> Float[Tensor, "batch level"]:
    if chance.guidance == 1:
        return model.pixels.log_probabilities(features, known)
    with_caption, against = model.pixels.log_probabilities(features, known.repeat(2, 1)).chunk(2)
    return guided(with_caption, against, chance.guidance)
