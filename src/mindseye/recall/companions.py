"""Companions: the picture that VTPH puts beside a caption, and the caption that is told of that picture.

The paper draws a picture for the words of a query, with a text-to-image model, and has mPLUG caption every picture.
Here nothing is drawn and nobody captions; both are retrieved from the training split:

- a caption's companion is the picture of the training caption that says the nearest (cosine of sentence vectors);
- what is told of a picture is the first caption of the training picture that looks the nearest (cosine of the pooled
  features), itself left out: better than what the small captioner of `mindseye think` writes.

A caption's own picture takes no part in either, so a row of words is made of words and of *other* pictures, and no code
of a caption depends on what its picture shows. The paper's own way with the texts of a database is `paired`: there a
text's companion is its true picture. Codes of such texts are partly codes of pictures, and rankings of them
are not what a search by words could have.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
from jaxtyping import Int
from numpy.typing import NDArray

from mindseye.errors import BadInput
from mindseye.recall.hashers import Pairs
from mindseye.recall.hashers.hasher import unit
from mindseye.recall.hashers.vtph_rows import Layout

AT_ONCE = 1024  # captions
NONE = -1


def with_companions(features: Mapping[str, Pairs], layout: Layout, *, paired: bool = False) -> dict[str, Pairs]:
    """The same splits, with a companion's look and its retold caption behind every caption in its row.

    Args:
        features: of the splits, wholes and parts, from the view `mindseye.recall.features.parts`; "train" among them.
        layout: of the rows.
        paired: whether the companion of a training caption is its own picture, as published.

    Raises:
        BadInput: fewer than three training pictures have captions.
    """
    known = _Known(features["train"], layout)
    completed = {}
    for name, pairs in features.items():
        own = pairs.picture_of if name == "train" else np.full(len(pairs.words), NONE)
        beside = own if paired and name == "train" else known.companions(pairs.words[:, : layout.word], own)
        told = known.told(beside, own)
        rows = [pairs.words, known.train.pictures[beside, : layout.picture], known.train.words[told]]
        words = np.concatenate(rows, axis=1)
        completed[name] = Pairs(pairs.pictures, words, pairs.picture_of, pairs.labels)
    return completed


class _Known:
    """The training split, and what is near what in it."""

    def __init__(self, train: Pairs, layout: Layout) -> None:
        captioned, self._first = np.unique(train.picture_of, return_index=True)
        if len(captioned) < 3:
            raise BadInput(
                f"{len(captioned)} captioned training pictures are too few for companions",
                why="a caption, its companion and the picture whose caption is told are three",
                next_step="collect more captioned pictures",
            )
        self.train, self._captioned = train, captioned
        self._looks = unit(train.pictures[:, : layout.picture]).astype(np.float32)
        self._captions = unit(train.words[:, : layout.word]).astype(np.float32)

    def companions(
        self, sentences: NDArray[np.floating], own: Int[np.ndarray, "caption"]
    ) -> Int[np.ndarray, "caption"]:
        """Of each caption the picture of the nearest training caption that is none of its `own` picture's."""
        found = np.empty(len(own), np.int64)
        for rows in _chunks(len(own)):
            near = unit(sentences[rows]).astype(np.float32) @ self._captions.T
            near[own[rows, None] == self.train.picture_of] = -np.inf
            found[rows] = self.train.picture_of[near.argmax(1)]
        return found

    def told(self, beside: Int[np.ndarray, "caption"], own: Int[np.ndarray, "caption"]) -> Int[np.ndarray, "caption"]:
        """The caption told of the pictures `beside`: of the one that looks the nearest, neither itself nor `own`."""
        found = np.empty(len(own), np.int64)
        for rows in _chunks(len(own)):
            near = self._looks[beside[rows]] @ self._looks[self._captioned].T
            for left_out in (beside, own):
                near[left_out[rows, None] == self._captioned] = -np.inf
            found[rows] = self._first[near.argmax(1)]
        return found


def _chunks(count: int) -> Iterator[Int[np.ndarray, "some"]]:
    yield from (np.arange(begin, min(begin + AT_ONCE, count)) for begin in range(0, count, AT_ONCE))
