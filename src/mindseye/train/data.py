"""What the loop is fed: pictures in memory, captions as features, and the batch that follows, made in advance."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from jaxtyping import UInt8
from numpy.typing import NDArray
from torch import Tensor

from mindseye.collection.collection import Split
from mindseye.learn.batch import Batch, Words
from mindseye.learn.learner import Draws, Objective, PictureFormat
from mindseye.observe.features import CaptionFeatures
from mindseye.pictures.tensors import to_model
from mindseye.randomness import rng_at
from mindseye.train.order import Order, Samples


@dataclass(frozen=True)
class Pictures:
    """A split as the loop holds it.

    Attributes:
        pixels: all pictures at the training size.
        captions: for each picture the indices of its captions in the caption features, at least one.
        concepts, file_names: one a picture.
    """

    pixels: UInt8[np.ndarray, "picture height width channel"]
    captions: list[list[int]]
    concepts: list[str]
    file_names: list[str]

    @cached_property
    def concept_numbers(self) -> NDArray[np.int64]:
        numbers = {concept: number for number, concept in enumerate(dict.fromkeys(self.concepts))}
        return np.array([numbers[concept] for concept in self.concepts])

    def batch(self, rows: NDArray[np.int64], words: Words) -> Batch:
        """The pictures in these rows, each with its caption, as a learner sees them."""
        return Batch(to_model(self.pixels[rows]), words, torch.from_numpy(self.concept_numbers[rows]))


class CaptionList:
    """The distinct captions of a training, in the order met; a picture without any has the empty one."""

    def __init__(self) -> None:
        self._index: dict[str, int] = {}

    def __call__(self, caption: str) -> int:
        return self._index.setdefault(caption, len(self._index))

    def read(self, split: Split, picture_format: PictureFormat) -> Pictures:
        """All pictures of a split."""
        return Pictures(
            split.arrays(picture_format.size_px, picture_format.channels, picture_format.pixel_art),
            [[self(caption) for caption in texts or ("",)] for texts in split.captions],
            split.concepts,
            split.file_names,
        )

    @property
    def texts(self) -> list[str]:
        return list(self._index)


@dataclass(frozen=True)
class Prepared:
    """A batch, ready for the step.

    Attributes:
        samples: of the whole batch, over all processes.
        batch: this process's slice of it.
        draws: the random numbers of that slice, by objective.
    """

    samples: Samples
    batch: Batch
    draws: Mapping[str, Draws]

    def to(self, device: torch.device) -> Prepared:
        if device.type == "cpu":
            return self
        draws = {name: {k: v.to(device) for k, v in numbers.items()} for name, numbers in self.draws.items()}
        return Prepared(self.samples, self.batch.to(device), draws)


class Feed:
    """Makes batches: pure functions of the position, the next one in a thread while the step runs.

    Args:
        pictures, features: the training split.
        objectives: whose random numbers to draw.
        seed: of the order and the random numbers.
        batch_size: over all processes.
        share: which samples of a batch are this process's.
    """

    def __init__(
        self,
        pictures: Pictures,
        features: CaptionFeatures,
        objectives: Sequence[Objective],
        seed: int,
        batch_size: int,
        share: slice,
    ) -> None:
        self.pictures = pictures
        self.features = features
        self.objectives = objectives
        self.seed = seed
        self.batch_size = batch_size
        self.share = share
        self.order = Order(pictures.concepts, [len(captions) for captions in pictures.captions], seed)
        self._thread = ThreadPoolExecutor(1, "feed", initializer=torch.set_num_threads, initargs=(1,))
        self._ahead: dict[int, Future[Prepared]] = {}

    def at(self, first: int) -> Prepared:
        """The batch of samples `first` to `first + batch_size - 1`; begins to make the one after it."""
        ready = self._ahead.pop(first, None) or self._thread.submit(self.make, first)
        self._ahead = {first + self.batch_size: self._thread.submit(self.make, first + self.batch_size)}
        return ready.result()

    def make(self, first: int) -> Prepared:
        samples = self.order.samples(first, self.batch_size)
        mine = samples[self.share]
        captions = [
            self.pictures.captions[picture][caption]
            for picture, caption in zip(mine.pictures, mine.captions, strict=True)
        ]
        positions = range(first, first + self.batch_size)[self.share]
        return Prepared(
            samples,
            self.pictures.batch(mine.pictures, self.features.words(captions)),
            {
                objective.name: draws_at(objective, self.seed, "train", positions, seen=positions)
                for objective in self.objectives
            },
        )

    def once(self) -> Iterator[Batch]:
        """Every picture once, in the order of the split, with its first caption."""
        rows = np.arange(len(self.pictures.pixels))
        for begin in range(0, len(rows), self.batch_size):
            some = rows[begin : begin + self.batch_size]
            yield self.pictures.batch(some, self.features.words([self.pictures.captions[row][0] for row in some]))

    def file_names(self, samples: Samples) -> list[str]:
        """The files in a batch, each once."""
        return list(dict.fromkeys(self.pictures.file_names[row] for row in samples.pictures))

    def close(self) -> None:
        self._thread.shutdown(cancel_futures=True)


def draws_at(
    objective: Objective, seed: int, purpose: str, positions: Sequence[int], seen: Sequence[float] | None = None
) -> dict[str, Tensor]:
    """The random numbers of an objective for these samples, stacked; each sample's depend on its position alone.

    Args:
        seen: how many pictures a training has seen before each of them; it is finished unless given.
    """
    stream = f"{purpose} {objective.name}"
    seen = [math.inf] * len(positions) if seen is None else seen
    each: list[dict[str, Any]] = [
        {**objective.draw(rng_at(seed, stream, position)), **objective.scheduled(before)}
        for position, before in zip(positions, seen, strict=True)
    ]
    return {key: torch.from_numpy(np.stack([numbers[key] for numbers in each])) for key in each[0]}
