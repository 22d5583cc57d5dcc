"""`even_out`: an edit with which a concept has each of several attributes equally often, counted in drawn pictures.

The loop is that of `debias.py`. What it counts is which "attribute concept" a picture fits best: "red heart" or "blue
heart". It counts on seeds of its own; the figures come from others.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import torch
from jaxtyping import UInt8

from mindseye import __version__
from mindseye.correct import beliefs, ledger
from mindseye.correct.changes import share_of_weights, subject_of
from mindseye.correct.debias import NEAR, ROUNDS, Shares, debias
from mindseye.correct.making import Corrected, Log, kept, reader_of, threads_of
from mindseye.correct.methods import UCE_LAMBDA
from mindseye.errors import BadInput
from mindseye.imagine.edits import Edit, EditRecord, Layer
from mindseye.imagine.imaginer import Imaginer, load
from mindseye.learn.folder import ABOUT, THINKER
from mindseye.observe.contrastive import load_judge
from mindseye.observe.contrastive.judge import SHIPPED_FOR
from mindseye.observe.pictures import load_picture_encoder
from mindseye.pictures.sheet import contact_sheet
from mindseye.think.figure import Figure, seeds_text
from mindseye.think.thinker import load_thinker

METHOD = "UCE, even shares"
DRAWN = 10  # pictures counted each round, as in the paper
COUNTED_FROM = 1_000_000  # their first seed, far from those of the figures and of people
ITSELF = "itself"  # the figure that says whether it is still drawn: it fits the concept better than other things
SHOWN = 8  # pictures in a row of the sheet

Fits = Callable[[UInt8[np.ndarray, "picture size size channel"], Sequence[str]], np.ndarray]


def even_out(
    model: Imaginer | str,
    concept: str,
    attributes: Sequence[str],
    name: str,
    *,
    preserve: Sequence[str] = (),
    lam: float | None = None,
    drawn: int = DRAWN,
    rounds: int = ROUNDS,
    fits: Fits | None = None,
    log: Log = lambda line: None,
) -> Corrected:
    """Makes an edit with which `concept` has each of the attributes equally often, and keeps it in the model's ledger.

    Args:
        model: a loaded model of the family diffusion or a pipeline, a shipped one's name or a folder.
        concept: a prompt, e.g. "a heart".
        attributes: words that stand before it, two or more, e.g. "red" and "blue".
        name: of the edit; `Request(edits=(name,))` draws with it.
        preserve: prompts that are to mean what they mean.
        lam: weight of staying as it is; UCE's 0.5 unless given.
        drawn: pictures counted each round; twice as many are drawn before and after for the figures.
        rounds: at most.
        fits: who counts: for pictures and texts "red heart", "blue heart", ... how well each text fits each picture. A
            stranger to the model (for `emoji`) or its own thinker unless given.
        log: called with a line of text now and then.

    Returns:
        The edit; its figures are the shares before and after, on seeds that it was not made with, and whether the
        concept is still itself.

    Raises:
        BadInput: fewer than two attributes, nobody who could count them, no round more even than the model as it was,
            or as `correct`.
        Unavailable: the disk refuses.
    """
    imaginer = model if isinstance(model, Imaginer) else load(model)
    path = ledger.free_path(imaginer, name)
    subject = subject_of(imaginer)
    owner, entrances = subject.entrances()
    fits, who = (fits, "the caller") if fits else _counter(imaginer)
    texts = [f"{attribute} {beliefs.without_article(concept)}" for attribute in attributes]

    def record(layers: dict[str, Layer], seconds: float = 0.0, reached: int = 0) -> EditRecord:
        inputs = {entrance.matrix: entrance.takes for entrance in entrances.entrances}
        changed = {f"{owner}/{matrix}": inputs[matrix] for matrix in layers}
        return EditRecord(
            name=name, method=METHOD, pairs=tuple((concept, text) for text in texts), preserve=tuple(preserve),
            settings={"lambda": UCE_LAMBDA if lam is None else lam, "rounds": float(reached), "drawn": float(drawn)},
            model=imaginer.name, model_sha256=imaginer.sha256, encoder_sha256=imaginer.painter.encoder_sha256,
            layers=changed, share_of_weights=share_of_weights(subject, changed), seconds=round(seconds, 3),
            mindseye_version=__version__,
        )  # fmt: skip

    def edited(layers: dict[str, Layer]) -> Imaginer:
        return imaginer.corrected([Edit(record(layers), owned(layers), "")])

    def owned(layers: dict[str, Layer]) -> dict[str, Layer]:
        return {f"{owner}/{matrix}": layer for matrix, layer in layers.items()}

    def observed(layers: dict[str, Layer] | None) -> Shares:
        seeds = range(COUNTED_FROM, COUNTED_FROM + drawn)
        pictures = (edited(layers) if layers else imaginer).imagine_each([concept] * drawn, list(seeds))
        has = fits(pictures, texts).argmax(1)
        shares = {attribute: float((has == place).mean()) for place, attribute in enumerate(attributes)}
        log(", ".join(f"{attribute} {share:.0%}" for attribute, share in shares.items()))
        return shares

    began = time.perf_counter()
    with threads_of(imaginer), torch.no_grad():
        found = debias(
            entrances, concept, attributes, observed,
            preserve=preserve, lam=UCE_LAMBDA if lam is None else lam, rounds=rounds,
            near=max(NEAR, _evenest(drawn, len(attributes))),
        )  # fmt: skip
    if not found.layers:
        raise BadInput(
            f"{concept!r} could not be made more even than it is",
            why=f"of {drawn} pictures, " + ", ".join(f"{share:.0%} are {a}" for a, share in found.history[0].items()),
            next_step="if that is not even, name attributes that the model draws when it is asked for them",
        )
    said = record(found.layers, time.perf_counter() - began, len(found.history) - 1)
    after = edited(found.layers)
    others = beliefs.unrelated_prompts(reader_of(imaginer), beliefs.known_captions(imaginer), concept, " ".join(texts))
    shown = beliefs.show(imaginer, after, [beliefs.Probe(beliefs.EFFICACY, concept, "", "")], 2 * drawn, log)
    figures = (
        *_shares(shown, fits, dict(zip(attributes, texts, strict=True)), who),
        *_shares(shown, fits, {ITSELF: concept, **{other: other for other in others}}, who)[:: 1 + len(others)],
        *_moved(imaginer, after, others, log),
    )
    row = min(SHOWN, 2 * drawn)
    captions = ["as it was", *[""] * (row - 1), "corrected", *[""] * (row - 1)]
    sheet = contact_sheet(
        [*shown.before[:row], *shown.after[:row]], captions, row, title=f"{concept}: {_list(attributes)}"
    )
    said = said.model_copy(update={"figures": tuple(figure.as_json() for figure in figures)})
    return kept(imaginer, path, said, owned(found.layers), figures, sheet)


def _evenest(drawn: int, attributes: int) -> float:
    """How far from even the evenest shares of so many pictures are: thirds of ten are 3, 3 and 4."""
    left = drawn % attributes
    return max(left, attributes - left) / (drawn * attributes) + 1e-9 if left else 0.0


def _counter(imaginer: Imaginer) -> tuple[Fits, str]:
    """How well each text fits each picture, and who says so: a stranger to the model, or else its own thinker."""
    if imaginer.about is not None and imaginer.about.collection.name == SHIPPED_FOR:
        judge, encoder = load_judge(), load_picture_encoder()
        return lambda pictures, texts: judge.similarity(encoder.encode(pictures), texts), judge.name
    where = imaginer.path / THINKER
    if not (where / ABOUT).is_file():
        raise BadInput(
            f"nobody can count the attributes in pictures of {imaginer.name}",
            next_step=f"make a thinker: mindseye think {imaginer.path} COLLECTION"
            if imaginer.about
            else "from Python, give even_out(..., fits=...) somebody who can, e.g. a CLIP",
        )
    thinker = load_thinker(where)
    return lambda pictures, texts: thinker.match(thinker.look(pictures), thinker.read(texts)), "its own thinker"


def _shares(shown: beliefs.Shown, fits: Fits, named: Mapping[str, str], who: str) -> list[Figure]:
    """The share of pictures that fit each text best, before and after, by the texts' names."""
    found = []
    for when, pictures in (("before", shown.before), ("after", shown.after)):
        best = fits(pictures, list(named.values())).argmax(1)
        each_for_itself = [str(seed) for seed in shown.seeds]
        found += [
            beliefs.share(f"{name}/{when}", best == place, each_for_itself, who, seeds_text(shown.seeds))
            for place, name in enumerate(named)
        ]
    return found


def _moved(before: Imaginer, after: Imaginer, others: Sequence[str], log: Log) -> list[Figure]:
    """How far pictures of other things moved."""
    asked = [beliefs.Probe(beliefs.SPECIFICITY, prompt, prompt, "") for prompt in others]
    return beliefs.figures(beliefs.show(before, after, asked, 2, log), None) if asked else []


def _list(words: Sequence[str]) -> str:
    return f"{', '.join(words[:-1])} or {words[-1]}"
