"""Frozen features as all arms see them, and what the base concepts say of how pictures of one thing vary."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

from mindseye.think.few_shot.episodes import Pool

WIDTH = 256  # principal components that are kept, at most

Values = NDArray[np.float32]


@dataclass(frozen=True)
class Space:
    """Square roots of features (the transform of Tukey with lambda 1/2, as Yang et al. 2021 take it), centred on the
    base pictures and turned to their principal components.

    Attributes:
        mean: of the square roots of the base features.
        axes: orthonormal, the widest first. So a Gaussian of the square roots is a Gaussian here.
    """

    mean: Float[np.ndarray, "features"]
    axes: Float[np.ndarray, "features width"]

    def __call__(self, features: Float[np.ndarray, "... features"]) -> Float[np.ndarray, "... width"]:
        """Where pictures lie, from their features, none of which is negative."""
        seen: Values = ((np.sqrt(features) - self.mean) @ self.axes).astype(np.float32)
        return seen

    @property
    def ones(self) -> Float[np.ndarray, "width"]:
        """The direction in which all square roots grow alike."""
        direction: Values = self.axes.sum(0)
        return direction


def fit_space(base: Float[np.ndarray, "picture features"], width: int = WIDTH) -> Space:
    """The space of these base pictures.

    Args:
        base: features, none of them negative.
        width: of the space; less where there are not so many pictures.
    """
    roots = np.sqrt(base.astype(np.float64))
    mean = roots.mean(0)
    _, axes = np.linalg.eigh((roots - mean).T @ (roots - mean))
    kept = axes[:, ::-1][:, : min(width, len(base) - 1)]
    return Space(mean.astype(np.float32), np.ascontiguousarray(kept, dtype=np.float32))


@dataclass(frozen=True)
class Base:
    """The base concepts.

    Attributes:
        pool: their pictures.
        ones: of the space.
    """

    pool: Pool
    ones: Float[np.ndarray, "width"]

    @cached_property
    def pictures(self) -> Float[np.ndarray, "picture width"]:
        """All of them."""
        pictures: Values = self.pool.features[np.concatenate(self.pool.members)]
        return pictures

    @cached_property
    def means(self) -> Float[np.ndarray, "concept width"]:
        """Of each concept."""
        return np.stack([self.pool.features[rows].mean(0) for rows in self.pool.members])

    @cached_property
    def deviations(self) -> list[Values]:
        """Of each concept a matrix D, a row a picture, with D' D its covariance: z D is of that covariance where z is
        standard normal."""
        return [
            ((self.pool.features[rows] - mean) / max(len(rows) - 1, 1) ** 0.5).astype(np.float32)
            for rows, mean in zip(self.pool.members, self.means, strict=True)
        ]

    @cached_property
    def root(self) -> Float[np.ndarray, "width width"]:
        """A matrix R with R' R the covariance within concepts, pooled over all of them."""
        apart = [self.pool.features[rows] - mean for rows, mean in zip(self.pool.members, self.means, strict=True)]
        rows = np.concatenate(apart).astype(np.float64)
        variances, axes = np.linalg.eigh(rows.T @ rows / max(len(rows) - len(self.means), 1))
        root: Values = (np.sqrt(variances.clip(min=0))[:, None] * axes.T).astype(np.float32)
        return root

    @property
    def spread(self) -> float:
        """The standard deviation within concepts in a single direction, over all directions."""
        return float(np.sqrt(np.square(self.root).sum() / len(self.root)))


def unit(rows: Float[np.ndarray, "... width"]) -> Float[np.ndarray, "... width"]:
    """Each row at length 1."""
    scaled: Values = rows / np.maximum(np.linalg.norm(rows, axis=-1, keepdims=True), 1e-12)
    return scaled
