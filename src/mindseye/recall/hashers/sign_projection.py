"""The signs of random projections (Charikar 2002): the part of differing bits is near the angle over pi.

It compares pictures with pictures and words with words. A picture and its caption meet by chance only, since nothing
ties the projection of one to that of the other: what a method that learns from pairs has to beat.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from mindseye.randomness import rng_at
from mindseye.recall.bits import checked_bits
from mindseye.recall.hashers.hasher import JointHasher, Pairs, Projection, unit


def fit_sign_projection(pairs: Pairs, bits: int, seed: int = 0) -> JointHasher:
    """The hasher; it learns the two means.

    Args:
        pairs: captioned pictures.
        bits: of a code.
        seed: of the projections, 0 to 2^32 - 1.
    """
    checked_bits(bits)
    return JointHasher(
        "sign_projection",
        _projection(pairs.pictures, bits, seed, "pictures"),
        _projection(pairs.words, bits, seed, "words"),
        go_on=lambda hasher, pairs: hasher,  # other means would change codes, and tell no more of what goes with what
    )


def _projection(features: Float[np.ndarray, "row width"], bits: int, seed: int, kind: str) -> Projection:
    weight = rng_at(seed, f"sign projection of {kind}").standard_normal((features.shape[1], bits))
    return Projection(unit(features).mean(0).astype(np.float32), weight.astype(np.float32))
