"""The training pictures that look most like others: what a model drew, beside what it has learnt from.

They are found by the frozen picture encoder, which has seen neither, upright or mirrored. A high cosine is a reason to
look at both pictures, no proof of a copy: `mindseye.think.copies` measures how often a model copies.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch.nn.functional as F
from jaxtyping import Float, UInt8
from torch import Tensor

from mindseye.collection.collection import Collection, Split
from mindseye.errors import BadInput
from mindseye.files import cache_folder
from mindseye.imagine.imaginer import Imaginer
from mindseye.imagine.picture import Picture
from mindseye.learn.learner import PictureFormat
from mindseye.observe.pictures import PictureEncoder, load_picture_encoder, picture_features
from mindseye.pictures.story import NearPicture
from mindseye.report.origins import training_collection

IN_A_STORY = 3  # pictures that are named

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
    """

    split: Split
    encoder: PictureEncoder
    directions: Float[Tensor, "picture width"]

    @classmethod
    def of(cls, collection: Collection, at: PictureFormat, log: Log = lambda line: None) -> TrainingLooks:
        """Looks at all training pictures, or reads what was seen before.

        Args:
            collection: what the model was trained on.
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
        return cls(split, encoder, F.normalize(seen.pooled, dim=1))

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

    def told(self, pictures: Sequence[Picture]) -> list[Picture]:
        """Drawn pictures of one size with the three training pictures most like each in its story."""
        found = self.nearest(np.stack([picture.pixels for picture in pictures]), IN_A_STORY)
        return [
            replace(picture, story=picture.story.model_copy(update={"nearest": _named(near)}))
            for picture, near in zip(pictures, found, strict=True)
        ]


def _named(near: Sequence[Nearby]) -> tuple[NearPicture, ...]:
    return tuple(NearPicture(file_name=one.file_name, cosine=round(one.cosine, 3)) for one in near)


def training_looks(imaginer: Imaginer, log: Log = lambda line: None) -> TrainingLooks:
    """The training pictures of a model, ready to be compared with what it draws.

    Args:
        imaginer: the model.
        log: as for `TrainingLooks.of`.

    Raises:
        BadInput: what it was trained on is not at hand.
        Unavailable: the picture encoder is missing, or the cache cannot be written.
    """
    collection = training_collection(imaginer)
    if collection is None:
        raise BadInput(
            f"nearest: the training pictures of {imaginer.name} are not at hand",
            why="it was trained elsewhere, or its collection has been moved or changed since",
            next_step=f"compare a saved picture: mindseye judge PICTURE --model {imaginer.path} --collection FOLDER",
        )
    return TrainingLooks.of(collection, imaginer.picture_format, log)
