"""From a finished training to a model folder that stands on its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from mindseye.collection.collection import Collection
from mindseye.errors import MindseyeError
from mindseye.imagine.family import Family
from mindseye.learn.about import About, CollectionReference, EncoderReference, Training
from mindseye.learn.device import processor_name
from mindseye.learn.folder import NEAREST, save_model
from mindseye.learn.learner import Learner
from mindseye.observe.looks import TrainingLooks
from mindseye.observe.vocabulary import words_of
from mindseye.pictures.opener import open_picture
from mindseye.train.checkpoint import Position
from mindseye.train.plan import Resolved
from mindseye.train.run import RunFolder
from mindseye.train.signals import StopRequest
from mindseye.wording import counted

MOST_KNOWN = 100_000  # pictures that are looked at: what is seen of more does not fit into memory, 12 KB a picture


def save_finished(
    run: RunFolder,
    learner: Learner,
    collection: Collection,
    resolved: Resolved,
    model: Any,
    position: Position,
    palette: Sequence[str],
) -> int:
    """Writes `model` to the run's model/, whole or not at all; returns its size in bytes.

    Args:
        palette: the colours that its pictures are to have, as "rrggbb"; none where any colour will do.

    Raises:
        Unavailable: the disk is full or refuses.
    """
    machine = resolved.machine
    train = collection.splits["train"]
    captions = [caption for texts in train.captions for caption in texts]
    about = About(
        name=resolved.plan.collection,  # a run that goes on keeps it, wherever the pictures lie by now
        family=learner.name,
        config=resolved.plan.model,
        pixel_art=resolved.pictures.pixel_art,
        text_encoder=EncoderReference(
            name=resolved.encoder.name, sha256=resolved.encoder.sha256, token_limit=resolved.encoder.token_limit
        ),
        collection=CollectionReference(
            name=resolved.plan.collection,
            fingerprint=collection.fingerprint,
            pictures=len(train),
            captions=len(captions),
            licence=collection.info.get("licence", ""),
            attribution=tuple(collection.info.get("attribution", ())),
        ),
        training=Training(
            pictures_seen=position.pictures_seen,
            hours=round(position.seconds_trained / 3600, 4),
            machine=f"{processor_name(machine.device)}, {machine.threads} threads, {machine.precision}",
            seed=resolved.train.seed,
            settings=resolved.plan.train,
        ),
        versions={"mindseye": resolved.plan.mindseye, "torch": resolved.plan.torch},
    )
    words = [word for caption in captions for word in words_of(caption)]
    sheets = sorted(run.samples.glob("*.png"))
    sheet = open_picture(sheets[-1]) if sheets else None
    save_model(run.model, learner, model, about, words, sheet, palette)
    return sum(path.stat().st_size for path in run.model.rglob("*") if path.is_file())


def save_known(
    run: RunFolder,
    learner: Learner,
    collection: Collection,
    resolved: Resolved,
    stop: StopRequest,
    log: Callable[[str], None],
) -> None:
    """Looks at the training pictures and puts what was seen into the run's model/, so that stories can name those that
    a drawn picture looks like; what is there already stays. Of a model that does not draw nothing is kept, and what
    goes wrong is said only: the model is finished without.

    Args:
        stop: may end it, since the model is saved; the same training looks again.
        log: called with a line of text now and then.

    Raises:
        Interrupted: it was asked to stop.
    """
    if not isinstance(learner, Family) or (run.model / NEAREST).exists():
        return
    train = collection.splits["train"]
    if len(train) > MOST_KNOWN:
        log(f"{len(train):,} training pictures are too many to be looked at, so stories will not name the nearest")
        return
    log(
        f"looking at {counted(len(train), 'training picture')}, to name the nearest in every story (10 to 25 s a"
        " thousand); the model is saved, so Ctrl-C loses nothing"
    )
    stop.from_now_on_at_once()
    try:
        TrainingLooks.of(collection, resolved.pictures, log).known.save(run.model / NEAREST)
    except MindseyeError as error:
        log(f"stories will not name the nearest training pictures: {error}")
