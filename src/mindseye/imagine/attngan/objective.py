"""The objectives of AttnGAN (Xu et al. 2018, Eqs. 4 to 6), with x real pictures, x' drawn ones, s the sentence.

    paper     L_Gi = -1/2 E log D_i(x'_i) - 1/2 E log D_i(x'_i, s)
              L_Di = -1/2 E log D_i(x_i)  - 1/2 E log(1 - D_i(x'_i))
                     -1/2 E log D_i(x_i, s) - 1/2 E log(1 - D_i(x'_i, s))
              L_G  = sum_i L_Gi + lambda L_DAMSM
    released  the authors' code: L_Gi without the halves; in L_Di the mean of two terms for what is right and the mean
              of three for what is wrong, the third being real pictures with the sentence of another one:
              -E log(1 - D_i(x_i, s_j));  and L_G has the divergence of the conditioning augmentation from N(0, I),
              as a mean over its dimensions

The discriminators of all stages learn together, then the generator. L_DAMSM looks at the last stage's picture; it is
the sum of the four terms of `observe/damsm/objective.py`. A DAMSM that is trained along learns from real pictures only.
What was no wish of the paper: the discriminators see pictures moved by a few pixels, real ones and drawn ones, so that
they cannot learn a small collection by heart (Zhao et al. 2020).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn import functional as F

from mindseye.imagine.attngan.config import AttnGanConfig
from mindseye.learn.batch import Batch
from mindseye.learn.learner import Draws
from mindseye.observe.damsm.network import TextCode
from mindseye.observe.damsm.objective import loss as damsm_loss
from mindseye.observe.damsm.objective import sentence_scores, shifted, terms, word_scores


def draw(rng: np.random.Generator, config: AttnGanConfig) -> Mapping[str, Any]:
    """The random numbers of one sample: z, the noise of the conditioning, how far each picture is moved (-1 to 1)."""
    return {
        "latent": rng.standard_normal(config.latent, dtype=np.float32),
        "noise": rng.standard_normal(config.condition, dtype=np.float32),
        "real shift": rng.uniform(-1, 1, 2).astype(np.float32),
        "fake shift": rng.uniform(-1, 1, 2).astype(np.float32),
    }


# ------------------------------------------------------------------------------------------------ discriminators


def discriminators_loss(model: Any, batch: Batch, draws: Draws, config: AttnGanConfig) -> Tensor:
    """The sum of L_Di over the stages."""
    with torch.no_grad():
        text = model.text(batch.words)
        drawn, _ = drawn_pictures(model, text, draws)
    sentence = text.sentence
    losses = []
    for discriminator, real, fake in zip(
        model.discriminators, at_each_stage(batch.pictures, config), drawn, strict=True
    ):
        seen_real = discriminator(moved(real, draws["real shift"], config))
        seen_fake = discriminator(moved(fake, draws["fake shift"], config))
        right = [discriminator.real(seen_real), discriminator.fits(seen_real, sentence)]
        wrong = [discriminator.real(seen_fake), discriminator.fits(seen_fake, sentence)]
        others = discriminator.fits(seen_real, sentence.roll(1, 0))
        losses.append(DISCRIMINATOR[config.form](right, wrong, others, batch.others_caption_is_wrong))
    return torch.stack(losses).sum()


def paper_discriminator(
    right: list[Tensor], wrong: list[Tensor], others: Tensor, contradicts: Bool[Tensor, "batch"]
) -> Tensor:
    """Eq. 5 from the logits; `others`, of real pictures with another's sentence, are no part of it."""
    return (sum(map(says_yes, right)) + sum(map(says_no, wrong))) / 2  # type: ignore[return-value]


def released_discriminator(
    right: list[Tensor], wrong: list[Tensor], others: Tensor, contradicts: Bool[Tensor, "batch"]
) -> Tensor:
    """The code's; another's sentence is wrong only where it is of another concept and not empty."""
    mismatch = (F.softplus(others) * contradicts).mean()
    return sum(map(says_yes, right)) / 2 + (sum(map(says_no, wrong)) + mismatch) / 3


