"""The objective of the sentence VAE (Bowman et al. 2016, Eq. 1), in nats a sentence.

Convention: the encoder gives the mean m and the LOG VARIANCE s of the code.

    z = m + exp(s/2) e,     loss = -log p(x | z) + w KL,     KL = 1/2 sum(exp(s) - 1 - s + m^2)

A decoder that sees all the words before does well without the code, so left alone the KL falls to 0 and the code says
nothing: the posterior collapses. What is done about it:

- annealing (section 3.1): w = 1 / (1 + exp(-k (n - x0))), n sentences seen; at first the code is nearly free;
- word dropout (section 3.1): the decoder is not told each word before, `<unk>` instead; what it must say stays whole;
- free bits (Kingma et al. 2016, Eq. 15): of each of the D dimensions, the first lambda / D nats cost nothing.

In a held-out loss w is 1; free bits and words that are not told do. `figures.cost` is the ELBO as
it stands in the paper, without any of them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn import functional as F

from mindseye.learn.batch import Batch
from mindseye.learn.learner import Draws
from mindseye.observe.sentences.config import KindName, SentencesConfig
from mindseye.observe.sentences.words import BOS, MARKS, PAD, UNK, token_ids


@dataclass(frozen=True)
class Posterior:
    """q(z | x) = N(m, exp(s))."""

    mean: Float[Tensor, "batch code"]
    log_variance: Float[Tensor, "batch code"]


@dataclass(frozen=True)
class Rule:
    """What a kind of model does with codes.

    Attributes:
        code: 1 where the decoder is told the code, 0 where it is on its own.
        noise: 1 where a code is a sample, 0 where it is the mean.
        price: 1 where the KL is to be paid, 0 where codes may lie anywhere.
    """

    code: float
    noise: float
    price: float


RULES: dict[KindName, Rule] = {
    "vae": Rule(code=1.0, noise=1.0, price=1.0),
    "autoencoder": Rule(code=1.0, noise=0.0, price=0.0),  # the sequence auto-encoder of the paper's Table 1
    "language-model": Rule(code=0.0, noise=0.0, price=0.0),  # the RNNLM of the paper's Table 2
}


def draw(rng: np.random.Generator, config: SentencesConfig) -> Mapping[str, Any]:
    """The random numbers of one sample: the noise of its code, and the words that its decoder is told."""
    return {
        "noise": rng.standard_normal(config.code, dtype=np.float32),
        "told": rng.random(config.most_words + 1) >= config.word_dropout,
    }


def scheduled(sentences_seen: float, config: SentencesConfig) -> Mapping[str, Any]:
    """The weight of the KL by now."""
    return {"kl_weight": np.float32(annealed(sentences_seen, config))}


def annealed(sentences_seen: float, config: SentencesConfig) -> float:
    """w = 1 / (1 + exp(-(n - x0) / width)): 1/2 at x0."""
    return 0.5 * (1 + math.tanh((sentences_seen - config.anneal_at) / (2 * config.anneal_width)))


def loss(model: Any, batch: Batch, draws: Draws, config: SentencesConfig) -> Tensor:
    """-log p(x | z) + w max(KL, free bits), the mean over the sentences that have words."""
    rule, ids, mask = RULES[config.kind], token_ids(batch.words), batch.words.mask
    posterior = model.encode(ids, mask)
    codes = rule.code * sampled(posterior, rule.noise * draws["noise"])
    said = surprise(model.decode(codes, told(ids, draws["told"])), ids, mask)
    there = mask.any(1)
    count = there.sum().clamp(min=1)
    weight = (draws["kl_weight"] * there).sum() / count
    dimensions = (kl(posterior) * there[:, None]).sum(0) / count
    return said.sum() / count + rule.price * weight * free_bits(dimensions, config.free_nats)


def sampled(posterior: Posterior, noise: Float[Tensor, "*sample batch code"]) -> Float[Tensor, "*sample batch code"]:
    """z = m + exp(s/2) e."""
    return posterior.mean + (posterior.log_variance / 2).exp() * noise


def told(ids: Int[Tensor, "batch token"], keep: Bool[Tensor, "batch token"]) -> Int[Tensor, "batch token"]:
    """What the decoder is told before it says each word: `<bos>`, then the words before, `<unk>` for those not kept.

    Marks are always told, so neither `<bos>` nor padding changes; the words that it must say are not touched.
    """
    inputs = torch.cat([torch.full_like(ids[:, :1], BOS), ids[:, :-1]], dim=1)
    return torch.where((inputs >= len(MARKS)) & ~keep, UNK, inputs)


def surprise(
    logits: Float[Tensor, "batch token word"], ids: Int[Tensor, "batch token"], mask: Bool[Tensor, "batch token"]
) -> Float[Tensor, "batch"]:
    """-log p(x | z) in nats; what is padded adds exactly nothing."""
    each = F.cross_entropy(logits.flatten(0, 1), ids.masked_fill(~mask, PAD).flatten(), reduction="none")
    return each.view_as(mask).masked_fill(~mask, 0.0).sum(1)


def kl(posterior: Posterior) -> Float[Tensor, "batch code"]:
    """KL(q(z | x) || N(0, I)) of every dimension, in nats: 1/2 (exp(s) - 1 - s + m^2)."""
    s = posterior.log_variance
    return 0.5 * (s.exp() - 1 - s + posterior.mean.square())


def free_bits(dimensions: Float[Tensor, "code"], free_nats: float) -> Tensor:
    """sum_j max(lambda / D, KL_j), KL_j the mean over the batch."""
    return dimensions.clamp(min=free_nats / len(dimensions)).sum()
