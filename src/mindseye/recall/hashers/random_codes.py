"""Random codes: what chance gives. The same features have the same code, and that is all it tells."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from mindseye.randomness import rng_at
from mindseye.recall.bits import checked_bits
from mindseye.recall.hashers.hasher import Pairs


@dataclass(frozen=True)
class RandomCodes:
    """A `Hasher` whose values are drawn from a normal distribution that the features' own bytes seed."""

    bits: int
    seed: int
    name: str = "random"

    @property
    def version(self) -> str:
        return f"random-{self.bits}-{self.seed}"

    def picture_values(self, features: Float[np.ndarray, "picture width"]) -> Float[np.ndarray, "picture bit"]:
        return self._drawn(features)

    def word_values(self, features: Float[np.ndarray, "caption width"]) -> Float[np.ndarray, "caption bit"]:
        return self._drawn(features)

    def update(self, pairs: Pairs) -> RandomCodes:
        return self

    def _drawn(self, features: Float[np.ndarray, "row width"]) -> Float[np.ndarray, "row bit"]:
        rows = np.empty((len(features), self.bits), np.float32)
        for row, feature in zip(rows, np.asarray(features, np.float32), strict=True):
            position = int.from_bytes(hashlib.blake2b(feature.tobytes(), digest_size=7).digest(), "little")
            row[:] = rng_at(self.seed, "random codes", position).standard_normal(self.bits)
        return rows


def fit_random_codes(pairs: Pairs, bits: int, seed: int = 0) -> RandomCodes:
    """The hasher; it learns nothing."""
    return RandomCodes(checked_bits(bits), seed)
