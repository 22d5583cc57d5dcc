"""The objectives: what the critic D and the generator G want of each other, by three papers.

    r3gan    D  softplus(D(G) - D(x)) + gamma/2 (|grad D(x)|^2 + |grad D(G)|^2)      G  softplus(D(x) - D(G))
    wgan-gp  D  D(G) - D(x) + lambda (|grad D(u)| - 1)^2,  u = a x + (1 - a) G      G  -D(G)
    dcgan    D  softplus(-D(x)) + softplus(D(G))                                    G  softplus(-D(G))

softplus(s) = log(1 + e^s), so softplus(-D) = -log sigmoid(D). x and G(z) come with the same caption.

- R3GAN (Huang et al. 2024, section 2): a generated picture is compared with a real one, so that the critic cannot be
  content with calling all generated ones bad in the same way, which is how modes are lost; the two gradient penalties
  (R1, Mescheder et al. 2018; R2, Roth et al. 2017) make the contest converge near its solution.
- WGAN-GP (Gulrajani et al. 2017, Eq. 3): the critic estimates how far the two distributions are apart; the penalty
  keeps its slope near 1. It learns five times for each time that the generator does.
- DCGAN (Radford et al. 2016) with the original loss (Goodfellow et al. 2014, section 3) in its non-saturating form.

The critic is also shown real pictures with the caption of another one of the batch, as one more kind of fake (Reed et
al. 2016): else it may look at pictures alone. Without captions there is no such fake.

Pictures are changed before the critic sees them: all, or as many as it needs (StyleGAN2-ADA, Karras et al. 2020,
section 3). Where it tells more than 80 % of the pairs rightly, r = E sign(D(x) - D(G)) > 0.6, it has begun to learn by
heart, and the share of changed pictures p is to rise; else it is to fall. So p is one more number that the critic's
step moves, along p (0.6 - r), and stays within 0 to 0.8, beyond which changes leak into what is drawn.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from mindseye.imagine.adversarial.augment import augmented, of
from mindseye.imagine.adversarial.augment import draw as draw_change
from mindseye.imagine.adversarial.convolution import to_pictures_only
from mindseye.imagine.gan.config import GanConfig
from mindseye.learn.batch import Batch
from mindseye.learn.learner import Draws

TARGET = 0.6  # of r
MOST_OFTEN = 0.8  # of p

Scores = Float[Tensor, "batch caption"]  # of pictures for their own caption, and for another's in the second column
Critic = Callable[[Tensor], Scores]


@dataclass(frozen=True)
class Contest:
    """What a paper says of the two losses.

    Attributes:
        critic, generator: (scores of real pictures, scores of generated ones) to the loss of each pair.
        looked_at: (critic, real, generated, a of each sample, weight of the penalty) to the scores of both, and the
            penalty of each pair.
        generator_every: steps of the critic for one of the generator.
        betas: of Adam.
    """

    critic: Callable[[Tensor, Tensor], Tensor]
    generator: Callable[[Tensor, Tensor], Tensor]
    looked_at: Callable[[Critic, Tensor, Tensor, Tensor, float], tuple[Scores, Scores, Float[Tensor, "batch"]]]
    generator_every: int
    betas: tuple[float, float]


# ------------------------------------------------------------------------------------------------ looking


def with_slope(critic: Critic, pictures: Tensor) -> tuple[Scores, Float[Tensor, "batch"]]:
    """The scores, and |grad D(x)|^2 for the own caption, over all numbers of a picture; it can be differentiated."""
    with torch.enable_grad():
        pictures = pictures.detach().requires_grad_()
        scores = critic(pictures)
        with to_pictures_only():
            [slope] = torch.autograd.grad(scores[:, 0].sum(), pictures, create_graph=True)
    return scores, slope.float().square().flatten(1).sum(1)


def plainly(
    critic: Critic, real: Tensor, fake: Tensor, mix: Tensor, weight: float
) -> tuple[Scores, Scores, Float[Tensor, "batch"]]:
    """No penalty."""
    return critic(real), critic(fake), torch.zeros_like(mix)


def zero_centred(
    critic: Critic, real: Tensor, fake: Tensor, mix: Tensor, weight: float
) -> tuple[Scores, Scores, Float[Tensor, "batch"]]:
    """gamma/2 (|grad D(x)|^2 + |grad D(G)|^2): R1 and R2."""
    real_scores, real_slope = with_slope(critic, real)
    fake_scores, fake_slope = with_slope(critic, fake)
    return real_scores, fake_scores, weight / 2 * (real_slope + fake_slope)


def one_centred(
    critic: Critic, real: Tensor, fake: Tensor, mix: Tensor, weight: float
) -> tuple[Scores, Scores, Float[Tensor, "batch"]]:
    """lambda (|grad D(u)| - 1)^2 where u = a x + (1 - a) G, with an a of its own for each sample."""
    a = mix[:, *[None] * (real.ndim - 1)]
    _, slope = with_slope(critic, a * real + (1 - a) * fake)
    distance = (slope + 1e-12).sqrt() - 1  # the root of 0 has no derivative
    return critic(real), critic(fake), weight * distance.square()


CONTESTS = {
    "r3gan": Contest(
        critic=lambda real, fake: F.softplus(fake - real),
        generator=lambda real, fake: F.softplus(real - fake),
        looked_at=zero_centred,
        generator_every=1,
        betas=(0.0, 0.99),
    ),
    "wgan-gp": Contest(
        critic=lambda real, fake: fake - real,
        generator=lambda real, fake: -fake,
        looked_at=one_centred,
        generator_every=5,
        betas=(0.5, 0.9),
    ),
    "dcgan": Contest(
        critic=lambda real, fake: F.softplus(-real) + F.softplus(fake),
        generator=lambda real, fake: F.softplus(-fake),
        looked_at=plainly,
        generator_every=1,
        betas=(0.5, 0.999),
    ),
}


# ------------------------------------------------------------------------------------------------ the two losses


def draw(rng: np.random.Generator, config: GanConfig) -> Mapping[str, Any]:
    """The random numbers of one sample: its latent, how each picture of the pair is changed, and WGAN-GP's a."""
    numbers = {
        "latent": rng.standard_normal(config.latent, dtype=np.float32),
        "mix": np.float32(rng.random()),
    }
    for which in ("real", "fake"):
        numbers |= {f"{which} {name}": value for name, value in draw_change(rng, config.size_px).items()}
    return numbers


