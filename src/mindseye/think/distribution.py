"""Are generated pictures, as a set, like the real ones? Distances between two clouds of features.

The features come from an encoder of our own, so none of these numbers can be set beside a published FID or KID, which
stand for Inception features; the names say so where there is danger of confusion.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence

import numpy as np
from jaxtyping import Float, Int
from numpy.typing import NDArray

from mindseye.errors import BadInput
from mindseye.think.features import Features, parts, rows_of, two_sets
from mindseye.think.figure import DRAWS, Figure, block_numbers, bootstrap_interval, resampled

FRECHET_DRAWS = 50  # each costs two QR decompositions and the singular values of a width x width matrix


def kid(
    real: Features,
    generated: Features,
    *,
    encoder: str,
    real_blocks: Sequence[Hashable] | None = None,
    generated_blocks: Sequence[Hashable] | None = None,
    seeds: str = "",
    bootstrap_seed: int = 0,
    draws: int = DRAWS,
) -> Figure:
    """Kernel distance: the unbiased squared maximum mean discrepancy with the kernel (f.g / width + 1)^3, "kid".

    Binkowski et al. 2018 (arXiv 1801.01401), on all pictures rather than on random subsets. 0 is equal;
    being unbiased, it is a little below 0 half of the time when both sets come from one source.

    The interval is a block bootstrap of both sets. A block is what its labels say: give the prompt (or concept) of each
    generated picture and the near-duplicate group (or concept) of each real one; without labels each picture is its
    own block. Pairs of a picture with its own repetition are left out, so that draws are as unbiased as the value. When
    the two sets come from one source, the interval is wider than need be, by up to the square root of 3, since
    resampling adds the linear part of the statistic, which is then zero; away from equality it is not.

    Args:
        real: features of real pictures, at least 10.
        generated: features of generated ones by the same encoder, at least 10; the numbers may differ.
        encoder: its name, for the record.
        real_blocks: a label a real picture, see above.
        generated_blocks: a label a generated picture, see above.
        seeds: of the generated pictures, for the record.
        bootstrap_seed: of the draws.
        draws: bootstrap draws.

    Raises:
        BadInput: features that are not finite, too few or of unequal width.
    """
    x, y = two_sets(real, generated)
    x_blocks, y_blocks = block_numbers(real_blocks, len(x)), block_numbers(generated_blocks, len(y))
    wx = resampled(x_blocks, bootstrap_seed, "kid real", draws)
    wy = resampled(y_blocks, bootstrap_seed, "kid generated", draws)
    values = _within(x, wx, x_blocks) + _within(y, wy, y_blocks) - 2 * _between(x, wx, y, wy)
    return Figure("kid", float(values[0]), *bootstrap_interval(values), len(x), len(y), encoder, seeds)


def _kernel(one: NDArray[np.float64], other: NDArray[np.float64]) -> NDArray[np.float64]:
    """k(f, g) = (f.g / width + 1)^3, for every pair."""
    product: NDArray[np.float64] = one @ other.T / one.shape[1] + 1
    return product * product * product


def _within(
    rows: Float[np.ndarray, "picture width"],
    weights: Float[np.ndarray, "draw picture"],
    blocks: Int[np.ndarray, "picture"],
) -> Float[np.ndarray, "draw"]:
    """The mean kernel over the pairs of two different pictures of one set, for each draw of its pictures.

    Two pictures of one block occur together as often as the block was drawn, two of different blocks as often as the
    product says; a block drawn twice makes no pair with its own repetition.
    """
    total = np.zeros(len(weights))
    for part in parts(len(rows)):
        kernel = _kernel(rows, rows[part])
        in_block = np.where(blocks[:, None] == blocks[part], kernel, 0).sum(0)
        itself = kernel[np.arange(part.start, part.stop), np.arange(part.stop - part.start)]
        drawn = weights[:, part]
        total += (drawn * (weights @ kernel)).sum(1) - np.square(drawn) @ in_block + drawn @ (in_block - itself)
    size = np.bincount(blocks)[blocks].astype(np.float64)
    pairs = np.square(weights.sum(1)) - np.square(weights) @ size + weights @ (size - 1)
    mean: NDArray[np.float64] = total / pairs
    return mean


def _between(
    x: Float[np.ndarray, "real width"],
    wx: Float[np.ndarray, "draw real"],
    y: Float[np.ndarray, "generated width"],
    wy: Float[np.ndarray, "draw generated"],
) -> Float[np.ndarray, "draw"]:
    """The mean kernel over the pairs of a real and a generated picture, for each draw."""
    total = np.zeros(len(wx))
    for part in parts(len(y)):
        total += (wy[:, part] * (wx @ _kernel(x, y[part]))).sum(1)
    mean: NDArray[np.float64] = total / (wx.sum(1) * wy.sum(1))
    return mean


def frechet_distance(
    real: Features,
    generated: Features,
    *,
    encoder: str,
    real_blocks: Sequence[Hashable] | None = None,
    generated_blocks: Sequence[Hashable] | None = None,
    seeds: str = "",
    bootstrap_seed: int = 0,
    draws: int = FRECHET_DRAWS,
) -> Figure:
    """Fréchet distance between the two normal distributions with the sets' means and covariances, "frechet_distance".

    |m1 - m2|^2 + Tr(S1 + S2 - 2 (S1 S2)^(1/2)), Heusel et al. 2017 (arXiv 1706.08500), equation 6; with Inception
    features, and only then, it is called FID. It is biased: never 0, too large for small sets and the more so the wider
    the features, so compare it at equal numbers of pictures only. The interval shows the noise (see `kid` for the
    blocks), not that bias. `kid` has none and is the figure to prefer.

    Args, Raises: as `kid`.
    """
    x, y = two_sets(real, generated)
    wx = resampled(block_numbers(real_blocks, len(x)), bootstrap_seed, "frechet real", draws)
    wy = resampled(block_numbers(generated_blocks, len(y)), bootstrap_seed, "frechet generated", draws)
    values = np.array([_frechet(x, one, y, other) for one, other in zip(wx, wy, strict=True)])
    low, high = bootstrap_interval(values, within=(0, math.inf))
    return Figure("frechet_distance", float(values[0]), low, high, len(x), len(y), encoder, seeds)


def _frechet(x: NDArray[np.float64], wx: NDArray[np.float64], y: NDArray[np.float64], wy: NDArray[np.float64]) -> float:
    """The distance for pictures that occur `wx` and `wy` times.

    With S1 = A'A and S2 = B'B the eigenvalues of S1 S2 are the squared singular values of A B', so the trace of its
    root is their sum: no root of an eigenvalue that is zero but for rounding. Rows of A are pictures; where both sets
    have more of them than features, the triangle of A's QR decomposition does as well.
    """
    (mean_x, a), (mean_y, b) = _mean_and_root(x, wx), _mean_and_root(y, wy)
    spread = np.square(a).sum() + np.square(b).sum()
    if min(len(a), len(b)) > x.shape[1]:
        a, b = (np.asarray(np.linalg.qr(each, mode="r")) for each in (a, b))
    root = np.linalg.svd(a @ b.T, compute_uv=False).sum()
    return max(0.0, float(np.square(mean_x - mean_y).sum() + spread - 2 * root))


def _mean_and_root(
    rows: NDArray[np.float64], weights: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The weighted mean, and A with A'A the unbiased covariance, a row a picture."""
    total = weights.sum()
    mean: NDArray[np.float64] = weights @ rows / total
    root: NDArray[np.float64] = np.sqrt(weights / (total - 1))[:, None] * (rows - mean)
    return mean, root


