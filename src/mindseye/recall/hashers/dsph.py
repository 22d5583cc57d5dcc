"""DSPH: a proxy a label, learnt beside the towers, and every row near the proxies of its labels (Huo et al. 2023).

"Deep Semantic-Aware Proxy Hashing for Multi-Label Cross-Modal Retrieval", TCSVT, with towers over frozen features. For
values x (pictures and captions alike) and proxies p

    mean over its labels (1 - cos(x, p)) + mean over the others relu(cos(x, p) - theta)
    + alpha * mean over pairs of rows without a common label relu(cos - theta), within and across the two kinds

theta is the cosine that so many codes of K bits need not exceed. The authors take it from a table of the best known
linear codes; here it is from the Gilbert-Varshamov bound, which promises fewer bits of distance.
"""

from __future__ import annotations

from collections.abc import Iterable
from math import comb

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor

from mindseye.randomness import rng_at
from mindseye.recall.hashers.hasher import JointHasher, Pairs
from mindseye.recall.hashers.towers import Objective, Settings, fit_towers

ALPHA = 0.8
SETTINGS = Settings()


def fit_dsph(pairs: Pairs, bits: int, seed: int = 0, settings: Settings = SETTINGS) -> JointHasher:
    """The hasher.

    Args:
        pairs: captioned pictures with labels.
        bits: of a code.
        seed: of the training.
        settings: of the training.

    Raises:
        BadInput: there are no labels.
    """
    return fit_towers("dsph", pairs.captioned(), bits, lambda own: Dsph(own.labelled(), bits, seed), settings, seed)


def margin(classes: int, bits: int) -> float:
    """theta: the cosine 1 - 2 d / K of codes d apart, d the most that the Gilbert-Varshamov bound promises.

    There are C codes of K bits, d apart, where C (1 + K + ... + (K choose d - 1)) is at most 2^K.
    """
    d, ball = 0, 1
    while d < bits // 2 and classes * ball <= 2**bits:
        d += 1
        ball += comb(bits, d)
    return 1 - 2 * d / bits


class Dsph(Objective):
    """The objective, with its proxies."""

    def __init__(self, labels: Bool[np.ndarray, "row label"], bits: int, seed: int) -> None:
        self.labels = torch.from_numpy(labels)
        self.theta = margin(labels.shape[1], bits)
        drawn = rng_at(seed, "proxies").standard_normal((labels.shape[1], bits)).astype(np.float32)
        self.proxies = torch.from_numpy(drawn).requires_grad_()

    def parameters(self) -> Iterable[Tensor]:
        return [self.proxies]

    def __call__(
        self, x: Float[Tensor, "batch bit"], y: Float[Tensor, "batch bit"], rows: Int[Tensor, "batch"]
    ) -> Tensor:
        own = self.labels[rows].float()
        x, y = (F.normalize(values.tanh(), dim=1) for values in (x, y))
        proxies = F.normalize(self.proxies, dim=1)
        apart = (own @ own.T == 0).float()
        total = torch.zeros(())
        for values in (x, y):
            cosine = values @ proxies.T
            total = total + _mean(1 - cosine, own) + _mean((cosine - self.theta).relu(), 1 - own)
        for one, other in ((x, x), (y, y), (x, y)):
            total = total + ALPHA * _mean((one @ other.T - self.theta).relu(), apart)
        return total


def _mean(values: Tensor, where: Tensor) -> Tensor:
    """Of `values` where `where` is 1; 0 where it is 1 nowhere."""
    return (values * where).sum() / where.sum().clamp(min=1)
