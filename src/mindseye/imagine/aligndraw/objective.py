"""The objective: a bound of log p(x | caption), as in any VAE, with a code and a price in each of the T steps.

    loss = -log p(x | c_T) + sum_t KL(q(z_t | x, z_<t) || p(z_t | z_<t, caption))

The picture is compared once, with the last canvas. Each KL is between two Gaussians, since the prior of a step is what
the generator expects after the steps before it; a code costs only what the caption and the drawing so far do not say.

log p(x | c) is the Bernoulli likelihood of the paper, in black and white, in colour, and for premultiplied RGBA, where
the empty canvas is transparent: -x log sigmoid(c) - (1 - x) log(1 - sigmoid(c)), summed over all numbers of a picture.
For values between 0 and 1 it is no density, but its best sigmoid(c) is x, or the mean of all x that are possible, which
is what is drawn; unlike a squared error it has no width to set, and its gradient, sigmoid(c) - x, does not vanish where
the canvas is far from the picture, as a black canvas under a white line is. Its least value is not 0 but the entropy of
the picture, so values compare between models of one collection only.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn import functional as F

from mindseye.imagine.aligndraw.config import AlignDrawConfig
from mindseye.imagine.aligndraw.network import AlignDrawNetwork, Gaussian
from mindseye.learn.batch import Batch, Words
from mindseye.learn.learner import Draws


def draw(rng: np.random.Generator, config: AlignDrawConfig) -> Mapping[str, Any]:
    """The random numbers of one training sample: the noise of its codes, and whether its caption is dropped."""
    return {
        "noise": rng.standard_normal((config.steps, config.code), dtype=np.float32),
        "without_caption": bool(rng.random() < config.caption_drop),
    }


def loss(network: AlignDrawNetwork, batch: Batch, draws: Draws, config: AlignDrawConfig) -> Tensor:
    """The bound in nats for each number of a picture, so that sizes compare."""
    with torch.autocast(network.device.type, enabled=False):
        parts = bound(network, batch.pictures, batch.words, draws["without_caption"], draws["noise"])
    return (parts.surprise + parts.kl.sum(1)).mean() / config.numbers


@dataclass(frozen=True)
class Bound:
    """-log p(x | caption) <= surprise + the sum of kl, in nats, one a picture.

    Attributes:
        surprise: -log p(x | c_T).
        kl: the price of each step's code.
    """

    surprise: Float[Tensor, "batch"]
    kl: Float[Tensor, "batch step"]


def bound(
    network: AlignDrawNetwork,
    pictures: Float[Tensor, "batch channel height width"],
    words: Words,
    without: Bool[Tensor, "batch"],
    noise: Float[Tensor, "batch step code"],
) -> Bound:
    """The bound at one sample of the codes, with pictures in [-1, 1]."""
    shown = (pictures + 1) / 2
    language = network.language(without_padding(words), without)
    state = network.begin(len(pictures))
    memory = state.generator  # both begin at nothing
    prices = []
    for step in range(noise.shape[1]):
        posterior, memory = network.infer(shown, state, memory)
        prices.append(kl(posterior, state.prior).sum(1))
        state = network.write(posterior.sample(noise[:, step]), state, language)
    return Bound(bernoulli(shown, state.canvas), torch.stack(prices, dim=1))


def without_padding(words: Words) -> Words:
    """The same captions, padded to the longest of them only, which saves work and changes nothing."""
    longest = max(1, int(words.mask.sum(1).max()))
    return Words(words.tokens[:, :longest], words.mask[:, :longest], words.sentence)


def bernoulli(
    shown: Float[Tensor, "batch channel height width"], canvas: Float[Tensor, "batch channel height width"]
) -> Float[Tensor, "batch"]:
    """-log p(x | c) of pictures in [0, 1], summed over a picture."""
    return F.binary_cross_entropy_with_logits(canvas, shown, reduction="none").flatten(1).sum(1)


def kl(q: Gaussian, p: Gaussian) -> Float[Tensor, "batch code"]:
    """KL(q || p) of each dimension: 1/2 (((mu_q - mu_p)^2 + sigma_q^2) / sigma_p^2 - 1) - log sigma_q + log sigma_p."""
    apart = (q.mean - p.mean).square() + (2 * q.log_sigma).exp()
    return 0.5 * (apart * (-2 * p.log_sigma).exp() - 1) - q.log_sigma + p.log_sigma
