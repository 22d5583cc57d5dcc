"""The objective of DAMSM (Xu et al. 2018, Eqs. 7 to 13).

    s = e^T v                                             every word against every region           (Eq. 7)
    s'_ij = softmax over the words i of s_ij                                                        (Eq. 8)
    alpha_ij = softmax over the regions j of gamma1 s'_ij,   c_i = sum_j alpha_ij v_j               (Eq. 9)
    R(Q, D) = log( sum_i exp(gamma2 cos(c_i, e_i)) )^(1/gamma2)                                     (Eq. 10)
    P(D_i | Q_i) = exp(gamma3 R(Q_i, D_i)) / sum_j exp(gamma3 R(Q_i, D_j))                          (Eq. 11)

    L = L1w + L2w + L1s + L2s: the negative log of P(D|Q) and P(Q|D) over the batch, by words (R above) and by
    sentence (R = cos(v-bar, e-bar))                                                                (Eqs. 12, 13)

Pictures and captions of one concept do not contradict each other and are left out of each other's sums.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn import functional as F

from mindseye.learn.batch import Batch
from mindseye.learn.learner import Draws
from mindseye.observe.damsm.config import DamsmConfig

NEVER = -1e9  # a logit that takes no part


def draw(rng: np.random.Generator, config: DamsmConfig) -> Mapping[str, Any]:
    """The random numbers of one sample: how far its picture is moved, and which of its words are kept."""
    most = round(config.shift_share * config.size_px)
    return {
        "shift": rng.integers(-most, most + 1, 2),
        "keep": rng.random(config.text_tokens) >= config.word_drop,
    }


def loss(model: Any, batch: Batch, draws: Draws, config: DamsmConfig) -> Tensor:
    """The mean of the four terms. Before any training ln(batch size), and half the variance of the logits on top:
    gamma3 = 10 times cosines that differ by up to 1 / sqrt(width), so 0.1 to 0.3 at usual widths."""
    pictures = model.pictures(shifted(batch.pictures, draws["shift"]))
    text = model.text(batch.words, draws["keep"])
    by_words, _ = word_scores(pictures.regions, text.words, text.mask, config)
    by_sentence = sentence_scores(pictures.whole, text.sentence)
    return torch.stack([*terms(by_words, batch.concepts, config), *terms(by_sentence, batch.concepts, config)]).mean()


def terms(
    scores: Float[Tensor, "batch batch"], concepts: Int[Tensor, "batch"], config: DamsmConfig
) -> tuple[Tensor, Tensor]:
    """-log P(D|Q) and -log P(Q|D), each averaged over the batch; `scores` are R, pictures in rows."""
    own = torch.eye(len(scores), dtype=torch.bool, device=scores.device)
    same = (concepts[:, None] == concepts) & ~own
    logits = (config.gamma3 * scores).masked_fill(same, NEVER)
    target = torch.arange(len(scores), device=scores.device)
    return F.cross_entropy(logits, target), F.cross_entropy(logits.T, target)


def sentence_scores(
    whole: Float[Tensor, "picture width"], sentence: Float[Tensor, "caption width"]
) -> Float[Tensor, "picture caption"]:
    """cos(v-bar, e-bar)."""
    return F.normalize(whole, dim=1) @ F.normalize(sentence, dim=1).T


def word_scores(
    regions: Float[Tensor, "picture region width"],
    words: Float[Tensor, "caption word width"],
    mask: Bool[Tensor, "caption word"],
    config: DamsmConfig,
) -> tuple[Float[Tensor, "picture caption"], Float[Tensor, "picture caption word region"]]:
    """R(Q, D) of every picture and caption, and the attention alpha (zero for padding).

    The context vectors c_i are never written out: cos(c_i, e_i) needs only c_i . e_i = sum_j alpha_ij s_ij and
    |c_i|^2 = alpha_i (v v^T) alpha_i, which for a batch is a tenth of the memory.
    """
    absent = ~mask[None, :, :, None]
    scores = torch.einsum("prw,ctw->pctr", regions, words).float()
    over_words = scores.masked_fill(absent, NEVER).softmax(dim=2)
    attention = (config.gamma1 * over_words).softmax(dim=3)
    along = (attention * scores).sum(3)
    gram = regions @ regions.mT
    length = ((attention.flatten(1, 2) @ gram).unflatten(1, attention.shape[1:3]) * attention).sum(3)
    cosine = along / (length.clamp(min=1e-12).sqrt() * words.norm(dim=2).clamp(min=1e-6))
    relevance = (config.gamma2 * cosine).masked_fill(~mask, NEVER).logsumexp(dim=2)
    if config.word_score == "paper":
        relevance = relevance / config.gamma2
    return relevance, attention.masked_fill(absent, 0.0)


def shifted(
    pictures: Float[Tensor, "picture channel height width"], by: Int[Tensor, "picture 2"]
) -> Float[Tensor, "picture channel height width"]:
    """Each picture moved by its own whole pixels, down and to the right; its border is continued."""
    for axis, amount in ((2, by[:, 0]), (3, by[:, 1])):
        size = pictures.shape[axis]
        index = (torch.arange(size, device=by.device) - amount[:, None]).clamp(0, size - 1)
        index = index[:, None, :, None] if axis == 2 else index[:, None, None, :]
        pictures = pictures.gather(axis, index.expand_as(pictures))
    return pictures
