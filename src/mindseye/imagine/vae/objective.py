"""The objectives: a picture's code must be enough to draw it again, and codes must look like draws from N(0, I).

Convention, everywhere in this family: the encoder gives the mean m and the LOG VARIANCE s of the code.

    c = m + exp(s/2) e,     KL = 1/2 sum(exp(s) - 1 - s + m^2),     loss = -log p(x | c) + KL

(Kingma & Welling 2014, Eq. 10 and appendix B); `likelihood.py` has the first part. Both are sums over a picture, in
nats: a mean over pixels beside a sum over the code would weigh the KL thousands of times too heavily, and every code
would become the prior.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from mindseye.errors import BadInput
from mindseye.imagine.vae.config import ObjectiveName, VaeConfig
from mindseye.imagine.vae.likelihood import LOG_2PI
from mindseye.imagine.vae.network import Posterior, VaeNetwork
from mindseye.learn.batch import Batch
from mindseye.learn.learner import Draws


def draw(rng: np.random.Generator, config: VaeConfig) -> Mapping[str, Any]:
    """The random numbers of one training sample: the noise of its code, and whether its caption is dropped."""
    return {
        "noise": rng.standard_normal(config.code, dtype=np.float32),
        "without_caption": bool(rng.random() < config.caption_drop),
    }


def loss(network: VaeNetwork, batch: Batch, draws: Draws, config: VaeConfig) -> Tensor:
    """-log p(x | c) + penalty, in nats for each number of a picture, so that sizes compare."""
    rule = RULES[config.objective]
    condition = network.condition(batch.words, draws["without_caption"])
    posterior = network.encode(batch.pictures, condition)
    codes = sampled(posterior, rule.noise * draws["noise"])
    decoded = network.decode(codes, condition)
    likelihood = network.likelihood
    surprise = likelihood.cost(likelihood.read(batch.pictures), decoded)
    return (surprise + rule.penalty(posterior, codes, config)).mean() / config.numbers


def sampled(posterior: Posterior, noise: Float[Tensor, "*sample batch code"]) -> Float[Tensor, "*sample batch code"]:
    """c = m + exp(s/2) e."""
    return posterior.mean + (posterior.log_variance / 2).exp() * noise


# ------------------------------------------------------------------------------------------------ penalties


def kl(posterior: Posterior) -> Float[Tensor, "batch code"]:
    """KL(q(c | x) || N(0, I)) of every dimension, in nats: 1/2 (exp(s) - 1 - s + m^2)."""
    s = posterior.log_variance
    return 0.5 * (s.exp() - 1 - s + posterior.mean.square())


def log_normal(codes: Tensor, mean: Tensor | float, log_variance: Tensor) -> Tensor:
    """log N(c; m, exp(s)) of every dimension."""
    return -0.5 * ((codes - mean).square() * (-log_variance).exp() + log_variance + LOG_2PI)


def variational(posterior: Posterior, codes: Tensor, config: VaeConfig) -> Float[Tensor, "batch"]:
    """KL: what the code may cost in a VAE."""
    return kl(posterior).sum(1)


def weighted(posterior: Posterior, codes: Tensor, config: VaeConfig) -> Float[Tensor, "batch"]:
    """beta KL: fewer and more independent dimensions, at the price of the picture (Higgins et al. 2017, Eq. 4)."""
    return config.beta * kl(posterior).sum(1)


def total_correlation(posterior: Posterior, codes: Tensor, config: VaeConfig) -> Float[Tensor, "batch"]:
    """I(x; c) + beta TC + dimension-wise KL: only what ties dimensions costs more (Chen et al. 2018, Eq. 4)."""
    parts = decomposed(posterior, codes, config.training_pictures)
    return parts.information + config.beta * parts.correlation + parts.dimension_wise


def nothing(posterior: Posterior, codes: Tensor, config: VaeConfig) -> Float[Tensor, "batch"]:
    """A plain auto-encoder: codes may lie anywhere."""
    return torch.zeros_like(codes[:, 0])


@dataclass(frozen=True)
class Parts:
    """The KL, taken apart; the sum is log q(c | x) - log p(c), whose mean is the KL (Chen et al. 2018, Eq. 2)."""

    information: Float[Tensor, "batch"]
    correlation: Float[Tensor, "batch"]
    dimension_wise: Float[Tensor, "batch"]


def decomposed(posterior: Posterior, codes: Float[Tensor, "batch code"], training_pictures: int) -> Parts:
    """log q(c | x) - log q(c),  log q(c) - sum log q(c_j)  and  sum log q(c_j) - log p(c_j), at a sample of each code.

    q(c), the mean of q(c | x) over all training pictures, is estimated from the batch (Chen et al. 2018, appendix C).

    Raises:
        BadInput: the batch is a single picture.
    """
    own = log_normal(codes, posterior.mean, posterior.log_variance).sum(1)
    pairs = log_normal(codes[:, None], posterior.mean, posterior.log_variance)  # code i under the posterior of j
    weights = stratified_weights(len(codes), training_pictures).to(codes.device).log()
    together = torch.logsumexp(weights + pairs.sum(2), dim=1)
    apart = torch.logsumexp(weights[..., None] + pairs, dim=1).sum(1)
    prior = log_normal(codes, 0.0, torch.zeros_like(codes)).sum(1)
    return Parts(own - together, together - apart, apart - prior)


def stratified_weights(batch: int, training_pictures: int) -> Float[Tensor, "batch batch"]:
    """How much the posterior of picture j counts in the estimate of q(c) at the code of picture i.

    Minibatch stratified sampling (Chen et al. 2018, appendix C.2), with M + 1 pictures in the batch: 1/N for the
    picture itself, 1/M for each of M - 1 others, (N - M) / (N M) for the last. Each row sums to 1, and over all batches
    the estimate is right; a wrong N silently makes for another beta.

    Raises:
        BadInput: the batch is a single picture.
    """
    if batch < 2:
        raise BadInput(
            "beta-tcvae cannot train on batches of one picture",
            why="it compares the codes of a batch with each other",
            next_step="set batch_size to 2 or more, or model.objective to beta-vae",
        )
    m = batch - 1
    n = max(training_pictures, batch)
    rows = torch.arange(batch)
    weights = torch.full((batch, batch), 1 / m)
    weights[rows, (rows + 1) % batch] = (n - m) / (n * m)
    weights[rows, rows] = 1 / n
    return weights


@dataclass(frozen=True)
class Rule:
    """What an objective does with codes.

    Attributes:
        noise: 1 where a code is a sample, 0 where it is the mean.
        penalty: (posterior, codes, config) to what a code costs, in nats.
    """

    noise: float
    penalty: Callable[[Posterior, Tensor, VaeConfig], Tensor]


RULES: dict[ObjectiveName, Rule] = {
    "vae": Rule(1.0, variational),
    "beta-vae": Rule(1.0, weighted),
    "beta-tcvae": Rule(1.0, total_correlation),
    "autoencoder": Rule(0.0, nothing),
}


# ------------------------------------------------------------------------------------------------ bounds


def log_weights(
    posterior: Posterior,
    codes: Float[Tensor, "sample batch code"],
    log_likelihood: Float[Tensor, "sample batch"],
) -> Float[Tensor, "sample batch"]:
    """log w = log p(x | c) + log p(c) - log q(c | x); its mean is the ELBO."""
    prior = log_normal(codes, 0.0, torch.zeros_like(codes)).sum(-1)
    return log_likelihood + prior - log_normal(codes, posterior.mean, posterior.log_variance).sum(-1)


def importance_weighted(log_w: Float[Tensor, "sample batch"]) -> Float[Tensor, "batch"]:
    """log 1/K sum w: a bound of log p(x) that is never below the ELBO and rises with K (Burda et al. 2016)."""
    return torch.logsumexp(log_w, dim=0) - math.log(len(log_w))
