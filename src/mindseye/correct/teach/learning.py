"""Learning what a word says from a few pictures: Textual Inversion (Gal et al. 2022) behind the text encoder.

The word is read as known words that stand in for it. Only a change c of the states of their tokens is learnt, with the
model's own objective on the pictures, moved a little each time,

    c* = argmin E |v(x_t, t, states + c) - v|^2.

Neither the picture maker nor the text encoder moves, so all else is drawn as before, to the byte.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from mindseye.imagine.diffusion.model import Diffusion
from mindseye.imagine.diffusion.objective import draw, loss
from mindseye.learn.batch import Batch, Words
from mindseye.observe.taught import TaughtWord
from mindseye.observe.text import TextEncoder
from mindseye.randomness import rng_at

WORDINGS = ("{}", "a {}", "one {}", "the {}", "a picture of a {}", "a small {}", "an icon of a {}")
BATCH = 8
LEARNING_RATE = 0.1  # a state's numbers are about 0.5
BETAS = (0.9, 0.99)
DECAY = 1e-3  # of |c|^2, its mean: what the pictures do not ask for stays what stands in for the word
SHIFT, ZOOM = 0.08, (0.9, 1.1)  # at most, as shares of the picture
MEASURED = 8  # noises at which the loss is measured before and after


@dataclass(frozen=True)
class Learnt:
    """What was learnt.

    Attributes:
        change: of the states of what stands in for the word.
        before, after: the loss on the pictures as they are, at the same noises.
    """

    change: Float[Tensor, "token width"]
    before: float
    after: float


class Reading:
    """The wordings of a word, read once; the change is added where its tokens are.

    Args:
        encoder: the frozen text encoder.
        word: what is taught.
        stands_in: the known words that it is read as.

    Attributes:
        tokens: of what stands in for it.
    """

    def __init__(self, encoder: TextEncoder, word: str, stands_in: str) -> None:
        self.tokens = sum(len(places) for _, places in encoder.words(stands_in))
        knowing = encoder.knowing([TaughtWord(word, stands_in, torch.zeros(self.tokens, encoder.width))])
        wordings = [wording.format(word) for wording in WORDINGS]
        self._read = knowing.encode(wordings)
        self._places = [knowing.spelt(wording).places[0][1] for wording in wordings]

    def words(self, wordings: Sequence[int], change: Float[Tensor, "token width"]) -> Words:
        """These wordings with a change of the word; gradients flow to the change."""
        read = self._read.rows(wordings)
        rows = []
        for row, wording in enumerate(wordings):
            places = torch.tensor(self._places[wording])
            rows.append(read.tokens[row].index_add(0, places, change[: len(places)]))
        tokens = torch.stack(rows)
        return Words(tokens, read.mask, tokens.sum(1) / read.mask.sum(1, keepdim=True))


def learn(
    model: Diffusion,
    encoder: TextEncoder,
    word: str,
    stands_in: str,
    pictures: Float[Tensor, "picture channel height width"],
    *,
    pictures_seen: int,
    seed: int = 0,
    mirror: bool = True,
    log: Callable[[str], None] = lambda line: None,
) -> Learnt:
    """What a word says, from pictures of it.

    Args:
        model: the picture maker, which stays as it is.
        encoder: the frozen text encoder.
        word: what is taught.
        stands_in: known words that it is read as.
        pictures: one or more, in [-1, 1].
        pictures_seen: how many, moved and noised each time; a multiple of `BATCH` is used.
        seed: of what is seen.
        mirror: whether half of them are seen mirrored.
        log: called with a line of text now and then.
    """
    device = model.network.device
    reading = Reading(encoder, word, stands_in)
    change = torch.zeros(reading.tokens, encoder.width, requires_grad=True)
    optimiser = torch.optim.Adam([change], LEARNING_RATE, BETAS)
    steps = max(1, pictures_seen // BATCH)
    expected = partial(_loss, model, reading, device)
    still = torch.stack([pictures[place % len(pictures)] for place in range(MEASURED)])
    with torch.no_grad():
        before = float(expected(still, [0] * MEASURED, change, _draws(model, seed, "measure", range(MEASURED))))
    frozen = [parameter for parameter in model.parameters() if parameter.requires_grad]
    try:
        for parameter in frozen:
            parameter.requires_grad_(False)  # or their gradients would be computed, too
        for step in range(steps):
            samples = range(step * BATCH, (step + 1) * BATCH)
            rngs = [rng_at(seed, "teach", sample) for sample in samples]
            wordings = [int(rng.integers(len(WORDINGS))) for rng in rngs]
            seen = [
                moved(pictures[place % len(pictures)], rng, mirror) for place, rng in zip(samples, rngs, strict=True)
            ]
            with torch.enable_grad():
                fit = expected(torch.stack(seen), wordings, change, _draws(model, seed, "teach noise", samples))
                optimiser.zero_grad()
                (fit + DECAY * change.square().mean()).backward()
            for group in optimiser.param_groups:
                group["lr"] = LEARNING_RATE * (1 + math.cos(math.pi * step / steps)) / 2
            optimiser.step()
            if (step + 1) % 10 == 0:
                log(f"saw {(step + 1) * BATCH} of {steps * BATCH} pictures, loss {fit.item():.3f}")
    finally:
        for parameter in frozen:
            parameter.requires_grad_(True)
    learnt = change.detach()
    with torch.no_grad():
        after = float(expected(still, [0] * MEASURED, learnt, _draws(model, seed, "measure", range(MEASURED))))
    return Learnt(learnt, before, after)


def moved(
    picture: Float[Tensor, "channel height width"], rng: np.random.Generator, mirror: bool
) -> Float[Tensor, "channel height width"]:
    """The picture shifted, a little larger or smaller, and perhaps mirrored; its colours stay.

    What comes into view is transparent, or, in an opaque picture, the edge goes on.
    """
    if mirror and rng.random() < 0.5:
        picture = picture.flip(-1)
    scale = 1 / rng.uniform(*ZOOM)
    across, down = rng.uniform(-2 * SHIFT, 2 * SHIFT, 2)  # the picture is 2 wide
    where = torch.tensor([[scale, 0, across], [0, scale, down]], dtype=torch.float32)[None]
    grid = F.affine_grid(where, [1, *picture.shape], align_corners=False)
    beyond = "zeros" if len(picture) == 4 else "border"
    return F.grid_sample(picture[None] + 1, grid, padding_mode=beyond, align_corners=False)[0] - 1


def _loss(
    model: Diffusion,
    reading: Reading,
    device: torch.device,
    pictures: Tensor,
    wordings: Sequence[int],
    change: Tensor,
    draws: dict[str, Tensor],
) -> Tensor:
    batch = Batch(pictures, reading.words(wordings, change), torch.zeros(len(pictures), dtype=torch.long))
    return loss(model.network, batch.to(device), {name: each.to(device) for name, each in draws.items()}, model.config)


def _draws(model: Diffusion, seed: int, purpose: str, samples: Sequence[int]) -> dict[str, Tensor]:
    """The random numbers of these samples, none of them without its caption."""
    each = [draw(rng_at(seed, purpose, sample), model.config) for sample in samples]
    stacked = {name: torch.from_numpy(np.stack([numbers[name] for numbers in each])) for name in each[0]}
    return {**stacked, "without_caption": torch.zeros(len(each), dtype=torch.bool)}
