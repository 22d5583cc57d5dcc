"""Multigrain: codes as alike as pairs and their neighbourhoods are, by a similarity that learns with them.

A stand-in for MGSPU (Wu et al. 2024), whose formulas and code are not public: its two ideas, grains of similarity and a
similarity matrix that is cleaned during training, made of published parts.

- The similarity S begins as in DGCPN (Yu et al. 2021): the cosines of pictures and of captions, and how many nearest
  neighbours two rows have in common; and, as in JDSH (Liu et al. 2020), what is sure counts for more.
- Every few epochs S <- (1 - rho) S + rho cos(codes) where both have one sign and both are sure (after ASSPH, 2022).
- The coarse grain: || cos - S ||^2 over the batch, within and across the two kinds. The fine one: a caption is to find
  its picture, and the nearest neighbours of it, among the batch.
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from numpy.typing import NDArray
from torch import Tensor

from mindseye.recall.hashers.hasher import JointHasher, Pairs, unit
from mindseye.recall.hashers.towers import Objective, Settings, fit_towers

PICTURES_SHARE = 0.3  # of a picture's looks in S, beside its captions
GRAPH_SHARE = 0.5  # of common neighbours in S
NEIGHBOURS = 20
SURE = 0.9  # quantile of |S| from which on it counts as sure
GAIN = 0.3  # by how much more what is sure counts
EVERY, RHO = 5, 0.1  # epochs between two updates of S, and how far one goes
FINE, TEMPERATURE = 1.0, 0.2
SETTINGS = Settings()


def fit_multigrain(pairs: Pairs, bits: int, seed: int = 0, settings: Settings = SETTINGS) -> JointHasher:
    """The hasher. It holds a matrix of pictures by pictures while it learns.

    Args:
        pairs: captioned pictures; labels take no part.
        bits: of a code.
        seed: of the training.
        settings: of the training.

    Raises:
        BadInput: fewer than two pictures have captions.
    """

    def objective(own: Pairs) -> Multigrain:
        return Multigrain(similarity(own), bits)

    return fit_towers("multigrain", pairs.captioned(), bits, objective, settings, seed)


def similarity(pairs: Pairs) -> Float[np.ndarray, "picture picture"]:
    """How alike pictures are before anything is learnt, -1 to 1, 1 with themselves; captions count with looks."""
    words = np.zeros((len(pairs.pictures), pairs.words.shape[1]))
    np.add.at(words, pairs.picture_of, unit(pairs.words))
    looks, said = (_cosines(features) for features in (pairs.pictures, words))
    alike = PICTURES_SHARE * looks + (1 - PICTURES_SHARE) * said  # 0 to 1
    nearest = np.argpartition(-alike, min(NEIGHBOURS, len(alike) - 1), axis=1)[:, :NEIGHBOURS]
    graph = np.zeros_like(alike)
    np.put_along_axis(graph, nearest, 1.0, axis=1)
    common = graph @ graph.T / nearest.shape[1]  # of the neighbours of both
    S = 2 * ((1 - GRAPH_SHARE) * alike + GRAPH_SHARE * common) - 1
    weighted = np.where(np.abs(S) >= np.quantile(np.abs(S), SURE), S * (1 + GAIN), S)
    np.fill_diagonal(weighted, 1.0)
    return np.asarray(np.clip(weighted, -1, 1), np.float32)


def _cosines(features: NDArray[np.floating]) -> NDArray[np.float32]:
    """Between rows whose mean was taken off, from 0 to 1."""
    lengthened = unit(features)
    shifted = unit(lengthened - lengthened.mean(0)).astype(np.float32)
    return np.asarray((shifted @ shifted.T + 1) / 2, np.float32)


class Multigrain(Objective):
    """The objective, with the similarity that it updates from codes seen last."""

    def __init__(self, S: Float[np.ndarray, "picture picture"], bits: int) -> None:
        self.S = torch.from_numpy(S)
        self._seen = torch.zeros(len(S), bits)  # of each row: picture and caption together

    def begin_epoch(self, epoch: int) -> None:
        if epoch and epoch % EVERY == 0:
            self.S = updated(self.S, self._seen @ self._seen.T)

    def __call__(
        self, x: Float[Tensor, "batch bit"], y: Float[Tensor, "batch bit"], rows: Int[Tensor, "batch"]
    ) -> Tensor:
        x, y = (F.normalize(values.tanh(), dim=1) for values in (x, y))
        self._seen[rows] = F.normalize((x + y).detach(), dim=1)
        S = self.S[rows][:, rows]
        coarse = sum((F.mse_loss(one @ other.T, S) for one, other in ((x, x), (y, y), (x, y))), torch.zeros(()))
        wanted = (S - S.topk(min(3, len(S)), dim=1).values[:, -1:] >= 0).float()  # itself and the two nearest
        logits = x @ y.T / TEMPERATURE
        fine = sum(
            (-(wanted / wanted.sum(1, keepdim=True) * scores.log_softmax(1)).sum(1).mean() for scores in
             (logits, logits.T)), torch.zeros(()),
        )  # fmt: skip
        return coarse + FINE * fine


def updated(S: Float[Tensor, "picture picture"], cosines: Float[Tensor, "picture picture"]) -> Tensor:
    """S moved by rho towards the cosines of codes, where both have one sign and both are among the surest tenth."""
    sure = torch.ones_like(S, dtype=torch.bool)
    for values in (S, cosines):
        size = values.abs()
        sure &= size >= np.quantile(size.numpy(), SURE)
    moved = torch.where(sure & (S * cosines > 0), (1 - RHO) * S + RHO * cosines, S)
    moved.fill_diagonal_(1.0)
    return moved
