"""LEMON: hash functions that go on learning, chunk by chunk, from running sums (Wang, Luo and Xu 2020).

"Label Embedding Online Hashing for Cross-Modal Retrieval". It stands here for SEOCH (Scientific Reports 2024), whose
formulas are not public and which has the same ingredients: labels in a latent space, binary codes found as such, and
functions brought up to date with every chunk. Of n rows of a chunk with labels L (G: each row of length 1) it finds
codes B and a latent V that lessen

    || B - V R ||^2 + beta (|| L - V P ||^2 + gamma || P ||^2) + alpha || r (2 G G' - 1 1') - V B' ||^2

with V'V = n I, V'1 = 0 and R R' = I, the rows of earlier chunks taking part by sums whose size does not depend on n.
The functions are ridge regressions from features to the codes of all chunks, from sums as well: the regression of all
chunks together, exactly. Two things are ours: the ridge is a multiple of the mean variance, and means are taken off.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from mindseye.randomness import rng_at
from mindseye.recall.bits import checked_bits
from mindseye.recall.hashers.hasher import JointHasher, Pairs, Projection, refuse_fewer_labels, unit

ALPHA, BETA, GAMMA = 1e4, 1e4, 0.1
TURNS = 5
CHUNK = 2000  # pictures
RIDGE = 0.3  # added to each covariance, as a multiple of its mean eigenvalue

Matrix = NDArray[np.float64]


@dataclass(frozen=True)
class Moments:
    """Sums over (features, code) of one kind of features; each row may count as a share of one."""

    count: float
    x: Matrix
    b: Matrix
    xx: Matrix
    xb: Matrix

    @staticmethod
    def none(width: int, bits: int) -> Moments:
        return Moments(0.0, np.zeros(width), np.zeros(bits), np.zeros((width, width)), np.zeros((width, bits)))

    def plus(self, x: Matrix, b: Matrix, share: Matrix) -> Moments:
        part = share[:, None] * x
        return Moments(
            self.count + float(share.sum()), self.x + part.sum(0), self.b + share @ b, self.xx + part.T @ x,
            self.xb + part.T @ b,
        )  # fmt: skip

    def regression(self) -> Projection:
        """The ridge regression from features to codes, without an intercept: means are taken off."""
        mean = self.x / self.count
        covariance = self.xx / self.count - np.outer(mean, mean)
        covariance += np.eye(len(mean)) * max(RIDGE * np.trace(covariance) / len(mean), 1e-12)
        weight = np.linalg.solve(covariance, self.xb / self.count - np.outer(mean, self.b / self.count))
        return Projection(mean.astype(np.float32), weight.astype(np.float32))


@dataclass(frozen=True)
class Sums:
    """What is kept of all rows so far: r bits, c labels.

    Attributes:
        vv, vl, bv: V'V [r, r], V'L [r, c], B'V [r, r].
        gb, gv: G'B [c, r], G'V [c, r].
        b, v: 1'B, 1'V.
    """

    vv: Matrix
    vl: Matrix
    bv: Matrix
    gb: Matrix
    gv: Matrix
    b: Matrix
    v: Matrix

    @staticmethod
    def none(bits: int) -> Sums:
        square, empty = np.zeros((bits, bits)), np.zeros((0, bits))
        return Sums(square, empty.T, square, empty, empty, np.zeros(bits), np.zeros(bits))

    def for_labels(self, labels: int) -> Sums:
        """With room for labels that were not there before."""
        refuse_fewer_labels(labels, len(self.gb))
        more = labels - len(self.gb)
        below = ((0, more), (0, 0))
        return replace(self, vl=np.pad(self.vl, below[::-1]), gb=np.pad(self.gb, below), gv=np.pad(self.gv, below))

    def plus(self, L: Matrix, G: Matrix, B: Matrix, V: Matrix) -> Sums:
        return Sums(
            self.vv + V.T @ V, self.vl + V.T @ L, self.bv + B.T @ V, self.gb + G.T @ B, self.gv + G.T @ V,
            self.b + B.sum(0), self.v + V.sum(0),
        )  # fmt: skip


@dataclass(frozen=True)
class State:
    """What it goes on from.

    Attributes:
        chunks: how many it has learnt from.
        seed: of the codes that each chunk begins with.
    """

    sums: Sums
    pictures: Moments
    words: Moments
    chunks: int
    seed: int


def fit_lemon(pairs: Pairs, bits: int, seed: int = 0, chunk: int = CHUNK) -> JointHasher:
    """The hasher, from chunks of the pairs in the order in which they are given.

    Args:
        pairs: captioned pictures with labels.
        bits: of a code.
        seed: of the codes that each chunk begins with.
        chunk: pictures at a time.

    Raises:
        BadInput: there are no labels, or fewer than two pictures have captions.
    """
    checked_bits(bits)
    pairs = pairs.captioned()
    pictures, words = (Moments.none(features.shape[1], bits) for features in (pairs.pictures, pairs.words))
    parts = np.array_split(np.arange(len(pairs.pictures)), -(-len(pairs.pictures) // chunk))
    hasher = _learnt(pairs.rows(parts[0]), State(Sums.none(bits), pictures, words, 0, seed))
    for part in parts[1:]:
        hasher = hasher.update(pairs.rows(part))
    return hasher


def _learnt(pairs: Pairs, state: State) -> JointHasher:
    """The hasher after one more chunk."""
    L = pairs.labelled().astype(np.float64)
    sums = state.sums.for_labels(L.shape[1])
    B, V = chunk_codes(L, sums, len(sums.b), rng_at(state.seed, "lemon", state.chunks))
    pictures = state.pictures.plus(unit(pairs.pictures), B, np.ones(len(B)))
    share = 1 / np.bincount(pairs.picture_of)[pairs.picture_of]  # of a caption among those of its picture
    words = state.words.plus(unit(pairs.words), B[pairs.picture_of], share)
    after = State(sums.plus(L, unit(L), B, V), pictures, words, state.chunks + 1, state.seed)
    return JointHasher("lemon", pictures.regression(), words.regression(), lambda _, more: _learnt(more, after))


def chunk_codes(L: Matrix, sums: Sums, bits: int, rng: np.random.Generator) -> tuple[Matrix, Matrix]:
    """The codes B and the latent V of a chunk, row for row, both [n, bits]: the five steps of the paper, five times."""
    G, r = unit(L), bits
    B = np.where(rng.standard_normal((len(L), bits)) >= 0, 1.0, -1.0)
    V = orthogonal(rng.standard_normal((len(L), bits)))
    for _ in range(TURNS):
        P = np.linalg.solve(sums.vv + V.T @ V + GAMMA * np.eye(bits), sums.vl + V.T @ L)
        left, _, right = np.linalg.svd(sums.bv + B.T @ V)
        R = (left @ right).T
        alike = 2 * G @ (sums.gb + G.T @ B) - (sums.b + B.sum(0))  # (2 G G' - 1 1') B, over all rows so far
        V = orthogonal(B @ R.T + BETA * L @ P.T + ALPHA * r * alike)
        left, _, right = np.linalg.svd(sums.bv + B.T @ V)
        R = (left @ right).T
        alike = 2 * G @ (sums.gv + G.T @ V) - (sums.v + V.sum(0))
        B = np.where(ALPHA * r * alike + V @ R >= 0, 1.0, -1.0)
    return B, V


def orthogonal(Z: Matrix) -> Matrix:
    """The V nearest to Z with V'V = n I and V'1 = 0, [n, r]; where n is at most r, as many directions as there are.

    With the centred Z = P S Q': V = sqrt(n) P Q', directions in which Z says nothing being filled with any others.
    """
    n, r = Z.shape
    P, S, Qt = np.linalg.svd(Z - Z.mean(0), full_matrices=False)
    said = int((1e-10 * S[0] < S).sum())
    known = np.concatenate([np.full((n, 1), n**-0.5), P[:, :said], np.eye(n, r)], axis=1)
    others = np.linalg.qr(known)[0][:, 1 + said : 1 + r]
    P = np.concatenate([P[:, :said], others], axis=1)
    return np.asarray(np.sqrt(n) * P @ Qt[: P.shape[1]])
