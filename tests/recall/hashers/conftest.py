from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from mindseye.recall.hashers import Pairs

KINDS = 12


def drawn(count: int, seed: int = 0, noise: float = 0.5) -> Pairs:
    """Pictures and captions of twelve kinds, one or two of them each, and of much that is not shared."""
    views = np.random.default_rng(42)
    to_pictures, to_words = views.standard_normal((KINDS + 20, 60)), views.standard_normal((KINDS + 20, 40))
    rng = np.random.default_rng(seed)
    labels = np.eye(KINDS, dtype=bool)[rng.integers(0, KINDS, count)]
    labels |= np.eye(KINDS, dtype=bool)[rng.integers(0, KINDS, count)] & (rng.random(count) < 0.3)[:, None]
    pictures, words = (
        np.concatenate([2.0 * labels, noise * rng.standard_normal((count, 20))], axis=1) @ matrix
        for matrix in (to_pictures, to_words)
    )
    return Pairs(pictures.astype(np.float32), words.astype(np.float32), np.arange(count), labels)


@pytest.fixture(scope="session")
def labelled() -> Callable[..., Pairs]:
    return drawn
