"""The training pictures that look most like others: what a model drew, beside what it has learnt from.

They are found by the frozen picture encoder, which has seen neither, upright or mirrored. A high cosine is a reason to
look at both pictures, no proof of a copy: `mindseye.think.copies` measures how often a model copies.

`TrainingLooks` is exact and needs the collection; stories are told by what lies in the model's folder
(`mindseye.observe.known`), which a training leaves there.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import torch.nn.functional as F
from jaxtyping import Float, UInt8
from torch import Tensor

from mindseye.collection.collection import Collection, Split
from mindseye.errors import BadInput, Unavailable
from mindseye.files import cache_folder
from mindseye.imagine.imaginer import Imaginer
from mindseye.imagine.picture import Picture
from mindseye.learn.folder import NEAREST
from mindseye.learn.learner import PictureFormat
from mindseye.observe.known import KnownPictures
from mindseye.observe.pictures import WEIGHTS_SHA256, PictureEncoder, load_picture_encoder, picture_features
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


class Beside:
    """Tells in the stories of a model's pictures which training pictures each looks most like.

    Args:
        known: its training pictures.
    """

    def __init__(self, known: KnownPictures) -> None:
        self._known = known

    @cached_property
    def _encoder(self) -> PictureEncoder:
        return load_picture_encoder()

    def told(self, picture: Picture) -> Picture:
        """A picture with the three training pictures most like it in its story.

        Raises:
            Unavailable: the picture encoder is missing.
        """
        near = self._known.nearest(self._encoder, picture.pixels, IN_A_STORY)
        return replace(picture, story=picture.story.model_copy(update={"nearest": near}))


def beside(imaginer: Imaginer) -> Beside | None:
    """What tells stories of nearest training pictures by what lies in the model's folder; None if nothing does.

    Raises:
        BadInput: it is damaged, or of another model.
    """
    path = imaginer.path / NEAREST
    if imaginer.about is None or not path.exists():
        return None
    return Beside(KnownPictures.read(path, imaginer.about.collection.fingerprint, WEIGHTS_SHA256))


def beside_made(imaginer: Imaginer, log: Log = lambda line: None) -> Beside:
    """As `beside`; what does not lie in the model's folder, or is damaged, is made, and put there if that can be.

    Args:
        imaginer: the model.
        log: as for `TrainingLooks.of`.

    Raises:
        BadInput: it must be made, and what the model was trained on is not at hand.
        Unavailable: the picture encoder is missing, or the cache cannot be written.
    """
    try:
        if there := beside(imaginer):
            return there
    except BadInput as error:
        log(f"note: {error.what}, so it is made anew")
    known = training_looks(imaginer, log).known
    try:
        known.save(imaginer.path / NEAREST)
    except Unavailable as error:
        log(f"note: {error.what}, so it is made again the next time")
    return Beside(known)


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
