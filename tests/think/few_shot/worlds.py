"""Features of concepts that are known: clouds around points, or nothing at all."""

from __future__ import annotations

import numpy as np

from mindseye.think.few_shot.episodes import Pool


def clouds(
    concepts: int, pictures: int, width: int = 12, *, stretch: float = 0.0, spread: float = 0.3, seed: int = 0
) -> Pool:
    """Concepts around random points; pictures of all of them vary along the first axis by `stretch` more."""
    rng = np.random.default_rng(seed)
    middles = rng.standard_normal((concepts, 1, width))
    middles[..., 0] = 0
    features = middles + spread * rng.standard_normal((concepts, pictures, width))
    features[..., 0] += stretch * rng.standard_normal((concepts, pictures))
    return pool_of(features)


def noise(concepts: int, pictures: int, width: int = 12, seed: int = 0) -> Pool:
    """Pictures that say nothing of their concepts."""
    return pool_of(np.random.default_rng(seed).standard_normal((concepts, pictures, width)))


def pool_of(features: np.ndarray) -> Pool:
    """Features [concept, picture, width] as a pool."""
    concepts, pictures, width = features.shape
    rows = np.arange(concepts * pictures).reshape(concepts, pictures)
    names = tuple(f"concept {number}" for number in range(concepts))
    return Pool(names, features.reshape(-1, width).astype(np.float32), tuple(rows))
