"""The training pictures that look most like others: what a model drew, beside what it has learnt from.

They are found by the frozen picture encoder, which has seen neither, upright or mirrored: exactly where the collection
is at hand (`mindseye.observe.looks`), nearly by what a training leaves in the model's folder, which is what stories are
told by (`mindseye.observe.known`). `mindseye.think.copies` measures how often a model copies.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property

from mindseye.errors import BadInput, Unavailable
from mindseye.imagine.imaginer import Imaginer
from mindseye.imagine.picture import Picture
from mindseye.learn.folder import NEAREST
from mindseye.observe.known import KnownPictures
from mindseye.observe.looks import Log, TrainingLooks
from mindseye.observe.pictures import WEIGHTS_SHA256, PictureEncoder, load_picture_encoder
from mindseye.report.origins import training_collection

IN_A_STORY = 3  # pictures that are named


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
