"""A collection as an evaluation needs it: its prompts, its real pictures and their features, and a judge."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import UInt8
from numpy.typing import NDArray

from mindseye.collection.collection import Collection
from mindseye.errors import BadInput
from mindseye.files import cache_folder
from mindseye.learn.learner import PictureFormat
from mindseye.observe.contrastive.judge import Judge, judge_for
from mindseye.observe.pictures import PictureEncoder, PictureFeatures, load_picture_encoder, picture_features
from mindseye.report.prompts import PromptSet, combination_sets, prompt_sets

MOST_PROMPTS = 1000  # of one set
MOST_REAL = 2000  # real pictures that distributions are compared with

Log = Callable[[str], None]


@dataclass(frozen=True)
class Reference:
    """A collection as the figures need it: its real pictures, and their features.

    Attributes:
        picture_format: how the model under test sees pictures.
        train: features of the training split.
        held_out: features of all other splits, one picture a concept (and split), as in `typical`.
        typical: rows of `train` that distributions are compared with, one a concept.
    """

    collection: Collection
    picture_format: PictureFormat
    encoder: PictureEncoder
    judge: Judge
    sets: list[PromptSet]
    train_pictures: UInt8[np.ndarray, "picture size size channel"]
    train: PictureFeatures
    held_out_pictures: UInt8[np.ndarray, "picture size size channel"]
    held_out: PictureFeatures
    held_out_concepts: list[str]
    typical: NDArray[np.int64]

    @property
    def cache(self) -> Path:
        return cache_folder() / "features"

    def features(self, pictures: UInt8[np.ndarray, "picture size size channel"]) -> PictureFeatures:
        return picture_features(self.encoder, pictures, self.cache)


def refer(collection: Collection, picture_format: PictureFormat, log: Log = lambda line: None) -> Reference:
    """Reads the real pictures of a collection at a model's format, encodes them (once, ever) and finds a judge.

    Raises:
        BadInput: the collection has no captions.
    """
    sets = prompt_sets(collection, picture_format, MOST_PROMPTS)
    sets += combination_sets(collection, picture_format, MOST_PROMPTS)
    if not sets:
        raise BadInput(
            f"{collection.name} has no captions to draw from",
            why="a model is evaluated by asking it for what its collection shows",
            next_step="collect the pictures again, with captions",
        )
    at = (picture_format.size_px, picture_format.channels, picture_format.pixel_art)
    encoder = load_picture_encoder()
    train = collection.splits["train"]
    train_pictures = train.arrays(*at)
    others = [split for name, split in collection.splits.items() if name != "train"]
    firsts = [one_a_concept(split.concepts) for split in others]
    held_out_pictures = np.concatenate(
        [train_pictures[:0], *(split.arrays(*at)[rows] for split, rows in zip(others, firsts, strict=True))]
    )
    held_out_concepts = [split.concepts[row] for split, rows in zip(others, firsts, strict=True) for row in rows]
    cache = cache_folder() / "features"

    def said(done: int, of: int) -> None:
        if done % 1000 < 8:
            log(f"looked at {done:,} of {of:,} real pictures")

    log(f"looking at {len(train_pictures) + len(held_out_pictures):,} real pictures with {encoder.name}")
    train_features = picture_features(encoder, train_pictures, cache, said)
    held_out_features = picture_features(encoder, held_out_pictures, cache)
    rows = one_a_concept(train.concepts)
    typical = rows[:: -(-len(rows) // MOST_REAL)]
    judge = judge_for(collection, log)
    return Reference(
        collection, picture_format, encoder, judge, sets,
        train_pictures, train_features, held_out_pictures, held_out_features, held_out_concepts, typical,
    )  # fmt: skip


def one_a_concept(concepts: Sequence[str]) -> NDArray[np.int64]:
    """The first row of every concept, in order: variants (skin tones, styles) would count some things many times."""
    first = {concept: row for row, concept in reversed(list(enumerate(concepts)))}
    return np.array(sorted(first.values()), dtype=np.int64)


def joined(parts: Sequence[PictureFeatures]) -> PictureFeatures:
    return PictureFeatures(
        torch.cat([part.pooled for part in parts]),
        torch.cat([part.stages for part in parts]),
        torch.cat([part.class_logits for part in parts]),
    )


def rows_of(features: PictureFeatures, rows: NDArray[np.int64]) -> PictureFeatures:
    return PictureFeatures(features.pooled[rows], features.stages[rows], features.class_logits[rows])
