"""What the three want of each other. x is a real picture, y its caption's sentence vector, sg[] stops a gradient.

    Observer and Thinker   softplus(-T_real(E(x))) + softplus(T_real(E(sg[x'])))                is it real?
                           + D(T_desc(E(x)), y) + beta D(T_desc(E(sg[x'])), y)                  what is it?
                           + gamma/2 (|grad_x T_real(E(x))|^2 + |grad_x' T_real(E(x'))|^2)
    Imaginer               softplus(-T_real(E(x')))                                             it looks real
                           + f (1 - s^2) (1 - cos(E(x'), sg[E(x)]))                             it is observed as x was
                           + d D(T_desc(E(x')), y)                                              it shows what x shows
                           - v min(|x'_1 - x'_2| / |z_1 - z_2|, tau)                            and is another picture

D(a, y) = -log of the share that y has of exp(cos(a, y') / 0.1) over the captions y' of the batch: captions resemble
each other, so that 1 - cos alone would hardly tell one from another. softplus(-r) = -log sigmoid(r), so the first terms
are those of Goodfellow et al. (2014), kept in check by two gradient penalties (R1, Mescheder et al. 2018; R2, Roth et
al. 2017). The last term is that of MSGAN (Mao et al. 2019), with root mean squares for the distances: without it the
best that could be imagined is x itself.

Observing and imagining go round: x is observed and x'_1 imagined from it, x'_1 is observed and x'_2 imagined from that,
and both must pass. Three things keep the idea well posed:

- The Observer does not learn from the Imaginer's losses, else E(x') = E(x) would be had by observing nothing at all.
- beta is 0: a Thinker that is told what an imagined picture is meant to show learns to read signs that only the
  Imaginer writes, and every picture with the right sign would do.
- s, the strength of imagination, is another for every sample, and 1 for some: those are imagined from words alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from mindseye.imagine.adversarial.augment import augmented, of
from mindseye.imagine.adversarial.augment import draw as draw_change
from mindseye.imagine.adversarial.convolution import to_pictures_only
from mindseye.imagine.oit.config import OitConfig
from mindseye.imagine.oit.network import Thought, blurred
from mindseye.learn.batch import Batch
from mindseye.learn.learner import Draws

TEMPERATURE = 0.1  # of the shares of captions

Pictures = Float[Tensor, "batch channel height width"]


def draw(rng: np.random.Generator, config: OitConfig) -> Mapping[str, Any]:
    """The random numbers of one sample: what is forgotten of it, three z, and how pictures are changed."""
    alone = rng.random() < config.from_words_alone
    numbers = {
        "strength": np.float32(1 if alone else rng.random()),
        "chance": rng.standard_normal(config.feature, dtype=np.float32),
        "without_caption": bool(rng.random() < config.caption_drop),
        **{f"z{i}": rng.standard_normal(config.latent, dtype=np.float32) for i in (1, 2, 3)},
    }
    for which in ("real", "imagined"):
        numbers |= {f"{which} {name}": value for name, value in draw_change(rng, config.size_px).items()}
    return numbers


# ------------------------------------------------------------------------------------------------ the two losses


def thinking_loss(model: Any, batch: Batch, draws: Draws, config: OitConfig) -> Tensor:
    """The loss of Observer and Thinker together."""
    with torch.no_grad():
        imagined = imagine(model, batch, draws, config)
    real, real_slope = with_slope(model, augmented(batch.pictures, of("real", draws), config.augment))
    loss = F.softplus(-real.real) + undescribed(real, batch) + config.penalty / 2 * real_slope
    for pictures in (imagined.first, imagined.again):
        thought, slope = with_slope(model, augmented(pictures, of("imagined", draws), config.augment))
        believed = F.softplus(thought.real) + config.heeds_imagined * undescribed(thought, batch)
        loss = loss + (believed + config.penalty / 2 * slope) / 2
    return loss.mean()


def imagining_loss(model: Any, batch: Batch, draws: Draws, config: OitConfig) -> Tensor:
    """The Imaginer's loss; Observer and Thinker look on."""
    imagined = imagine(model, batch, draws, config)
    loss = -config.varied * variety(imagined.first, imagined.other, draws["z1"], draws["z2"], config.varied_enough)
    for seen in (imagined.seen_first, imagined.seen_other, model.observer(_changed(imagined.again, draws, config))):
        thought = model.thinker(seen)
        forgets = (1 - draws["strength"].square()) * (1 - F.cosine_similarity(seen, imagined.observed))
        wrong = F.softplus(-thought.real) + config.described * undescribed(thought, batch)
        loss = loss + (wrong + config.same * forgets) / 3
    return loss.mean()


