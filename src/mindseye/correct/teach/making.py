"""`teach`: a model folder that knows one word more. `unteach`: the folder as it was before."""

from __future__ import annotations

import re
import shutil
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from mindseye import __version__
from mindseye.correct import ledger
from mindseye.correct.teach.learning import learn
from mindseye.errors import BadInput
from mindseye.files import written_aside
from mindseye.imagine.diffusion.model import Diffusion
from mindseye.imagine.edits import STRENGTH, TEACHING, Edit, EditRecord, Lesson, edit_path, read_edit, write_edit
from mindseye.imagine.imaginer import Imaginer, load
from mindseye.imagine.request import Request
from mindseye.learn.folder import ABOUT, EDITS, THINKER, weights_digest
from mindseye.observe.pictures import load_picture_encoder
from mindseye.observe.vocabulary import words_of
from mindseye.pictures.opener import open_picture
from mindseye.pictures.sheet import contact_sheet
from mindseye.pictures.tensors import fit, to_model
from mindseye.think.thinker import load_thinker

WORD = re.compile(r"[a-z0-9]{2,32}")
MOST_PICTURES = 5
PICTURES_SEEN = 400
STRONGEST = 2.0
FITTING = 50  # captions among which a thinker finds a short one
STAND_IN_WORDS = 3  # at most: more would say too much of their own
STAND_IN = "thing"  # where neither a person nor a thinker says what the word is like
SHOWN = ("a {}", "a {} on a table", "a red {}")  # wordings on the sheet

Log = Callable[[str], None]


@dataclass(frozen=True)
class Taught:
    """A word that was taught.

    Attributes:
        edit: as it lies in its file.
        path: the file.
        model: the folder that knows the word.
        sheet: the pictures beside drawings with the word; None where none were asked for.
    """

    edit: Edit
    path: Path
    model: Path
    sheet: Image.Image | None


def teach(
    model: Imaginer | str | Path,
    word: str,
    pictures: Sequence[Path | bytes],
    out: Path | str,
    *,
    like: str = "",
    strength: float = 1.0,
    mirror: bool = True,
    pictures_seen: int = PICTURES_SEEN,
    seed: int = 0,
    force: bool = False,
    drawn: int = 1,
    log: Log = lambda line: None,
) -> Taught:
    """Teaches a model a word from one to five pictures.

    The model's own files are not written: `out` becomes a copy of its folder with the word beside them, in a file of
    its own. A folder that is a copy already, one that knows another word, for instance, gets this one, too.

    Args:
        model: a loaded diffusion model, a shipped one's name or a folder.
        word: 2 to 32 letters a to z and digits; capitals do not matter.
        pictures: files of pictures, or their bytes; each is fitted to the model's size.
        out: the folder that knows the word.
        like: known words for something like it, "cat face"; what the model's thinker says of the pictures unless given.
        strength: the share of what was learnt that is in force, 0 to 2; at 0 the word says what it is like.
        mirror: whether the pictures may be seen mirrored; not so for letters.
        pictures_seen: how many pictures it learns from, each time moved and noised.
        seed: of what is seen.
        force: teach a word that captions had or that was taught before, in place of what it says now.
        drawn: pictures for each wording of the sheet, 0 for none.
        log: called with a line of text now and then.

    Raises:
        BadInput: the word, a picture, the strength, the model or the folder cannot be used.
        Unavailable: the disk refuses.
    """
    imaginer, out, word = model if isinstance(model, Imaginer) else load(model), Path(out), word.lower()
    picture_maker = _picture_maker(imaginer)
    _check(imaginer, word, pictures, strength, force)
    _check_folder(imaginer, out, word, force)
    at = imaginer.picture_format
    shown = [np.asarray(fit(open_picture(each), at.size_px, at.channels, at.pixel_art)) for each in pictures]
    stands_in = stand_in(imaginer, like, np.stack(shown))
    log(f"learns {word!r}, beginning with what {stands_in!r} says")
    began = time.perf_counter()
    learnt = learn(
        picture_maker, imaginer.ours.encoder, word, stands_in, to_model(np.stack(shown)),
        pictures_seen=pictures_seen, seed=seed, mirror=mirror, log=log,
    )  # fmt: skip
    seconds = time.perf_counter() - began
    log(f"it took {seconds:.0f} s; loss on the pictures {learnt.before:.3f} before, {learnt.after:.3f} after")
    record = EditRecord(
        name=word,
        method=TEACHING,
        pairs=((word, stands_in),),
        settings={
            STRENGTH: strength, "pictures": len(shown), "pictures_seen": pictures_seen, "seed": seed,
            "loss_before": round(learnt.before, 4), "loss_after": round(learnt.after, 4),
        },
        model=imaginer.name,
        model_sha256=imaginer.sha256,
        encoder_sha256=imaginer.ours.encoder.sha256,
        layers={},
        share_of_weights=0.0,
        seconds=round(seconds, 3),
        mindseye_version=__version__,
    )  # fmt: skip
    lesson = Lesson(learnt.change, load_picture_encoder().encode(np.stack(shown)).pooled)
    edit = _kept(imaginer, out, record, lesson)
    sheet = _sheet(load(out), word, shown, drawn, log) if drawn else None
    return Taught(edit, edit_path(out / EDITS, word), out, sheet)