def critic_loss(model: Any, batch: Batch, draws: Draws, config: GanConfig) -> Tensor:
    """The critic's loss, with its penalty; the penalty is on the pictures as the critic sees them, augmented."""
    contest = CONTESTS[config.method]
    own, other = batch.words.sentence, batch.words.sentence.roll(1, 0)
    with torch.no_grad():
        generated = model.generator(draws["latent"], own)
    real, fake, penalty = contest.looked_at(
        partial(model.critic, sentences=torch.stack([own, other], dim=1)),
        changed(model, batch.pictures, "real", draws, config),
        changed(model, generated, "fake", draws, config),
        draws["mix"],
        config.penalty,
    )
    mismatch = contest.critic(real[:, 0], real[:, 1]) * batch.others_caption_is_wrong
    loss = (contest.critic(real[:, 0], fake[:, 0]) + config.mismatch * mismatch + penalty).mean()
    return loss if config.often != "needed" else loss + towards_target(model.often, real[:, 0], fake[:, 0])


def towards_target(often: Tensor, real: Scores, fake: Scores) -> Tensor:
    """0, with the derivative 0.6 - r by p; at the ends of its range p is not driven further out.

    Adam makes all derivatives alike, so a step moves p by the learning rate.
    """
    r = (real - fake).detach().sign().mean()
    stuck = (often.detach() <= 0) & (r < TARGET) | (often.detach() >= MOST_OFTEN) & (r > TARGET)
    return (often - often.detach()) * torch.where(stuck, 0.0, TARGET - r)


def changed(model: Any, pictures: Tensor, which: str, draws: Draws, config: GanConfig) -> Tensor:
    """The "real" or the "fake" pictures as the critic sees them."""
    often = model.often.detach().clamp(0, MOST_OFTEN) if config.often == "needed" else config.often
    return augmented(pictures, of(which, draws), config.changes, often)


def generator_loss(model: Any, batch: Batch, draws: Draws, config: GanConfig) -> Tensor:
    """The generator's loss."""
    critic = partial(model.critic, sentences=batch.words.sentence[:, None])
    fake = critic(changed(model, model.generator(draws["latent"], batch.words.sentence), "fake", draws, config))
    with torch.no_grad():
        real = critic(changed(model, batch.pictures, "real", draws, config))
    return CONTESTS[config.method].generator(real[:, 0], fake[:, 0]).mean()
