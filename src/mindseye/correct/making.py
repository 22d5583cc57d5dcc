"""`correct`: makes an edit, shows what it did, and keeps it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from mindseye import __version__
from mindseye.correct import beliefs, changes, ledger
from mindseye.correct.changes import Made, Pair, subject_of
from mindseye.imagine.edits import Edit, EditRecord, Layer, read_edit, write_edit
from mindseye.imagine.imaginer import Imaginer, load
from mindseye.imagine.painter import FamilyPainter
from mindseye.learn.side_by_side import one_thread
from mindseye.observe.contrastive import load_judge
from mindseye.observe.contrastive.judge import SHIPPED_FOR
from mindseye.observe.text import TextEncoder, load_text_encoder
from mindseye.think.figure import Figure

Log = Callable[[str], None]


@dataclass(frozen=True)
class Corrected:
    """An edit that was made and kept.

    Attributes:
        edit: as it lies in its file.
        path: the file.
        figures: before and after.
        sheet: pictures before and after; None where none were asked for.
        conflicts: with edits that were there.
    """

    edit: Edit
    path: Path
    figures: tuple[Figure, ...]
    sheet: Image.Image | None
    conflicts: tuple[ledger.Conflict, ...]


def correct(
    model: Imaginer | str | Path,
    method: str,
    pairs: Sequence[Pair],
    name: str,
    *,
    preserve: Sequence[str] = (),
    lam: float | None = None,
    hold: float | None = None,
    pictures: int = 2,
    log: Log = lambda line: None,
) -> Corrected:
    """Makes an edit of a model and keeps it in the model's ledger; the model itself stays as it is.

    Args:
        model: a loaded model, a shipped one's name, a folder, or a pipeline of the diffusers library.
        method: "TIME", "UCE" or "ReFACT".
        pairs: (source, destination) prompts; with TIME and UCE several are made at once.
        name: of the edit; `Request(edits=(name,))` draws with it.
        preserve: with TIME and UCE, prompts that are to mean what they mean.
        lam: with TIME and UCE, weight of staying as it is; theirs unless given.
        hold: with TIME and UCE, weight of captions of other things staying as they are; 0 is as in the papers.
        pictures: drawn before and after for each prompt of the sheet, 0 for none: then there are no figures.
        log: called with a line of text now and then.

    Raises:
        BadInput: the method cannot do this for these prompts or this model, or the name is taken.
        Unavailable: the disk refuses.
    """
    imaginer = model if isinstance(model, Imaginer) else load(model)
    path = ledger.free_path(imaginer, name)
    made = make(imaginer, method, pairs, preserve=preserve, lam=lam, hold=hold)
    record = EditRecord(
        name=name,
        method=method,
        pairs=tuple(pairs),
        preserve=tuple(preserve),
        settings=dict(made.settings),
        model=imaginer.name,
        model_sha256=imaginer.sha256,
        encoder_sha256=imaginer.painter.encoder_sha256,
        layers=dict(made.inputs),
        share_of_weights=made.share_of_weights,
        seconds=round(made.seconds, 3),
        mindseye_version=__version__,
    )
    log(f"{method} took {made.seconds:.2f} s and changes {record.share_of_weights:.2%} of the weights")
    figures: tuple[Figure, ...] = ()
    sheet = None
    if pictures:
        after = imaginer.corrected([Edit(record, made.layers, "")])
        figures, sheet = _measured(imaginer, after, record, pictures, log)
        record = record.model_copy(update={"figures": tuple(figure.as_json() for figure in figures)})
    return kept(imaginer, path, record, made.layers, figures, sheet)


def kept(
    imaginer: Imaginer,
    path: Path,
    record: EditRecord,
    layers: Mapping[str, Layer],
    figures: tuple[Figure, ...],
    sheet: Image.Image | None,
) -> Corrected:
    """Writes an edit into the ledger of a model, and says which others it is in the way of.

    Raises:
        Unavailable: the disk refuses.
    """
    write_edit(path, record, layers)
    edit = read_edit(path)
    others = [one for one in ledger.edits(imaginer) if one.name != record.name]
    in_the_way = [one for other in others for one in ledger.conflicts([edit, other])]
    return Corrected(edit, path, figures, sheet, tuple(in_the_way))


def make(
    imaginer: Imaginer, method: str, pairs: Sequence[Pair], *, preserve: Sequence[str] = (), lam: float | None = None,
    hold: float | None = None,
) -> Made:  # fmt: skip
    """The change that a method asks for; nothing is written.

    Args, Raises: as `correct`.
    """
    with threads_of(imaginer):
        return changes.make(subject_of(imaginer), method, pairs, preserve=preserve, lam=lam, hold=hold)


def threads_of(imaginer: Imaginer) -> AbstractContextManager[None]:
    """One thread for a model of ours; a pipeline's work is worth sharing between cores."""
    return one_thread() if isinstance(imaginer.painter, FamilyPainter) else nullcontext()


def reader_of(imaginer: Imaginer) -> TextEncoder:
    """Who says which prompts are alike: a model's own text encoder; for a pipeline, which reads by itself, ours."""
    return imaginer.painter.encoder if isinstance(imaginer.painter, FamilyPainter) else load_text_encoder()


def _measured(
    before: Imaginer, after: Imaginer, record: EditRecord, count: int, log: Log
) -> tuple[tuple[Figure, ...], Image.Image]:
    """Figures and sheet, of the first pair where there are several."""
    source, destination = record.pairs[0]
    destination = destination or "nothing in particular"
    unrelated = [
        *record.preserve,
        *beliefs.unrelated_prompts(reader_of(before), beliefs.known_captions(before), source, destination),
    ][: beliefs.UNRELATED]
    shown = beliefs.show(before, after, beliefs.probes(source, destination, unrelated), count, log)
    judge = load_judge() if before.about is not None and before.about.collection.name == SHIPPED_FOR else None
    if judge is None:
        log("no matcher that is a stranger to this model: how well pictures fit the words is not measured")
    sheet = beliefs.before_after_sheet(shown, f"{source} -> {destination} ({record.method})")
    return tuple(beliefs.figures(shown, judge)), sheet
