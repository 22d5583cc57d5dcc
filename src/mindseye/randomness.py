"""Position-pure randomness: every random number is a function of (seed, purpose, position).

There is no generator whose state must be saved: sample 4,711 of a training sees the same noise after a resume, at
another batch size and on another number of processes, because its numbers depend on 4,711 alone (the idea of EDM2's
training loop, Karras et al. 2024, taken from the step down to the single sample).

Philox (Salmon et al. 2011) is a counter-based generator, so jumping to a position costs nothing, and NumPy gives the
same numbers on every platform.
"""

from __future__ import annotations

import hashlib

import numpy as np

SEED_LIMIT = 2**32  # seeds are 0 to 2^32 - 1 everywhere


def rng_at(seed: int, purpose: str, position: int = 0) -> np.random.Generator:
    """The random generator of one position, e.g. `rng_at(0, "noise", 4711)`.

    Args:
        seed: 0 to 2^32 - 1.
        purpose: a name that keeps streams apart ("order", "noise", ...).
        position: a non-negative index within the stream, such as the sample number.
    """
    digest = hashlib.blake2b(purpose.encode(), digest_size=8).digest()
    key = np.array([seed, int.from_bytes(digest, "little")], dtype=np.uint64)
    counter = np.array([0, 0, position, 0], dtype=np.uint64)
    return np.random.Generator(np.random.Philox(key=key, counter=counter))
