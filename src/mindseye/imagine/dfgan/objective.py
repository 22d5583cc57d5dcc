"""The objectives of DF-GAN (Tao et al. 2022, Eq. 1), with x real pictures, e their sentences, e' those of others.

    L_D = E max(0, 1 - D(x, e)) + 1/2 E max(0, 1 + D(G(z, e), e)) + 1/2 E max(0, 1 + D(x, e'))
          + k E (|grad_x D(x, e)|^2 + |grad_e D(x, e)|^2)^(p/2),   k = 2, p = 6
    L_G = -E D(G(z, e), e)

The last term of L_D is the matching-aware gradient penalty: D is made flat around real pictures with their own
sentence, and there only, so that what is drawn is drawn there. It is the norm of both gradients together, as in the
authors' code; the paper's (|grad_x| + |grad_e|)^p is larger by up to 2^(p/2).

The discriminator sees pictures moved by a few pixels, real ones and drawn ones, so that it cannot learn a small
collection by heart (Zhao et al. 2020); that is not of the paper.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from mindseye.imagine.adversarial.convolution import to_pictures_only
from mindseye.imagine.dfgan.config import DfGanConfig
from mindseye.imagine.dfgan.network import normalised
from mindseye.learn.batch import Batch
from mindseye.learn.learner import Draws
from mindseye.observe.damsm.objective import shifted


def draw(rng: np.random.Generator, config: DfGanConfig) -> Mapping[str, Any]:
    """The random numbers of one sample: z, and how far the real and the drawn picture are moved (pixels)."""
    most = round(config.shift_share * config.size_px)
    return {
        "latent": rng.standard_normal(config.latent, dtype=np.float32),
        "real shift": rng.integers(-most, most + 1, 2),
        "fake shift": rng.integers(-most, most + 1, 2),
    }


def discriminator_loss(model: Any, batch: Batch, draws: Draws, config: DfGanConfig) -> Tensor:
    """L_D; the sentence of another picture is wrong only where it is of another concept and not empty."""
    sentence, D = normalised(batch.words.sentence), model.discriminator
    with torch.no_grad():
        drawn = model.generator(draws["latent"], sentence)
    real = shifted(batch.pictures, draws["real shift"])
    matching, mismatching, penalty = with_penalty(D, real, sentence, sentence.roll(1, 0), config)
    generated = D.fits(D(shifted(drawn, draws["fake shift"])), sentence)
    mismatch = F.relu(1 + mismatching) * batch.others_caption_is_wrong
    return F.relu(1 - matching).mean() + (F.relu(1 + generated).mean() + mismatch.mean()) / 2 + penalty.mean()


def with_penalty(
    D: Any,
    real: Float[Tensor, "batch channel height width"],
    sentence: Float[Tensor, "batch text"],
    other: Float[Tensor, "batch text"],
    config: DfGanConfig,
) -> tuple[Float[Tensor, "batch"], Float[Tensor, "batch"], Float[Tensor, "batch"]]:
    """D(x, e), D(x, e') and the matching-aware gradient penalty at (x, e), which can be differentiated."""
    with torch.enable_grad():
        x, e = real.detach().requires_grad_(), sentence.detach().requires_grad_()
        seen = D(x)
        matching = D.fits(seen, e)
        with to_pictures_only():
            by_x, by_e = torch.autograd.grad(matching.sum(), (x, e), create_graph=True)
    square = by_x.float().square().flatten(1).sum(1) + by_e.float().square().sum(1)
    return matching, D.fits(seen, other), config.penalty * square ** (config.penalty_power / 2)


def generator_loss(model: Any, batch: Batch, draws: Draws, config: DfGanConfig) -> Tensor:
    """L_G."""
    sentence, D = normalised(batch.words.sentence), model.discriminator
    drawn = model.generator(draws["latent"], sentence)
    return -D.fits(D(shifted(drawn, draws["fake shift"])), sentence).mean()
