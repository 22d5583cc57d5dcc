"""Fidelity and diversity apart: do generated pictures lie among the real ones, and do they reach all of these?

A set of pictures is taken as the union of balls, one around each picture's features, that just reach the k-th nearest
other picture of the set.

What the intervals hold fixed are the balls: they say how well the share is known for these, and not how other real
pictures would have made other balls.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Sequence

import numpy as np
from jaxtyping import Bool, Float
from numpy.typing import NDArray

from mindseye.think.features import Features, distances, parts, two_sets
from mindseye.think.figure import DRAWS, Figure, block_numbers, bootstrap_interval, resampled, share_interval

PRECISION_RECALL_K = 3
DENSITY_COVERAGE_K = 5


def precision_recall(
    real: Features,
    generated: Features,
    *,
    encoder: str,
    real_blocks: Sequence[Hashable] | None = None,
    generated_blocks: Sequence[Hashable] | None = None,
    seeds: str = "",
) -> tuple[Figure, Figure]:
    """Improved precision and recall, "precision" and "recall".

    Kynkäänniemi et al. 2019 (arXiv 1904.06991), equations 1 and 2, with k = 3. Precision is the share of generated
    pictures inside a ball of a real one (fidelity); recall the share of real pictures inside a ball of a generated one
    (diversity). One strange real picture has a huge ball that lets everything in; `density_coverage` forgives that.
    Recall falls when fewer pictures are generated, so give as many as there are real ones.

    Args:
        real: features of real pictures, at least 10.
        generated: features of generated ones by the same encoder, at least 10.
        encoder: its name, for the record.
        real_blocks: a label a real picture; those that belong together (near-duplicates, a concept) have one label.
        generated_blocks: a label a generated picture, such as its prompt.
        seeds: of the generated pictures, for the record.

    Returns:
        precision, with Wilson's interval over generated pictures, and recall, with Wilson's over real ones.

    Raises:
        BadInput: features that are not finite, too few or of unequal width.
    """
    x, y = two_sets(real, generated)
    x_blocks, y_blocks = block_numbers(real_blocks, len(x)), block_numbers(generated_blocks, len(y))
    precise = _inside(y, x, _radii(x, PRECISION_RECALL_K), np.less_equal)
    recalled = _inside(x, y, _radii(y, PRECISION_RECALL_K), np.less_equal)

    def figure(name: str, inside: NDArray[np.bool_], blocks: NDArray[np.int64]) -> Figure:
        hits = np.asarray(inside.any(1))
        return Figure(name, float(hits.mean()), *share_interval(hits, blocks), len(x), len(y), encoder, seeds)

    return figure("precision", precise, y_blocks), figure("recall", recalled, x_blocks)


def density_coverage(
    real: Features,
    generated: Features,
    *,
    encoder: str,
    real_blocks: Sequence[Hashable] | None = None,
    generated_blocks: Sequence[Hashable] | None = None,
    seeds: str = "",
    bootstrap_seed: int = 0,
    draws: int = DRAWS,
) -> tuple[Figure, Figure]:
    """Density and coverage, "density" and "coverage".

    Naeem et al. 2020 (arXiv 2002.09797), with k = 5. Density is the number of real balls around a generated picture,
    over k: 1 on average when both sets come from one source, above 1 when pictures crowd where real ones are dense.
    Coverage is the share of real pictures with a generated one in their ball; with equal numbers from one source it is
    about 1 - 2^-k, which is 0.97.

    Args, Raises: as `precision_recall`, and
        bootstrap_seed: of the draws.
        draws: bootstrap draws.

    Returns:
        density, with a bootstrap interval over both sets, and coverage, with Wilson's over real pictures.
    """
    x, y = two_sets(real, generated)
    x_blocks, y_blocks = block_numbers(real_blocks, len(x)), block_numbers(generated_blocks, len(y))
    inside = _inside(y, x, _radii(x, DENSITY_COVERAGE_K), np.less)
    wx = resampled(x_blocks, bootstrap_seed, "density real", draws)
    wy = resampled(y_blocks, bootstrap_seed, "density generated", draws)
    balls = (wy * (wx @ inside.T.astype(np.float64))).sum(1) / (wx.mean(1) * wy.sum(1)) / DENSITY_COVERAGE_K
    low, high = bootstrap_interval(balls, within=(0, math.inf))
    covered = np.asarray(inside.any(0))
    share = float(covered.mean())
    return (
        Figure("density", float(balls[0]), low, high, len(x), len(y), encoder, seeds),
        Figure("coverage", share, *share_interval(covered, x_blocks), len(x), len(y), encoder, seeds),
    )


def _radii(rows: Float[np.ndarray, "picture width"], k: int) -> Float[np.ndarray, "picture"]:
    """Distance of each picture to its k-th nearest other one; the nearest of all, at 0, is the picture itself."""
    near = [np.partition(distances(rows[part], rows), k, axis=1)[:, k] for part in parts(len(rows))]
    radii: NDArray[np.float64] = np.concatenate(near)
    return radii


def _inside(
    points: Float[np.ndarray, "point width"],
    centres: Float[np.ndarray, "ball width"],
    radii: Float[np.ndarray, "ball"],
    compare: Callable[[NDArray[np.float64], NDArray[np.float64]], NDArray[np.bool_]],
) -> Bool[np.ndarray, "point ball"]:
    """Which point lies in which ball; whether a point on the edge does is where the two papers differ."""
    rows = [compare(distances(points[part], centres), radii) for part in parts(len(points))]
    inside: NDArray[np.bool_] = np.concatenate(rows)
    return inside