def unteach(model: Imaginer | str | Path, word: str) -> Path:
    """Takes a word back: its file, whose path is returned, is deleted, and the folder has the bytes that it had.

    Raises:
        BadInput: the model was not taught this word.
        Unavailable: the disk refuses.
    """
    imaginer = model if isinstance(model, Imaginer) else load(model)
    taught = [edit.name for edit in ledger.edits(imaginer) if edit.lesson]
    if word.lower() not in taught:
        raise BadInput(
            f"{imaginer.name} was not taught {word!r}",
            why=f"the words that it was taught are {', '.join(taught)}" if taught else "it was taught none",
            next_step="mindseye correct MODEL --list shows them",
        )
    return ledger.remove(imaginer, word.lower())


def _picture_maker(imaginer: Imaginer) -> Diffusion:
    model = imaginer.ours.model
    if not isinstance(model, Diffusion):
        raise BadInput(
            f"{imaginer.name} cannot be taught words",
            why=f"it is of the family {imaginer.kind}, and words are taught to the family diffusion",
            next_step="use a diffusion model: mindseye train diffusion COLLECTION --out RUN",
        )
    if not imaginer.ours.about.collection.captions:
        raise BadInput(
            f"{imaginer.name} cannot be taught words", why="it learnt without captions", next_step="train with captions"
        )
    return model


def _check(imaginer: Imaginer, word: str, pictures: Sequence[Path | bytes], strength: float, force: bool) -> None:
    if not WORD.fullmatch(word):
        raise BadInput(
            f"{word!r} cannot be taught", why="a word has 2 to 32 letters a to z and digits", next_step="choose another"
        )
    if not 1 <= len(pictures) <= MOST_PICTURES:
        raise BadInput(
            f"a word is taught from 1 to {MOST_PICTURES} pictures, not {len(pictures)}",
            next_step=f"choose the best {MOST_PICTURES}; for a whole folder train a model: mindseye begin FOLDER"
            if pictures
            else "give one",
        )
    if not 0 <= strength <= STRONGEST:
        raise BadInput(f"strength cannot be {strength}", next_step=f"choose 0 to {STRONGEST:g}; 1 is what was learnt")
    if not force and not imaginer.unknown_words(word):
        raise BadInput(
            f"{imaginer.name} knows {word!r} already",
            next_step="choose a word of your own, or give it this meaning instead: --force",
        )


def _check_folder(imaginer: Imaginer, out: Path, word: str, force: bool) -> None:
    """Whether `out` is free, or a copy of the same model that has not this word."""
    if out.resolve() != imaginer.path.resolve() and imaginer.path.resolve() in out.resolve().parents:
        raise BadInput(f"{out} lies inside the model's own folder", next_step="choose a folder of its own")
    if out.exists() and not ((out / ABOUT).is_file() and weights_digest(out) == imaginer.sha256):
        raise BadInput(
            f"{out} is there already",
            why=f"and it is not a copy of {imaginer.name}, which the word could be added to",
            next_step="choose a new folder",
        )
    if edit_path(out / EDITS, word).exists() and not force:
        raise BadInput(
            f"the model in {out} was taught {word!r}, or has an edit of that name, already",
            next_step=f"take it back first, mindseye unteach {out} {word}, or teach it anew: --force",
        )


def stand_in(imaginer: Imaginer, like: str, pictures: np.ndarray) -> str:
    """Known words to begin with: those that were given, or the short caption that fits the pictures best."""
    if like:
        if unknown := imaginer.unknown_words(like):
            raise BadInput(
                f"like: {imaginer.name} does not know {', '.join(unknown)}", next_step="choose words that it knows"
            )
        if not imaginer.ours.encoder.words(like):
            raise BadInput("like has no words", next_step='give some, for instance --like "a cat"')
        return _without_article(like)
    if not (imaginer.path / THINKER / ABOUT).is_file():
        return STAND_IN
    thinker = load_thinker(imaginer.path / THINKER)
    shares: dict[str, float] = defaultdict(float)
    for captions in thinker.captions_for(thinker.look(pictures), FITTING):
        for caption, share in captions:
            if len(words_of(caption)) <= STAND_IN_WORDS:
                shares[caption] += share
    return _without_article(max(shares, key=shares.__getitem__, default=STAND_IN))


def _without_article(words: str) -> str:
    return re.sub(r"^(a|an|the)\s+(?=\S)", "", words.strip(), flags=re.IGNORECASE)


def _kept(imaginer: Imaginer, out: Path, record: EditRecord, lesson: Lesson) -> Edit:
    """Writes the word's file, in a copy of the model's folder unless `out` is one; whole or not at all."""
    if out.exists():
        write_edit(edit_path(out / EDITS, record.name), record, {}, lesson)
    else:
        with written_aside(out) as aside:
            shutil.copytree(imaginer.path, aside)
            edit_path(aside / EDITS, record.name).unlink(missing_ok=True)
            write_edit(edit_path(aside / EDITS, record.name), record, {}, lesson)
    return read_edit(edit_path(out / EDITS, record.name))


def _sheet(imaginer: Imaginer, word: str, pictures: Sequence[np.ndarray], count: int, log: Log) -> Image.Image:
    """The pictures, then what the model makes of the word."""
    tiles, captions = list(pictures), ["shown"] * len(pictures)
    for wording in SHOWN:
        prompt = wording.format(word)
        log(f"draws {prompt!r}")
        tiles += [picture.pixels for picture in imaginer.imagine(Request(prompt=prompt, count=count))]
        captions += [prompt] * count
    return contact_sheet(tiles, captions, columns=min(len(tiles), 6), title=word)
