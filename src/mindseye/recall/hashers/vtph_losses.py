"""What VTPH lessens, each term by itself; `vtph.py` weighs them and says where they stand in the paper.

N is the pictures of a batch, K the bits, d the width.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

LARGEST = 64.0  # of a code's product with another before it is halved
TEMPERATURE, SPREAD = 0.07, 500.0  # tau = TEMPERATURE + SPREAD A
TRIPLET_MARGIN = 1.0
BACKWARD = 0.1  # share with which whole codes learn from those of parts
OF_WHOLE = 0.99  # the whole's share in the sign that values are drawn to; the rest is the parts'


def likelihood(
    S: Float[Tensor, "all batch"], A: Float[Tensor, "all bit"], B: Float[Tensor, "batch bit"]
) -> Float[Tensor, ""]:
    """-mean(S s - log(1 + e^s)) with s = 1/2 clamp(A B', -64, 64): the chance of S under the codes (DCMH 2017).

    Args:
        S: 1 where two share a label, 0 elsewhere.
        A: values of every training row as they were last seen; no gradient.
        B: values of the batch.
    """
    s = (A @ B.T).clamp(-LARGEST, LARGEST) / 2
    return -(S * s - F.softplus(s)).mean()


def quantisation(
    pictures: Float[Tensor, "batch bit"], words: Float[Tensor, "batch bit"],
    picture_parts: Float[Tensor, "batch bit"], word_parts: Float[Tensor, "batch bit"],
) -> Float[Tensor, ""]:  # fmt: skip
    """(||H_x - B||^2 + ||H_y - B||^2) / (N K): H is the mean of a whole's value and its parts', B the sign of all four.

    B = sign(0.99 (h_x + h_y) + 0.01 (p_x + p_y)), one sign for both kinds.
    """
    mixed = OF_WHOLE * (pictures + words) + (1 - OF_WHOLE) * (picture_parts + word_parts)
    B = torch.where(mixed.detach() >= 0, 1.0, -1.0)
    return F.mse_loss((pictures + picture_parts) / 2, B) + F.mse_loss((words + word_parts) / 2, B)


def affinity(said: Float[Tensor, "batch width"], told: Float[Tensor, "batch width"]) -> Float[Tensor, "batch"]:
    """A: how far a caption and its picture's retold caption are apart, 0 or more.

    The mean of KL(p || q) and KL(q || p), each a mean over the d numbers as in the authors' code, for p and q the
    softmax of both; the paper writes the Jensen-Shannon divergence.
    """
    log_p, log_q = said.log_softmax(1), told.log_softmax(1)
    apart = (log_p.exp() - log_q.exp()) * (log_p - log_q)  # the sum of both directions
    return apart.mean(1) / 2


def contrast(
    pictures: Float[Tensor, "batch width"], words: Float[Tensor, "batch width"], A: Float[Tensor, "batch"]
) -> Float[Tensor, ""]:
    """AACL: a pair is to find itself in the batch, both ways, more softly where its captions disagree.

    Cross-entropy of cos(x_i, y_j) / tau_i, with tau_i = 0.07 + 500 A_i, the mean of both directions.
    """
    cosine = F.normalize(pictures, dim=1) @ F.normalize(words, dim=1).T
    tau = (TEMPERATURE + SPREAD * A)[:, None]
    own = torch.arange(len(cosine))
    return (F.cross_entropy(cosine / tau, own) + F.cross_entropy(cosine.T / tau, own)) / 2


def distillation(whole: Float[Tensor, "batch bit"], parts: Float[Tensor, "batch bit"]) -> Float[Tensor, ""]:
    """||sg(h) - p||^2 / N + 0.1 ||h - sg(p)||^2 / N: parts learn from the whole, and it a little from them."""
    forward = (whole.detach() - parts).square().sum(1).mean()
    return forward + BACKWARD * (whole - parts.detach()).square().sum(1).mean()


def triplet(said: Float[Tensor, "batch width"], told: Float[Tensor, "batch width"]) -> Float[Tensor, ""]:
    """relu(1 + cos(i, j) - cos(i, i)): the mean over the others j, the sum over i, both ways; for two or more rows."""
    cosine = F.normalize(said, dim=1) @ F.normalize(told, dim=1).T
    others = 1 - torch.eye(len(cosine))
    total = torch.zeros(())
    for S in (cosine, cosine.T):
        total = total + ((TRIPLET_MARGIN + S - S.diagonal()[:, None]).relu() * others).sum() / (len(S) - 1)
    return total