DISCRIMINATOR = {"paper": paper_discriminator, "released": released_discriminator}


def says_yes(logits: Float[Tensor, "batch"]) -> Tensor:
    """-E log D, with D = sigma(logit)."""
    return F.softplus(-logits).mean()


def says_no(logits: Float[Tensor, "batch"]) -> Tensor:
    """-E log(1 - D)."""
    return F.softplus(logits).mean()


# ------------------------------------------------------------------------------------------------ generator


def generator_loss(model: Any, batch: Batch, draws: Draws, config: AttnGanConfig) -> Tensor:
    """L_G."""
    with torch.no_grad():
        text = model.text(batch.words)
    drawn, divergence = drawn_pictures(model, text, draws)
    total = divergence if config.form == "released" else torch.zeros_like(divergence)
    weight = 1.0 if config.form == "released" else 0.5
    for discriminator, fake in zip(model.discriminators, drawn, strict=True):
        seen = discriminator(moved(fake, draws["fake shift"], config))
        total = total + weight * (
            says_yes(discriminator.real(seen)) + says_yes(discriminator.fits(seen, text.sentence))
        )
    if config.damsm_weight:
        total = total + config.damsm_weight * match_loss(model, drawn[-1], text, batch, config)
    return total


def match_loss(model: Any, drawn: Tensor, text: TextCode, batch: Batch, config: AttnGanConfig) -> Tensor:
    """L_DAMSM = L1w + L2w + L1s + L2s of drawn pictures and their captions."""
    seen = model.pictures(for_damsm(drawn, config))
    by_words, _ = word_scores(seen.regions, text.words, text.mask, config.matcher)
    by_sentence = sentence_scores(seen.whole, text.sentence)
    every = [terms(scores, batch.concepts, config.matcher) for scores in (by_words, by_sentence)]
    return torch.stack([term for pair in every for term in pair]).sum()


def kl_divergence(mean: Float[Tensor, "batch condition"], log_variance: Float[Tensor, "batch condition"]) -> Tensor:
    """1/2 (exp(s) - 1 - s + m^2), the mean over batch and dimensions: with s the log of the variance."""
    return (torch.exp(log_variance) - 1 - log_variance + mean.square()).mean() / 2


def drawn_pictures(model: Any, text: TextCode, draws: Draws) -> tuple[list[Tensor], Tensor]:
    """The pictures of all stages for these captions, and the divergence of the conditioning."""
    condition, mean, log_variance = model.generator.augment(text.sentence, draws["noise"])
    stages = model.generator(draws["latent"], condition, text.words, text.mask)
    return [stage.pictures for stage in stages], kl_divergence(mean, log_variance)


# ------------------------------------------------------------------------------------------------ DAMSM, pictures


def joint_damsm_loss(model: Any, batch: Batch, draws: Draws, config: AttnGanConfig) -> Tensor:
    """The loss of a DAMSM that is trained along: that of a DAMSM by itself."""
    return damsm_loss(model, replace(batch, pictures=for_damsm(batch.pictures, config)), draws, config.matcher)


def for_damsm(
    pictures: Float[Tensor, "batch channel height width"], config: AttnGanConfig
) -> Float[Tensor, "batch channel height2 width2"]:
    """At the size that the DAMSM looks at, as the paper enlarges pictures to the 299 px of its Inception network."""
    edge_px = config.matcher.size_px
    if pictures.shape[-1] == edge_px:
        return pictures
    return F.interpolate(pictures, size=edge_px, mode="bilinear", align_corners=False)


def at_each_stage(pictures: Float[Tensor, "batch channel height width"], config: AttnGanConfig) -> list[Tensor]:
    """Real pictures as large as those of each stage, each pixel the mean of what it stands for."""
    return [F.avg_pool2d(pictures, config.size_px // edge_px) for edge_px in config.edges_px]


def moved(pictures: Tensor, shift: Float[Tensor, "batch 2"], config: AttnGanConfig) -> Tensor:
    """Each picture moved by its own share of the greatest shift, in whole pixels; its border is continued."""
    return shifted(pictures, (shift * config.shift_share * pictures.shape[-1]).round().long())
