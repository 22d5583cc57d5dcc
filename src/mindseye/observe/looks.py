"""The training pictures of a collection as the frozen picture encoder sees them, exactly.

A high cosine between two pictures is a reason to look at both, no proof of a copy.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch.nn.functional as F
from jaxtyping import Float, UInt8
from torch import Tensor

from mindseye.collection.collection import Collection, Split
from mindseye.files import cache_folder
from mindseye.learn.learner import PictureFormat
from mindseye.observe.known import KnownPictures
from mindseye.observe.pictures import PictureEncoder, load_picture_encoder, picture_features

Log = Callable[[str], None]


@dataclass(frozen=True)
class Nearby:
    """A training picture that looks like the one that was asked about.

    Attributes:
        file_name: as its collection names it.
        caption: its first caption, "" if it has none.
        row: in the training split.
        cosine: between the features of both, -1 to 1.
    """

    file_name: str
    caption: str
    row: int
    cosine: float


@dataclass(frozen=True)
class TrainingLooks:
    """The training pictures of a collection as the picture encoder sees them.

    Attributes:
        split: the pictures.
        encoder: what sees them.
        directions: the features of each, of length 1.
        fingerprint: of the collection.
    """

    split: Split
    encoder: PictureEncoder
    directions: Float[Tensor, "picture width"]
    fingerprint: str

    @classmethod
    def of(cls, collection: Collection, at: PictureFormat, log: Log = lambda line: None) -> TrainingLooks:
        """Looks at all training pictures, or reads what was seen before.

        Args:
            collection: what a model is trained on.
            at: how the model sees pictures.
            log: called with a line of text now and then; the first time takes minutes for thousands of pictures.

        Raises:
            Unavailable: the picture encoder is missing, or the cache cannot be written.
        """

        def said(done: int, of: int) -> None:
            if done % 1000 < 8:
                log(f"looked at {done:,} of {of:,} training pictures (done once for a collection)")

        split, encoder = collection.splits["train"], load_picture_encoder()
        pixels = split.arrays(at.size_px, at.channels, at.pixel_art)
        seen = picture_features(encoder, pixels, cache_folder() / "features", said)
        return cls(split, encoder, F.normalize(seen.pooled, dim=1), collection.fingerprint)

    @property
    def known(self) -> KnownPictures:
        """The same, small enough for a model's folder."""
        return KnownPictures.of(self.directions, self.split.file_names, self.fingerprint, self.encoder.sha256)

    def nearest(self, pictures: UInt8[np.ndarray, "picture size size channel"], count: int) -> list[list[Nearby]]:
        """Of each picture the training pictures most like it, the most similar first.

        Args:
            pictures: squares, RGB or RGBA with straight alpha.
            count: how many at most.
        """
        seen = self.encoder.encode(np.concatenate([pictures, pictures[:, :, ::-1]])).pooled
        upright, mirrored = (F.normalize(seen, dim=1) @ self.directions.T).chunk(2)
        found = []
        for cosines in upright.maximum(mirrored):
            rows = cosines.argsort(descending=True, stable=True)[:count].tolist()
            found.append([self._nearby(row, float(cosines[row])) for row in rows])
        return found

    def _nearby(self, row: int, cosine: float) -> Nearby:
        captions = self.split.captions[row]
        return Nearby(self.split.file_names[row], captions[0] if captions else "", row, cosine)