def inception_style_score(
    probabilities: Features,
    *,
    encoder: str,
    generated_blocks: Sequence[Hashable] | None = None,
    seeds: str = "",
    bootstrap_seed: int = 0,
    draws: int = DRAWS,
) -> Figure:
    """exp(mean_x KL(p(y|x) || p(y))) for the class probabilities of a classifier of one's own, "inception_style_score".

    Salimans et al. 2016 (arXiv 1606.03498), section 4, in one split. From 1 (every picture looks alike to the
    classifier) to the number of classes (each picture clearly one class, all classes equally often). It never looks at
    a real picture: a model that draws one perfect picture a class, again and again, has the highest score. It is here
    for the comparison with old tables.

    Args:
        probabilities: [picture, class], rows that sum to 1.
        encoder: the classifier's name, for the record.
        generated_blocks, seeds, bootstrap_seed, draws: as in `kid`.

    Raises:
        BadInput: rows that are not probabilities, or fewer than 10.
    """
    p = rows_of(probabilities, "generated")
    if (p < 0).any() or not np.allclose(p.sum(1), 1, atol=1e-4):
        raise BadInput(
            "these are not class probabilities",
            why="a row has a negative number or does not sum to 1",
            next_step="apply softmax to the classifier's logits",
        )
    weights = resampled(block_numbers(generated_blocks, len(p)), bootstrap_seed, "inception-style score", draws)
    weights /= weights.sum(1, keepdims=True)
    values = np.exp(weights @ _p_log_p(p) - _p_log_p(weights @ p))
    low, high = bootstrap_interval(values, within=(1, p.shape[1]))
    return Figure("inception_style_score", float(values[0]), low, high, 0, len(p), encoder, seeds)


def _p_log_p(p: NDArray[np.float64]) -> NDArray[np.float64]:
    """Sum of p log p over the classes; 0 log 0 is 0."""
    total: NDArray[np.float64] = (p * np.log(np.where(p > 0, p, 1))).sum(-1)
    return total
