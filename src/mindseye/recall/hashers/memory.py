"""A memory of earlier pairs: a uniform sample of all that came, of a fixed size (rehearsal, after Robins 1995).

Every picture draws a number when it comes, and those with the smallest ones stay: reservoir sampling without a history.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from mindseye.randomness import rng_at
from mindseye.recall.hashers.hasher import Pairs, refuse_fewer_labels


@dataclass(frozen=True)
class Memory:
    """Pictures that are remembered, with their captions and labels.

    Attributes:
        pairs: all of them with captions.
        drawn: the number of each picture, 0 to 1.
    """

    pairs: Pairs
    drawn: Float[np.ndarray, "picture"]

    @staticmethod
    def of(pairs: Pairs, seed: int) -> Memory:
        """Of the first pairs, all of them."""
        return Memory(pairs, rng_at(seed, "memory of a hasher").random(len(pairs.pictures)))

    def plus(self, pairs: Pairs, seed: int, chunk: int) -> Memory:
        """With more pairs, which are chunk number `chunk`, 1 or more."""
        drawn = rng_at(seed, "memory of a hasher", chunk).random(len(pairs.pictures))
        return Memory(joined(self.pairs, pairs), np.concatenate([self.drawn, drawn]))

    def at_most(self, pictures: int) -> Memory:
        """Those with the smallest numbers, in the order in which they came."""
        kept = np.sort(np.argsort(self.drawn)[:pictures])
        return Memory(self.pairs.rows(kept), self.drawn[kept])


def joined(before: Pairs, pairs: Pairs) -> Pairs:
    """Earlier pairs and, after them, new ones; labels only where both have them.

    Raises:
        BadInput: the new ones have fewer labels.
    """
    labels = None
    if before.labels is not None and pairs.labels is not None:
        new = pairs.labels.shape[1] - before.labels.shape[1]
        refuse_fewer_labels(pairs.labels.shape[1], before.labels.shape[1])
        labels = np.concatenate([np.pad(before.labels, ((0, 0), (0, new))), pairs.labels])
    return Pairs(
        np.concatenate([before.pictures, pairs.pictures]),
        np.concatenate([before.words, pairs.words]),
        np.concatenate([before.picture_of, len(before.pictures) + pairs.picture_of]),
        labels,
    )
