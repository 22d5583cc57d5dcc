"""CCA-ITQ: the directions in which pictures and their captions agree, turned so that their signs say the most.

Hotelling 1936 for canonical correlation analysis; Gong, Lazebnik, Gordo and Perronnin 2013, "Iterative Quantization: A
Procrustean Approach to Learning Binary Codes for Large-Scale Image Retrieval", for the rest. Seconds on a processor.

It goes on learning from means and covariances, which are those of all pairs so far, exactly. Directions move, change
their order and their signs with every pair; so they are turned until they are as near as they can be to what the hasher
was before (an orthogonal Procrustes problem, Schoenemann 1966), and few bits change. More turns of ITQ have no part in
that: they would find a little more among codes made again, and much less among old ones.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from mindseye.errors import BadInput
from mindseye.randomness import rng_at
from mindseye.recall.bits import checked_bits
from mindseye.recall.hashers.hasher import JointHasher, Pairs, Projection, unit

LEAST_EIGENVALUE = 1e-6  # of features of length 1, whose mean eigenvalue is about 1e-3
RIDGE = 0.3  # added to each covariance, as a multiple of its mean eigenvalue
TURNS = 50

Matrix = NDArray[np.float64]


def fit_cca_itq(pairs: Pairs, bits: int, seed: int = 0, ridge: float = RIDGE) -> JointHasher:
    """The hasher.

    Args:
        pairs: captioned pictures; every picture counts once, however many captions it has.
        bits: of a code; at most as many as the narrower features have numbers.
        seed: of the rotation that the iteration begins with.
        ridge: the multiple of the mean eigenvalue that is added to the diagonal of each covariance.

    Raises:
        BadInput: there are not so many directions, or fewer than two pictures have captions.
    """
    checked_bits(bits)
    most = min(pairs.pictures.shape[1], pairs.words.shape[1])
    if bits > most:
        raise BadInput(
            f"CCA cannot give {bits} bits",
            why=f"features of {most} numbers have {most} canonical directions",
            next_step=f"use {most // 8 * 8} bits or fewer",
        )
    found = canonical(pairs, bits, ridge)
    return _turned(found, itq_rotation(found.points, seed), ridge)


def _turned(found: Canonical, rotation: Matrix, ridge: float) -> JointHasher:
    """The hasher whose bits are the directions, as much as each agrees, turned."""
    moments = found.moments
    return JointHasher(
        "cca_itq",
        _projection(moments.picture_mean, found.a * found.correlation @ rotation),
        _projection(moments.word_mean, found.b * found.correlation @ rotation),
        partial(_updated, moments=moments, ridge=ridge),
    )


def _updated(before: JointHasher, pairs: Pairs, moments: Moments, ridge: float) -> JointHasher:
    """Of all pairs so far, turned by the R that lessens the mean of || R'v - u ||^2, u being what v was before."""
    found = canonical(pairs, before.bits, ridge, moments)
    met = np.zeros((before.bits, before.bits))  # the mean of v u', over pictures and captions
    for encoder, directions, covariance in (
        (before.pictures, found.a, found.moments.pictures),
        (before.words, found.b, found.moments.words),
    ):
        assert isinstance(encoder, Projection)
        met += (directions * found.correlation).T @ covariance @ encoder.weight
    left, _, right = np.linalg.svd(met)
    return _turned(found, left @ right, ridge)


@dataclass(frozen=True)
class Moments:
    """All that canonical correlations need of pairs: every picture counts once, however many captions it has.

    Attributes:
        count: of pictures.
        picture_mean, word_mean: of the features of length 1.
        pictures, words: their covariances.
        across: the covariance of pictures with their captions.
    """

    count: int
    picture_mean: Matrix
    word_mean: Matrix
    pictures: Matrix
    words: Matrix
    across: Matrix

    @staticmethod
    def of(pairs: Pairs) -> Moments:
        share = _share(pairs)
        pictures, words, count = unit(pairs.pictures), unit(pairs.words), len(pairs.pictures)
        picture_mean, word_mean = pictures.mean(0), (share * words).sum(0) / count
        x, y = pictures - picture_mean, words - word_mean
        across = x.T @ _mean_caption(pairs, y) / count
        return Moments(count, picture_mean, word_mean, x.T @ x / count, (share * y).T @ y / count, across)

    def plus(self, more: Moments) -> Moments:
        """Of both together (Chan, Golub and LeVeque 1979)."""
        count = self.count + more.count
        new = more.count / count
        x, y = more.picture_mean - self.picture_mean, more.word_mean - self.word_mean

        def both(one: Matrix, other: Matrix, between: Matrix) -> Matrix:
            return (1 - new) * one + new * other + (1 - new) * new * between

        return Moments(
            count,
            self.picture_mean + new * x,
            self.word_mean + new * y,
            both(self.pictures, more.pictures, np.outer(x, x)),
            both(self.words, more.words, np.outer(y, y)),
            both(self.across, more.across, np.outer(x, y)),
        )