# ------------------------------------------------------------------------------------------------ observing, imagining


@dataclass(frozen=True)
class Imagined:
    """Two rounds. `first` and `other` are imagined from what was `observed` of the real picture, `again` from what was
    seen of `first`."""

    observed: Float[Tensor, "batch feature"]
    first: Pictures
    other: Pictures
    again: Pictures
    seen_first: Float[Tensor, "batch feature"]
    seen_other: Float[Tensor, "batch feature"]


def imagine(model: Any, batch: Batch, draws: Draws, config: OitConfig) -> Imagined:
    """Observes each picture, imagines two others with two z, observes both and imagines once more from the first."""
    words, without = batch.words, draws["without_caption"]
    strength, whole = draws["strength"], torch.zeros_like(draws["strength"])
    with torch.no_grad():
        observed = model.observer(augmented(batch.pictures, of("real", draws), config.augment))
        remembered = blurred(observed, strength, draws["chance"])
    first = model.imaginer(remembered, strength, draws["z1"], words, without)
    other = model.imaginer(remembered, strength, draws["z2"], words, without)
    seen_first, seen_other = (model.observer(_changed(pictures, draws, config)) for pictures in (first, other))
    again = model.imaginer(seen_first.detach(), whole, draws["z3"], words, without)
    return Imagined(observed, first, other, again, seen_first, seen_other)


def _changed(pictures: Pictures, draws: Draws, config: OitConfig) -> Pictures:
    return augmented(pictures, of("imagined", draws), config.augment)


# ------------------------------------------------------------------------------------------------ the terms


def with_slope(model: Any, pictures: Pictures) -> tuple[Thought, Float[Tensor, "batch"]]:
    """The thought, and |grad T_real(E(x))|^2 over all numbers of a picture; it can be differentiated."""
    with torch.enable_grad():
        pictures = pictures.detach().requires_grad_()
        thought = model.thinker(model.observer(pictures))
        with to_pictures_only():
            [slope] = torch.autograd.grad(thought.real.sum(), pictures, create_graph=True)
    return thought, slope.float().square().flatten(1).sum(1)


def undescribed(thought: Thought, batch: Batch) -> Float[Tensor, "batch"]:
    """D: the surprise at a picture's caption among those of the batch, of which others of its own concept do not count;
    0 where there is no caption."""
    absent, concepts = batch.words.absent, batch.concepts
    cosines = thought.description @ F.normalize(batch.words.sentence.float(), dim=1).T
    same = (concepts[:, None] == concepts[None]) & ~torch.eye(len(concepts), dtype=torch.bool, device=concepts.device)
    shares = (cosines / TEMPERATURE).masked_fill(same | absent[None], -1e9).log_softmax(1)
    return torch.where(absent, torch.zeros_like(shares[:, 0]), -shares.diagonal())


def variety(
    one: Pictures, other: Pictures, z1: Float[Tensor, "batch latent"], z2: Float[Tensor, "batch latent"], enough: float
) -> Float[Tensor, "batch"]:
    """min(|x'_1 - x'_2| / |z_1 - z_2|, tau), distances as root mean squares."""
    apart = (one - other).square().flatten(1).mean(1)
    return (apart / (z1 - z2).square().mean(1) + 1e-12).sqrt().clamp(max=enough)  # the root of 0 has no derivative
