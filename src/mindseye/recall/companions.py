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
from dataclasses import dataclass, fields
from functools import cached_property

import numpy as np
from jaxtyping import Float, Int
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
    companions = Companions.among(features["train"], layout)
    completed = {}
    for name, pairs in features.items():
        own = companions.places(pairs.picture_of) if name == "train" else None
        words = companions.completed(pairs.words, own, paired=paired)
        completed[name] = Pairs(pairs.pictures, words, pairs.picture_of, pairs.labels)
    return completed


@dataclass(frozen=True)
class Companions:
    """What can stand beside a caption: the training pictures that have captions.

    Attributes:
        pictures: their places in the training split.
        looks: a row of them a picture as a whole.
        told: what its first caption says, the whole and the tokens.
        sentences: every training caption as a whole.
        picture_of: the picture of each of those, as a row of `looks`.
    """

    pictures: Int[np.ndarray, "picture"]
    looks: Float[np.ndarray, "picture look_width"]
    told: Float[np.ndarray, "picture row_width"]
    sentences: Float[np.ndarray, "caption word_width"]
    picture_of: Int[np.ndarray, "caption"]

    @classmethod
    def among(cls, train: Pairs, layout: Layout) -> Companions:
        """Those of a training split.

        Raises:
            BadInput: fewer than three of its pictures have captions.
        """
        pictures, first, picture_of = np.unique(train.picture_of, return_index=True, return_inverse=True)
        if len(pictures) < 3:
            raise BadInput(
                f"{len(pictures)} captioned training pictures are too few for companions",
                why="a caption, its companion and the picture whose caption is told are three",
                next_step="collect more captioned pictures",
            )
        looks = train.pictures[pictures, : layout.picture]
        return cls(pictures, looks, train.words[first], train.words[:, : layout.word], picture_of)

    @property
    def arrays(self) -> dict[str, NDArray[np.generic]]:
        """All of it by name, each array whole in memory, as it is written."""
        return {each.name: np.ascontiguousarray(getattr(self, each.name)) for each in fields(self)}

    def places(self, pictures: Int[np.ndarray, "caption"]) -> Int[np.ndarray, "caption"]:
        """The rows of `looks` of pictures of the training split."""
        return np.searchsorted(self.pictures, pictures)

    def completed(
        self,
        words: Float[np.ndarray, "caption row_width"],
        own: Int[np.ndarray, "caption"] | None = None,
        *,
        paired: bool = False,
    ) -> Float[np.ndarray, "caption whole_row_width"]:
        """Rows of captions with a companion's look and its retold caption behind each.

        Args:
            words: wholes and tokens.
            own: the row of `looks` of each caption's own picture; None where none of them is here.
            paired: whether a caption's companion is its own picture, where that is here.
        """
        out = own if own is not None else np.full(len(words), NONE)
        beside = out if paired and own is not None else self._nearest_in_words(words, out)
        told = self._nearest_in_looks(beside, out)
        return np.concatenate([words, self.looks[beside], self.told[told]], axis=1)

    @cached_property
    def _directions(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Looks and sentences of length 1."""
        return unit(self.looks).astype(np.float32), unit(self.sentences).astype(np.float32)

    def _nearest_in_words(
        self, words: NDArray[np.floating], out: Int[np.ndarray, "caption"]
    ) -> Int[np.ndarray, "caption"]:
        """Of each caption the picture of the training caption that says the nearest, which is not the one left out."""
        found = np.empty(len(words), np.int64)
        _, sentences = self._directions
        for rows in _chunks(len(words)):
            near = unit(words[rows, : sentences.shape[1]]).astype(np.float32) @ sentences.T
            near[out[rows, None] == self.picture_of] = -np.inf
            found[rows] = self.picture_of[near.argmax(1)]
        return found

    def _nearest_in_looks(
        self, beside: Int[np.ndarray, "caption"], out: Int[np.ndarray, "caption"]
    ) -> Int[np.ndarray, "caption"]:
        """The pictures that look the nearest to those `beside`: neither these themselves nor those left out."""
        found = np.empty(len(beside), np.int64)
        looks, _ = self._directions
        for rows in _chunks(len(beside)):
            near = looks[beside[rows]] @ looks.T
            for left_out in (beside, out):
                near[left_out[rows, None] == np.arange(len(looks))] = -np.inf
            found[rows] = near.argmax(1)
        return found


def _chunks(count: int) -> Iterator[Int[np.ndarray, "some"]]:
    yield from (np.arange(begin, min(begin + AT_ONCE, count)) for begin in range(0, count, AT_ONCE))
