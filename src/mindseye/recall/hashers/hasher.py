"""What every hasher can do, and what it learns from."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np
from jaxtyping import Float, Int, UInt8
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
    """

    pictures: Float[np.ndarray, "picture picture_width"]
    words: Float[np.ndarray, "caption word_width"]
    picture_of: Int[np.ndarray, "caption"]

    def first_caption(self, picture: int) -> int:
        """The row in `words` of a picture's first caption; the picture must have one."""
        return int(np.argmax(self.picture_of == picture))


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


def encode_pictures(hasher: Hasher, features: Float[np.ndarray, "picture width"]) -> UInt8[np.ndarray, "picture byte"]:
    """Packed codes of pictures."""
    return pack(hasher.picture_values(features))


def encode_words(hasher: Hasher, features: Float[np.ndarray, "caption width"]) -> UInt8[np.ndarray, "caption byte"]:
    """Packed codes of captions."""
    return pack(hasher.word_values(features))


@dataclass(frozen=True)
class Projection:
    """Of one kind of features: each is scaled to length 1, the mean is taken off, and a matrix follows.

    Attributes:
        mean: of the features of length 1.
        weight: a column a bit.
    """

    mean: Float[np.ndarray, "width"]
    weight: Float[np.ndarray, "width bit"]

    def __call__(self, features: Float[np.ndarray, "row width"]) -> Float[np.ndarray, "row bit"]:
        if features.ndim != 2 or features.shape[1] != len(self.mean):
            raise BadInput(
                f"features of the shape {list(features.shape)} do not fit this hasher",
                why=f"it reads rows of {len(self.mean)} numbers",
                next_step="use the encoder that it was fitted with",
            )
        values: NDArray[np.float32] = ((unit(features) - self.mean) @ self.weight).astype(np.float32)
        return values


@dataclass(frozen=True)
class LinearHasher:
    """A projection for pictures and one for words; a bit is the sign of a projected value."""

    name: str
    pictures: Projection
    words: Projection

    @property
    def bits(self) -> int:
        return int(self.pictures.weight.shape[1])

    @cached_property
    def version(self) -> str:
        digest = hashlib.sha256(self.name.encode())
        for projection in (self.pictures, self.words):
            digest.update(projection.mean.tobytes())
            digest.update(projection.weight.tobytes())
        return digest.hexdigest()[:16]

    def picture_values(self, features: Float[np.ndarray, "picture width"]) -> Float[np.ndarray, "picture bit"]:
        return self.pictures(features)

    def word_values(self, features: Float[np.ndarray, "caption width"]) -> Float[np.ndarray, "caption bit"]:
        return self.words(features)


def unit(features: Float[np.ndarray, "row width"]) -> Float[np.ndarray, "row width"]:
    """Rows of length 1, float64; a row of zeros stays one."""
    wide = np.asarray(features, np.float64)
    scaled: NDArray[np.float64] = wide / np.maximum(np.linalg.norm(wide, axis=1, keepdims=True), 1e-12)
    return scaled