@dataclass(frozen=True)
class Canonical:
    """What pictures and their captions agree in.

    Attributes:
        moments: what it was found from.
        a, b: a column a direction, of pictures and of words.
        correlation: how much the two agree in each.
        x, y: the pictures, and the mean of the captions of each, with their means taken off.
    """

    moments: Moments
    a: Matrix
    b: Matrix
    correlation: Matrix
    x: Matrix
    y: Matrix

    @property
    def points(self) -> Matrix:
        """All pictures and, after them, the mean caption of each: a direction counts as much as the two agree in it."""
        return np.concatenate([self.x @ self.a, self.y @ self.b]) * self.correlation


def canonical(pairs: Pairs, count: int, ridge: float = RIDGE, before: Moments | None = None) -> Canonical:
    """The `count` directions in which captioned pictures and their captions agree the most.

    Args:
        pairs: captioned pictures.
        count: of directions.
        ridge: as for `fit_cca_itq`.
        before: of pairs that came earlier, which count as much.

    Raises:
        BadInput: fewer than two pictures have captions.
    """
    pairs = pairs.captioned()
    moments = Moments.of(pairs) if before is None else before.plus(Moments.of(pairs))
    a, b, correlation = canonical_directions(
        ridged(moments.pictures, ridge), ridged(moments.words, ridge), moments.across, count
    )
    x = unit(pairs.pictures) - moments.picture_mean
    return Canonical(moments, a, b, correlation, x, _mean_caption(pairs, unit(pairs.words) - moments.word_mean))


def _share(pairs: Pairs) -> Matrix:
    """Of each caption among those of its picture, a column."""
    return np.asarray(1 / np.bincount(pairs.picture_of)[pairs.picture_of][:, None])


def _mean_caption(pairs: Pairs, words: Matrix) -> Matrix:
    """A row a picture: the mean over its captions."""
    mean = np.zeros((len(pairs.pictures), words.shape[1]))
    np.add.at(mean, pairs.picture_of, _share(pairs) * words)
    return mean


def canonical_directions(cxx: Matrix, cyy: Matrix, cxy: Matrix, count: int) -> tuple[Matrix, Matrix, Matrix]:
    """Columns of A and B for which A'x and B'y are uncorrelated, of variance 1, and correlate the most with each other.

    With C_xx = L_x L_x' and C_yy = L_y L_y': U S V' = L_x^-1 C_xy L_y^-T; A = L_x^-T U, B = L_y^-T V.

    Returns:
        A, B and the correlations S, the greatest first.
    """
    lx, ly = np.linalg.cholesky(cxx), np.linalg.cholesky(cyy)
    whitened = np.linalg.solve(ly, np.linalg.solve(lx, cxy).T).T
    u, s, vt = np.linalg.svd(whitened, full_matrices=False)
    return np.linalg.solve(lx.T, u[:, :count]), np.linalg.solve(ly.T, vt[:count].T), s[:count]


def itq_rotation(v: Matrix, seed: int, turns: int = TURNS) -> Matrix:
    """A rotation R for which the signs of V R are near V R: it lessens || sign(V R) - V R ||^2 at every turn.

    Gong et al. 2013, section 3.2: with R held, B = sign(V R); with B held, S O S^' = svd(B' V) gives R = S^ S'.

    Args:
        v: a row a point, centred.
        seed: of the rotation that it begins with.
        turns: how often both are done.
    """
    rotation = np.linalg.qr(rng_at(seed, "itq").standard_normal((v.shape[1], v.shape[1])))[0]
    for _ in range(turns):
        signs = np.where(v @ rotation >= 0, 1.0, -1.0)
        left, _, right = np.linalg.svd(signs.T @ v)
        rotation = (left @ right).T
    return rotation


def ridged(covariance: Matrix, ridge: float = RIDGE) -> Matrix:
    """A covariance with a multiple of its mean eigenvalue on the diagonal, and of something where all rows are one."""
    diagonal = np.eye(len(covariance)) * (ridge * max(np.trace(covariance) / len(covariance), LEAST_EIGENVALUE))
    return np.asarray(covariance + diagonal)


def _projection(mean: Matrix, weight: Matrix) -> Projection:
    return Projection(mean.astype(np.float32), weight.astype(np.float32))
