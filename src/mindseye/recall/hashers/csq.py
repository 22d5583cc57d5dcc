"""CSQ: every picture and every caption is drawn to the hash centre of what it shows (Yuan et al. 2020).

"Central Similarity Quantization for Efficient Image and Video Retrieval", arXiv 1908.00347, with two towers over frozen
features instead of one deep network. With h in {-1, 1} the target of a row and u its values

    BCE((tanh u + 1) / 2, (h + 1) / 2) + lambda mean((|tanh u| - 1)^2)

The target of a row with several labels is the sign of the sum of their centres.
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from numpy.typing import NDArray
from torch import Tensor

from mindseye.randomness import rng_at
from mindseye.recall.codes.centres import class_centres
from mindseye.recall.hashers.hasher import JointHasher, Pairs
from mindseye.recall.hashers.towers import Objective, Settings, fit_towers

LAMBDA = 1e-4
SETTINGS = Settings()


def fit_csq(pairs: Pairs, bits: int, seed: int = 0, settings: Settings = SETTINGS) -> JointHasher:
    """The hasher.

    Args:
        pairs: captioned pictures with labels.
        bits: of a code; a power of 2.
        seed: of the training, and of the centres beyond the first 2 * bits.
        settings: of the training.

    Raises:
        BadInput: there are no labels, or `bits` is no power of 2.
    """

    def objective(own: Pairs) -> Csq:
        return Csq(targets(own.labelled(), bits, seed))

    return fit_towers("csq", pairs.captioned(), bits, objective, settings, seed)


def targets(labels: Bool[np.ndarray, "row label"], bits: int, seed: int) -> Float[np.ndarray, "row bit"]:
    """The target of each row, -1 or 1: the sign of the sum of the centres of its labels.

    Where the sum is 0, as everywhere in a row without labels, one vector that is drawn once decides.
    """
    total: NDArray[np.float32] = labels.astype(np.float32) @ class_centres(labels.shape[1], bits, seed)
    drawn = np.where(rng_at(seed, "csq ties").random(bits) < 0.5, -1, 1)
    return np.where(total == 0, drawn, np.sign(total)).astype(np.float32)


class Csq(Objective):
    """The objective."""

    def __init__(self, target: Float[np.ndarray, "row bit"]) -> None:
        self.target = torch.from_numpy(target)

    def __call__(
        self, x: Float[Tensor, "batch bit"], y: Float[Tensor, "batch bit"], rows: Int[Tensor, "batch"]
    ) -> Tensor:
        wanted = (self.target[rows] + 1) / 2
        return sum((self._of(values, wanted) for values in (x, y)), torch.zeros(()))

    @staticmethod
    def _of(u: Float[Tensor, "batch bit"], wanted: Float[Tensor, "batch bit"]) -> Tensor:
        # (tanh u + 1) / 2 is the logistic function of 2 u.
        drawn = F.binary_cross_entropy_with_logits(2 * u, wanted)
        return drawn + LAMBDA * (u.tanh().abs() - 1).square().mean()
