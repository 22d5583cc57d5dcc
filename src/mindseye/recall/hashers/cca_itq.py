"""CCA-ITQ: the directions in which pictures and their captions agree, turned so that their signs say the most.

Hotelling 1936 for canonical correlation analysis; Gong, Lazebnik, Gordo and Perronnin 2013, "Iterative Quantization: A
Procrustean Approach to Learning Binary Codes for Large-Scale Image Retrieval", for the rest. Seconds on a processor.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mindseye.errors import BadInput
from mindseye.randomness import rng_at
from mindseye.recall.bits import checked_bits
from mindseye.recall.hashers.hasher import JointHasher, Pairs, Projection, unit

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
    rotation = itq_rotation(found.points, seed)
    return JointHasher(
        "cca_itq",
        _projection(found.picture_mean, found.a * found.correlation @ rotation),
        _projection(found.word_mean, found.b * found.correlation @ rotation),
    )


@dataclass(frozen=True)
class Canonical:
    """What pictures and their captions agree in.

    Attributes:
        picture_mean, word_mean: of the features of length 1.
        a, b: a column a direction, of pictures and of words.
        correlation: how much the two agree in each.
        x, y: the pictures, and the mean of the captions of each, with their means taken off.
    """

    picture_mean: Matrix
    word_mean: Matrix
    a: Matrix
    b: Matrix
    correlation: Matrix
    x: Matrix
    y: Matrix

    @property
    def points(self) -> Matrix:
        """All pictures and, after them, the mean caption of each: a direction counts as much as the two agree in it."""
        return np.concatenate([self.x @ self.a, self.y @ self.b]) * self.correlation


def canonical(pairs: Pairs, count: int, ridge: float = RIDGE) -> Canonical:
    """The `count` directions in which captioned pictures and their captions agree the most.

    Raises:
        BadInput: fewer than two pictures have captions.
    """
    pairs = pairs.captioned()
    of, captions = pairs.picture_of, np.bincount(pairs.picture_of)
    share = 1 / captions[of][:, None]  # of a caption among those of its picture
    pictures, words = unit(pairs.pictures), unit(pairs.words)
    picture_mean, word_mean = pictures.mean(0), (share * words).sum(0) / len(pictures)
    x, y = pictures - picture_mean, words - word_mean
    mean_y = np.zeros((len(x), y.shape[1]))  # over the captions of a picture
    np.add.at(mean_y, of, share * y)
    a, b, correlation = canonical_directions(
        _ridged(x.T @ x / len(x), ridge), _ridged((share * y).T @ y / len(x), ridge), x.T @ mean_y / len(x), count
    )
    return Canonical(picture_mean, word_mean, a, b, correlation, x, mean_y)


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


def _ridged(covariance: Matrix, ridge: float) -> Matrix:
    diagonal = np.eye(len(covariance)) * (ridge * np.trace(covariance) / len(covariance))
    return np.asarray(covariance + diagonal)


def _projection(mean: Matrix, weight: Matrix) -> Projection:
    return Projection(mean.astype(np.float32), weight.astype(np.float32))
