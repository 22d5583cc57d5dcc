"""What every hasher can do, and what it learns from."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from functools import cached_property
from typing import Protocol

import numpy as np
from jaxtyping import Bool, Float, Int, UInt8
from numpy.typing import NDArray

from mindseye.errors import BadInput
from mindseye.recall.bits import pack

DEFAULT_BITS = 128


@dataclass(frozen=True)
class Pairs:
    """Pictures with their captions, as features.

    Attributes:
        pictures: one row a picture.
        words: one row a caption.
        picture_of: the picture of each caption, as a row of `pictures`.
        labels: which picture shows what, for hashers that learn from it; None where that is not known.
    """

    pictures: Float[np.ndarray, "picture picture_width"]
    words: Float[np.ndarray, "caption word_width"]
    picture_of: Int[np.ndarray, "caption"]
    labels: Bool[np.ndarray, "picture label"] | None = None

    def first_caption(self, picture: int) -> int:
        """The row in `words` of a picture's first caption; the picture must have one."""
        return int(np.argmax(self.picture_of == picture))

    def rows(self, pictures: Int[np.ndarray, "chosen"]) -> Pairs:
        """These pictures with their captions, as if there were no others."""
        place = np.full(len(self.pictures), -1)
        place[pictures] = np.arange(len(pictures))
        kept = place[self.picture_of] >= 0
        labels = None if self.labels is None else self.labels[pictures]
        return Pairs(self.pictures[pictures], self.words[kept], place[self.picture_of[kept]], labels)

    def captioned(self) -> Pairs:
        """Only the pictures that have captions.

        Raises:
            BadInput: they are fewer than two.
        """
        pictures = np.unique(self.picture_of)
        if len(pictures) < 2:
            raise BadInput(
                f"{len(pictures)} captioned pictures are too few to learn from which words go with which looks",
                next_step="collect pictures with captions",
            )
        return self.rows(pictures)

    def labelled(self) -> Bool[np.ndarray, "picture label"]:
        """The labels, if there are any.

        Raises:
            BadInput: there are none.
        """
        if self.labels is None or not self.labels.any():
            raise BadInput(
                "there are no labels to learn from",
                why="this hasher is told which pictures show the same, and no keyword or word is on five or more",
                next_step="use cca_itq, which needs captions only",
            )
        return self.labels


class Hasher(Protocol):
    """Features in, packed codes out, in one space for pictures and words.

    Attributes:
        name: the method.
        bits: of a code.
        version: a digest of everything that a code depends on besides the features.
    """

    @property
    def name(self) -> str: ...

    @property
    def bits(self) -> int: ...

    @property
    def version(self) -> str: ...

    def picture_values(self, features: Float[np.ndarray, "picture width"]) -> Float[np.ndarray, "picture bit"]:
        """What the bits of pictures are the signs of, float32. Their cosine is the finer measure of likeness."""
        ...

    def word_values(self, features: Float[np.ndarray, "caption width"]) -> Float[np.ndarray, "caption bit"]:
        """The same of captions."""
        ...

    def update(self, pairs: Pairs) -> Hasher:
        """The hasher after more pairs; this one stays as it is, and so do the codes that it gave.

        Args:
            pairs: captioned pictures, with labels where the hasher learns from them; the columns of earlier pairs come
                first, new labels after them.

        Raises:
            BadInput: they do not fit the hasher, or it cannot go on learning.
        """
        ...


def encode_pictures(hasher: Hasher, features: Float[np.ndarray, "picture width"]) -> UInt8[np.ndarray, "picture byte"]:
    """Packed codes of pictures."""
    return pack(hasher.picture_values(features))


def encode_words(hasher: Hasher, features: Float[np.ndarray, "caption width"]) -> UInt8[np.ndarray, "caption byte"]:
    """Packed codes of captions."""
    return pack(hasher.word_values(features))


class Encoder(Protocol):
    """One kind of features to the values that bits are the signs of: a frozen dataclass of arrays."""

    @property
    def bits(self) -> int: ...

    def __call__(self, features: Float[np.ndarray, "row width"]) -> Float[np.ndarray, "row bit"]: ...


