"""`correct`: makes an edit, shows what it did, and keeps it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from PIL import Image

from mindseye import __version__
from mindseye.correct import beliefs, ledger, methods
from mindseye.correct.entrances import DiffusionEntrances
from mindseye.correct.memories import memory_of
from mindseye.correct.refact import refact
from mindseye.errors import BadInput
from mindseye.imagine.diffusion.model import Diffusion
from mindseye.imagine.edits import ENCODER, MODEL, Edit, EditRecord, Layer, read_edit, write_edit
from mindseye.imagine.imaginer import Imaginer, load
from mindseye.learn.side_by_side import one_thread
from mindseye.observe.contrastive import load_judge
from mindseye.observe.contrastive.judge import SHIPPED_FOR
from mindseye.think.figure import Figure

METHODS = ("TIME", "UCE", "ReFACT")
CAPTIONS = 500  # that ReFACT learns from what else there is

Log = Callable[[str], None]
Pair = tuple[str, str]


@dataclass(frozen=True)
class Made:
    """The change that a method asks for.

    Attributes:
        layers: by matrix, "model/..." or "encoder/...".
        inputs: the kind of input that each matrix takes.
        settings: of the method.
        seconds: what making it took, with reading the prompts.
    """

    layers: Mapping[str, Layer]
    inputs: Mapping[str, str]
    settings: Mapping[str, float]
    seconds: float


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
    pictures: int = 2,
    log: Log = lambda line: None,
) -> Corrected:
    """Makes an edit of a model and keeps it in the model's ledger; the model itself stays as it is.

    Args:
        model: a loaded model, a shipped one's name or a folder.
        method: "TIME", "UCE" or "ReFACT".
        pairs: (source, destination) prompts; with TIME and UCE several are made at once.
        name: of the edit; `Request(edits=(name,))` draws with it.
        preserve: with TIME and UCE, prompts that are to mean what they mean.
        lam: with TIME and UCE, weight of staying as it is; theirs unless given.
        pictures: drawn before and after for each prompt of the sheet, 0 for none: then there are no figures.
        log: called with a line of text now and then.

    Raises:
        BadInput: the method cannot do this for these prompts or this model, or the name is taken.
        Unavailable: the disk refuses.
    """
    imaginer = model if isinstance(model, Imaginer) else load(model)
    path = ledger.free_path(imaginer, name)
    made = make(imaginer, method, pairs, preserve=preserve, lam=lam)
    record = EditRecord(
        name=name,
        method=method,
        pairs=tuple(pairs),
        preserve=tuple(preserve),
        settings=dict(made.settings),
        model=imaginer.name,
        model_sha256=imaginer.sha256,
        encoder_sha256=imaginer.ours.encoder.sha256,
        layers=dict(made.inputs),
        share_of_weights=share_of_weights(imaginer, made.layers),
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
    imaginer: Imaginer, method: str, pairs: Sequence[Pair], *, preserve: Sequence[str] = (), lam: float | None = None
) -> Made:
    """The change that a method asks for; nothing is written.

    Args, Raises: as `correct`.
    """
    if method not in METHODS:
        raise BadInput(f"there is no method {method!r}", next_step=f"choose one of {', '.join(METHODS)}")
    if not pairs:
        raise BadInput(
            "there is nothing to correct", next_step='give a source and a destination: "a rose" "a blue rose"'
        )
    if not imaginer.ours.about.collection.captions:
        raise BadInput(f"{imaginer.name} learnt without captions", next_step="prompts change nothing there")
    with one_thread(), torch.no_grad():
        return (
            _by_refact(imaginer, pairs, preserve, lam)
            if method == "ReFACT"
            else _closed(imaginer, method, pairs, preserve, lam)
        )


def _closed(imaginer: Imaginer, method: str, pairs: Sequence[Pair], preserve: Sequence[str], lam: float | None) -> Made:
    entrances = entrances_of(imaginer)
    solve, default = (methods.time, methods.TIME_LAMBDA) if method == "TIME" else (methods.uce, methods.UCE_LAMBDA)
    used = default if lam is None else lam
    began = time.perf_counter()
    layers = solve(entrances, pairs, preserve=preserve, lam=used)
    seconds = time.perf_counter() - began
    takes = {entrance.matrix: entrance.takes for entrance in entrances.entrances}
    return Made(
        {f"{MODEL}/{matrix}": layer for matrix, layer in layers.items()},
        {f"{MODEL}/{matrix}": takes[matrix] for matrix in layers},
        {"lambda": used},
        seconds,
    )


def _by_refact(imaginer: Imaginer, pairs: Sequence[Pair], preserve: Sequence[str], lam: float | None) -> Made:
    if len(pairs) > 1 or preserve or lam is not None:
        raise BadInput(
            "ReFACT corrects one pair at a time, and has neither lambda nor prompts to preserve",
            next_step="make an edit for each pair: they add up",
        )
    memory = memory_of(imaginer.ours.encoder)
    captions = beliefs.known_captions(imaginer)[:CAPTIONS]
    began = time.perf_counter()
    with torch.enable_grad():
        layer, found = refact(memory, *pairs[0], captions)
    seconds = time.perf_counter() - began
    matrix = f"{ENCODER}/{memory.matrix}"
    settings = {"probability": round(found.probability, 4), "steps": float(found.steps)}
    return Made({matrix: layer}, {matrix: "subject"}, settings, seconds)


def entrances_of(imaginer: Imaginer) -> DiffusionEntrances:
    """Where words enter a model.

    Raises:
        BadInput: its family is another one, whose entrances are not known.
    """
    network = imaginer.ours.model
    if not isinstance(network, Diffusion):
        raise BadInput(
            f"TIME and UCE do not know where words enter a {imaginer.kind} model",
            next_step="use ReFACT, which changes the text encoder, or a model of the family diffusion",
        )
    return DiffusionEntrances(network, imaginer.ours.encoder)


def share_of_weights(imaginer: Imaginer, changed: Mapping[str, Any]) -> float:
    """Numbers in the changed matrices, of all in the model and its text encoder."""
    own = dict(imaginer.ours.model.named_parameters())
    encoder = imaginer.ours.encoder.reader.weight
    touched = [
        (own[name] if whose == MODEL else encoder(name)).numel()
        for whose, _, name in (matrix.partition("/") for matrix in changed)
    ]
    return sum(touched) / (sum(one.numel() for one in own.values()) + imaginer.ours.encoder.parameters)


def _measured(
    before: Imaginer, after: Imaginer, record: EditRecord, count: int, log: Log
) -> tuple[tuple[Figure, ...], Image.Image]:
    """Figures and sheet, of the first pair where there are several."""
    source, destination = record.pairs[0]
    destination = destination or "nothing in particular"
    unrelated = [
        *record.preserve,
        *beliefs.unrelated_prompts(before.ours.encoder, beliefs.known_captions(before), source, destination),
    ][: beliefs.UNRELATED]
    shown = beliefs.show(before, after, beliefs.probes(source, destination, unrelated), count, log)
    judge = load_judge() if before.ours.about.collection.name == SHIPPED_FOR else None
    if judge is None:
        log("no matcher that is a stranger to this model: how well pictures fit the words is not measured")
    sheet = beliefs.before_after_sheet(shown, f"{source} -> {destination} ({record.method})")
    return tuple(beliefs.figures(shown, judge)), sheet
