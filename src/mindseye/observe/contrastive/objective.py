"""CLIP's symmetric InfoNCE (Radford et al. 2021, figure 3), and which pairs of a batch do not contradict each other."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor

LOG_SCALE_LIMIT = math.log(100)  # CLIP, section 2.5


def info_nce(
    pictures: Float[Tensor, "pair width"],
    captions: Float[Tensor, "pair width"],
    log_scale: Float[Tensor, ""],
    agree: Bool[Tensor, "pair pair"],
) -> Float[Tensor, ""]:
    """The symmetric loss: each picture is to choose its caption among all of the batch, each caption its picture.

    CLIP, figure 3: the mean of the cross-entropies of the rows and of the columns of exp(log_scale) P C^T, whose
    diagonal holds the pairs. Here what agrees with a pair without being it is no choice at all.

    Args:
        pictures, captions: unit vectors.
        log_scale: logarithm of the inverse temperature.
        agree: which pictures and captions do not contradict each other; the diagonal is ignored.
    """
    logits = log_scale.exp() * pictures @ captions.T
    itself = torch.eye(len(logits), dtype=torch.bool)
    logits = logits.masked_fill(agree & ~itself, -math.inf)
    target = torch.arange(len(logits))
    return (F.cross_entropy(logits, target) + F.cross_entropy(logits.T, target)) / 2


def agreeing(concepts: Int[Tensor, "pair"], details: Int[Tensor, "pair"]) -> Bool[Tensor, "pair pair"]:
    """Which pairs do not contradict each other; a detail of 0 is not known."""
    unknown = details == 0
    alike = (details[:, None] == details) | unknown[:, None] | unknown
    return (concepts[:, None] == concepts) & alike