@dataclass(frozen=True)
class Projection:
    """Of one kind of features: each is scaled to length 1, the mean is taken off, and a matrix follows.

    Attributes:
        mean: of the features of length 1.
        weight: a column a bit.
    """

    mean: Float[np.ndarray, "width"]
    weight: Float[np.ndarray, "width bit"]

    @property
    def bits(self) -> int:
        return int(self.weight.shape[1])

    def __call__(self, features: Float[np.ndarray, "row width"]) -> Float[np.ndarray, "row bit"]:
        values: NDArray[np.float32] = (centred(features, self.mean) @ self.weight).astype(np.float32)
        return values


@dataclass(frozen=True)
class JointHasher:
    """An encoder of pictures and one of words; a bit is the sign of a value that they give.

    Attributes:
        go_on: this hasher and more pairs, all of them with captions, to the hasher after them; None where what that
            takes was not kept, as in a hasher from disk.
    """

    name: str
    pictures: Encoder
    words: Encoder
    go_on: Callable[[JointHasher, Pairs], JointHasher] | None = field(default=None, repr=False, compare=False)

    @property
    def bits(self) -> int:
        return self.pictures.bits

    @cached_property
    def version(self) -> str:
        digest = hashlib.sha256(self.name.encode())
        for encoder in (self.pictures, self.words):
            for array in arrays_of(encoder).values():
                digest.update(array.tobytes())
        return digest.hexdigest()[:16]

    def picture_values(self, features: Float[np.ndarray, "picture width"]) -> Float[np.ndarray, "picture bit"]:
        return self.pictures(features)

    def word_values(self, features: Float[np.ndarray, "caption width"]) -> Float[np.ndarray, "caption bit"]:
        return self.words(features)

    def update(self, pairs: Pairs) -> JointHasher:
        if self.go_on is None:
            raise from_disk_cannot_go_on(self.name)
        pairs = pairs.captioned()
        self.picture_values(pairs.pictures[:1])  # refuses features of another encoder
        self.word_values(pairs.words[:1])
        return self.go_on(self, pairs)


def from_disk_cannot_go_on(name: str) -> BadInput:
    """What the update of a hasher from disk answers."""
    return BadInput(
        f"this {name} cannot go on learning",
        why="a hasher from disk has its functions, and not what they were learnt from",
        next_step="fit one on the old and the new pairs",
    )


def arrays_of(encoder: Encoder) -> dict[str, NDArray[np.float32]]:
    """Everything that an encoder is made of, by name."""
    return {field.name: getattr(encoder, field.name) for field in fields(encoder)}  # type: ignore[arg-type]


def centred(features: Float[np.ndarray, "row width"], mean: Float[np.ndarray, "width"]) -> NDArray[np.float64]:
    """Features of length 1 with their mean taken off.

    Raises:
        BadInput: they are of another width.
    """
    refuse_other_width(features, len(mean))
    shifted: NDArray[np.float64] = unit(features) - mean
    return shifted


def refuse_other_width(features: Float[np.ndarray, "row width"], width: int) -> None:
    """Refuses features that a hasher does not read.

    Raises:
        BadInput: they are not rows of `width` numbers.
    """
    if features.ndim != 2 or features.shape[1] != width:
        raise BadInput(
            f"features of the shape {list(features.shape)} do not fit this hasher",
            why=f"it reads rows of {width} numbers",
            next_step="use the encoder that it was fitted with",
        )


def refuse_fewer_labels(labels: int, before: int) -> None:
    """Refuses labels that do not begin with those of earlier pairs.

    Raises:
        BadInput: there are fewer columns than before.
    """
    if labels < before:
        raise BadInput(
            f"{labels} labels do not go on from {before}",
            why="a column stands for the same label in all pairs that a hasher learns from",
            next_step="give the earlier columns first, empty ones too, and new labels after them",
        )


def unit(features: Float[np.ndarray, "row width"]) -> Float[np.ndarray, "row width"]:
    """Rows of length 1, float64; a row of zeros stays one."""
    wide = np.asarray(features, np.float64)
    scaled: NDArray[np.float64] = wide / np.maximum(np.linalg.norm(wide, axis=1, keepdims=True), 1e-12)
    return scaled
