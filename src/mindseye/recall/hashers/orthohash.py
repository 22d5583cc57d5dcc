"""OrthoHash: one loss, a classifier whose classes are fixed codes (Hoe et al. 2021).

"One Loss for All: Deep Hashing with a Single Cosine Similarity based Learning Objective", NeurIPS 2021. The logit of a
class is the cosine of the values and the class's code; the cross entropy of

    softmax(s (logits - m where a row has the label))

pulls values to the codes of their labels, each label of a row with an equal share. A standardisation of every bit over
the batch comes first, so that bits are as often 1 as 0. Here there are two towers over frozen features, and each of
them learns the same codes.
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor

from mindseye.recall.codes.centres import class_centres
from mindseye.recall.hashers.hasher import JointHasher, Pairs
from mindseye.recall.hashers.towers import Objective, Settings, fit_towers

SCALE, MARGIN = 8.0, 0.2  # s and m
SETTINGS = Settings()


def fit_orthohash(pairs: Pairs, bits: int, seed: int = 0, settings: Settings = SETTINGS) -> JointHasher:
    """The hasher.

    Args:
        pairs: captioned pictures with labels.
        bits: of a code; a power of 2.
        seed: of the training, and of the codes of classes beyond the first 2 * bits.
        settings: of the training.

    Raises:
        BadInput: there are no labels, or `bits` is no power of 2.
    """

    def objective(own: Pairs) -> OrthoHash:
        labels = own.labelled()
        return OrthoHash(labels, class_centres(labels.shape[1], bits, seed).astype(np.float32))

    return fit_towers("orthohash", pairs.captioned(), bits, objective, settings, seed)


class OrthoHash(Objective):
    """The objective."""

    def __init__(self, labels: Bool[np.ndarray, "row label"], codes: Float[np.ndarray, "label bit"]) -> None:
        self.labels = torch.from_numpy(labels)
        self.codes = F.normalize(torch.from_numpy(codes), dim=1)

    def __call__(
        self, x: Float[Tensor, "batch bit"], y: Float[Tensor, "batch bit"], rows: Int[Tensor, "batch"]
    ) -> Tensor:
        own = self.labels[rows].float()
        return sum((self._of(values, own) for values in (x, y)), torch.zeros(()))

    def _of(self, values: Float[Tensor, "batch bit"], own: Float[Tensor, "batch label"]) -> Tensor:
        standard = (values - values.mean(0)) / (values.std(0) + 1e-5)
        logits = SCALE * (F.normalize(standard, dim=1) @ self.codes.T - MARGIN * own)
        share = own / own.sum(1, keepdim=True).clamp(min=1)
        return -(share * logits.log_softmax(1)).sum(1).mean()
