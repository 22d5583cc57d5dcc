"""Clouds of features for the tests of this room."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mindseye.randomness import rng_at


def cloud(number: int, count: int, width: int = 8, shift: float = 0.0) -> NDArray[np.float64]:
    """Standard normal rows, other for every number, moved by `shift` along every axis."""
    return rng_at(0, "test cloud", number).standard_normal((count, width)) + shift


def halves(number: int, count: int, width: int = 8) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """One set, skewed and with correlated columns, in two halves of `count` rows."""
    rows = np.exp(cloud(number, 2 * count, width) / 2) + cloud(number, 2 * count, 1)[:, :1]
    order = rng_at(0, "test halves", number).permutation(2 * count)
    return rows[order[:count]], rows[order[count:]]
