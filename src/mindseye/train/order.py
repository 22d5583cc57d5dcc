"""The order of the data: which picture and which of its captions sample number s is.

Pictures are drawn by concept, not by file: an epoch shows every concept once, in a shuffled order, each by one of its
pictures and one of that picture's captions. Otherwise concepts with many variants (skin tones, font styles) take most
of the training. Everything is a function of (seed, s), so no state needs saving.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mindseye.randomness import rng_at


@dataclass(frozen=True)
class Samples:
    """The samples of one batch, in order.

    Attributes:
        pictures: the row of each sample's picture.
        captions: which of the captions of that picture it comes with.
    """

    pictures: NDArray[np.int64]
    captions: NDArray[np.int64]

    def __getitem__(self, part: slice) -> Samples:
        return Samples(self.pictures[part], self.captions[part])


class Order:
    """The infinite sequence of samples of a training.

    Args:
        concepts: the concept of each picture.
        caption_counts: how many captions each picture has, at least 1.
        seed: 0 to 2^32 - 1.
    """

    def __init__(self, concepts: Sequence[str], caption_counts: Sequence[int], seed: int) -> None:
        rows: dict[str, list[int]] = {}
        for row, concept in enumerate(concepts):
            rows.setdefault(concept, []).append(row)
        self.concepts = len(rows)
        self.seed = seed
        self._sizes = np.array([len(pictures) for pictures in rows.values()])
        self._starts = np.cumsum(self._sizes) - self._sizes
        self._pictures = np.concatenate([np.array(pictures) for pictures in rows.values()])
        self._caption_counts = np.array(caption_counts)
        self._epoch = functools.lru_cache(maxsize=2)(self._make_epoch)

    def _make_epoch(self, epoch: int) -> Samples:
        rng = rng_at(self.seed, "order", epoch)
        concepts = rng.permutation(self.concepts)
        chosen = (rng.random(self.concepts) * self._sizes[concepts]).astype(np.int64)
        pictures = self._pictures[self._starts[concepts] + chosen]
        captions = (rng.random(self.concepts) * self._caption_counts[pictures]).astype(np.int64)
        return Samples(pictures, captions)

    def samples(self, first: int, count: int) -> Samples:
        """Samples number `first` to `first + count - 1`."""
        pictures, captions = [], []
        while count > 0:
            epoch, offset = divmod(first, self.concepts)
            taken = min(count, self.concepts - offset)
            part = self._epoch(epoch)[offset : offset + taken]
            pictures.append(part.pictures)
            captions.append(part.captions)
            first, count = first + taken, count - taken
        return Samples(np.concatenate(pictures), np.concatenate(captions))


def order_digest(before: str, samples: Samples) -> str:
    """The rolling digest of all samples so far: of the digest before and the new samples."""
    digest = hashlib.blake2b(bytes.fromhex(before), digest_size=16)
    digest.update(samples.pictures.astype("<i8").tobytes())
    digest.update(samples.captions.astype("<i8").tobytes())
    return digest.hexdigest()
