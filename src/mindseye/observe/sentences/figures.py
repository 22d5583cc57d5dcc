"""What a code says of a sentence, in nats, and what a sentence costs.

The collapse of a posterior shows in three numbers that all become 0: the KL, the information I_q that code and
sentence have in common, and the active units (Burda et al. 2016).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from mindseye.observe.sentences.objective import RULES, Posterior, kl, sampled, surprise, told
from mindseye.randomness import rng_at

ACTIVE_VARIANCE = 0.01  # Var_x m_j of a dimension that takes part
CODES_AT_ONCE = 256  # in the pairs of codes and posteriors
LOG_2PI = math.log(2 * math.pi)


@dataclass(frozen=True)
class Cost:
    """What sentences cost, one number a sentence, in nats: the two parts of the ELBO, with nothing annealed or free."""

    surprise: Float[Tensor, "batch"]
    kl: Float[Tensor, "batch"]

    @property
    def elbo(self) -> Float[Tensor, "batch"]:
        """-log p(x) is at most minus this."""
        return -(self.surprise + self.kl)


@torch.no_grad()
def cost(model: Any, ids: Int[Tensor, "batch token"], mask: Bool[Tensor, "batch token"], seed: int = 0) -> Cost:
    """The ELBO's parts, from one code a sentence; the KL of a kind without a price is 0."""
    rule = RULES[model.config.kind]
    posterior = model.encode(ids, mask)
    codes = rule.code * sampled(posterior, rule.noise * normal_numbers(tuple(posterior.mean.shape), "cost", seed))
    logits = model.decode(codes, told(ids, torch.ones_like(mask)))
    return Cost(surprise(logits, ids, mask), rule.price * kl(posterior).sum(1))


@torch.no_grad()
def negative_log_likelihood(
    model: Any, ids: Int[Tensor, "1 token"], mask: Bool[Tensor, "1 token"], samples: int = 500, seed: int = 0
) -> float:
    """-log p(x) of one sentence in nats, from above: -log 1/K sum_k p(x | z_k) p(z_k) / q(z_k | x) (Burda et al. 2016).

    Of a language model it is exact. A plain auto-encoder has no p(z), so for it there is no such number.

    Args:
        samples: K; the bound falls with it.
    """
    length = max(1, int(mask.sum()))
    ids, mask = ids[:, :length], mask[:, :length]
    rule = RULES[model.config.kind]
    assert rule.code == rule.price, "a plain auto-encoder has no likelihood"
    if not rule.code:
        return float(cost(model, ids, mask).surprise)
    posterior = model.encode(ids, mask)
    codes = sampled(posterior, normal_numbers((samples, posterior.mean.shape[1]), "importance", seed))
    ids, mask = ids.expand(samples, -1), mask.expand(samples, -1)
    likelihood = -surprise(model.decode(codes, told(ids, torch.ones_like(mask))), ids, mask)
    prior = log_normal(codes, torch.zeros_like(codes), torch.zeros_like(codes)).sum(1)
    log_w = likelihood + prior - log_normal(codes, posterior.mean, posterior.log_variance).sum(1)
    return math.log(samples) - float(torch.logsumexp(log_w.double(), dim=0))


def information(posterior: Posterior, seed: int = 0) -> float:
    """I_q = E KL(q(z | x) || p) - KL(q(z) || p) in nats (Hoffman & Johnson 2016): from 0 to the log of the number of
    sentences. q(z) is the mean of all posteriors given.

    From one code of each, as the mean of log q(z | x) - log q(z): log p(z) stands in both terms with the same z.
    """
    mean, s = posterior.mean.double(), posterior.log_variance.double()
    noise = normal_numbers(tuple(mean.shape), "information", seed).double()
    codes = sampled(Posterior(mean, s), noise)
    precision, constant = (-s).exp(), (s + LOG_2PI).sum(1) + (mean.square() * (-s).exp()).sum(1)
    whole = []
    for first in range(0, len(codes), CODES_AT_ONCE):  # log N(z; m, exp(s)) of every code under every posterior
        some = codes[first : first + CODES_AT_ONCE]
        pairs = -0.5 * (some.square() @ precision.T - 2 * some @ (mean * precision).T + constant)
        whole.append(torch.logsumexp(pairs, dim=1) - math.log(len(mean)))
    return float((log_normal(codes, mean, s).sum(1) - torch.cat(whole)).mean())


def active_units(variance: Float[Tensor, "code"]) -> int:
    """Dimensions whose mean goes with the sentence: Var_x m_j > 0.01."""
    return int((variance > ACTIVE_VARIANCE).sum())


def log_normal(codes: Tensor, mean: Tensor, log_variance: Tensor) -> Tensor:
    """log N(z; m, exp(s)) of every dimension."""
    return -0.5 * ((codes - mean).square() * (-log_variance).exp() + log_variance + LOG_2PI)


def normal_numbers(shape: tuple[int, ...], purpose: str, seed: int) -> Tensor:
    """Draws from N(0, 1) that depend on nothing but these."""
    return torch.from_numpy(rng_at(seed, f"sentences {purpose}").standard_normal(shape, dtype="float32"))
