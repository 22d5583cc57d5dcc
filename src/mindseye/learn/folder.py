"""A model on disk: a folder by the diffusers convention, with our facts and a card for people beside it.

    model_index.json, transformer/, scheduler/   the components (config.json and .safetensors each)
    mindseye.json                                `About`: family, settings, text encoder, collection, training
    words.txt                                    every word of the captions it was trained with, one a line
    palette.hex                                  the colours of the pixel art it was trained with, as pixel editors
                                                 read them: one a line, the most frequent first
    nearest.safetensors                          its training pictures as the picture encoder sees them, some 300 bytes
                                                 each, so that stories can name those that a drawn picture looks like
    README.md, sheet.png                         the model card, and what it drew when it was finished
    thinker/                                     what looks at its pictures and chooses among them, where there is one
    edits/                                       corrections of it, a file each, added only where they are asked for

The frozen text encoder is named with its SHA-256 and never copied in. Nothing in a folder is ever run.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

from PIL import Image
from pydantic import ValidationError

from mindseye.errors import BadInput
from mindseye.files import written_aside
from mindseye.learn.about import About
from mindseye.learn.card import model_card
from mindseye.learn.learner import Learner

Kind = TypeVar("Kind", bound=Learner)

ABOUT = "mindseye.json"
WORDS = "words.txt"
PALETTE = "palette.hex"
NEAREST = "nearest.safetensors"
THINKER = "thinker"  # where a model keeps the thinker that chooses among what it draws
EDITS = "edits"  # and its corrections
MODELS = Path(__file__).parents[1] / "models"  # those that come with the package


def save_model(
    folder: Path,
    learner: Learner,
    model: Any,
    about: About,
    words: Sequence[str],
    sheet: Image.Image | None,
    palette: Sequence[str] = (),
) -> None:
    """Writes a model folder, whole or not at all; an existing one is replaced.

    Args:
        words: of the captions it was trained with.
        sheet: what it drew when it was finished.
        palette: "rrggbb", the colours that its pictures are to have; none where any colour will do.

    Raises:
        Unavailable: the disk is full or refuses.
    """
    with written_aside(folder) as aside:
        aside.mkdir()
        learner.save(model, aside)
        for path in aside.rglob("*.safetensors"):
            path.chmod(0o644)  # that library makes them readable for their owner only
        (aside / ABOUT).write_text(about.model_dump_json(indent=2) + "\n", encoding="utf-8")
        (aside / WORDS).write_text("".join(f"{word}\n" for word in sorted(set(words))), encoding="utf-8")
        (aside / "README.md").write_text(model_card(about, learner, has_sheet=sheet is not None), encoding="utf-8")
        if palette:
            (aside / PALETTE).write_text("".join(f"{colour}\n" for colour in palette), encoding="ascii")
        if sheet is not None:
            sheet.save(aside / "sheet.png", format="PNG")


def find_model(name_or_path: str | Path) -> Path:
    """The folder of a model that comes with the package, or of one given by its path; see `find_ours`.

    Raises:
        BadInput: there is none.
    """
    if folder := find_ours(name_or_path):
        return folder
    raise BadInput(
        f"there is no model {str(name_or_path)!r}",
        why="it is neither a model that comes with mindseye nor a folder with a finished model in it",
        next_step=f"use one of {', '.join(shipped_models()) or '(none shipped)'}, a folder made by `mindseye train`, or"
        " a diffusers pipeline by its folder or hub name (owner/model)",
    )


def find_ours(name_or_path: str | Path) -> Path | None:
    """The folder of a model of ours, if there is one.

    A name wins over a folder of that name; write `./emoji` for the folder. A run folder stands for its `model`.
    """
    name = str(name_or_path)
    if name in shipped_models():
        return MODELS / name
    folders = (Path(name), Path(name) / "model", Path(name) / "run" / "model")
    return next((folder for folder in folders if (folder / ABOUT).is_file()), None)


def shipped_models() -> list[str]:
    """The names of the models that come with the package."""
    return sorted(path.parent.name for path in MODELS.glob(f"*/{ABOUT}"))


def read_about(folder: Path) -> About:
    """What a model folder says of itself.

    Raises:
        BadInput: the file is missing, damaged, or of a newer mindseye.
    """
    path = folder / ABOUT
    try:
        about = About.model_validate_json(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, ValidationError) as error:
        raise BadInput(
            f"{folder} is not a model folder that can be read",
            why=f"{ABOUT} is missing, damaged or made by a newer version",
            next_step="copy the whole folder again, or update mindseye",
        ) from error
    return about


def load_model(folder: Path, learners: Callable[[str], Kind]) -> tuple[Kind, Any, About]:
    """The learner, its model ready for use, and what its folder says of it.

    Args:
        folder: a model folder.
        learners: the learner of a name; it raises `BadInput` for those that are not wanted here.

    Raises:
        BadInput: the folder is incomplete or damaged, or holds weights in a format that could run code.
    """
    about = read_about(folder)
    refused = sorted(path.name for suffix in ("pkl", "pt", "ckpt", "bin") for path in folder.rglob(f"*.{suffix}"))
    if refused:
        raise BadInput(
            f"{folder} is not opened: it holds {refused[0]}",
            why="such files can run code when they are read; a mindseye model has .safetensors only",
            next_step="delete that file if you trust the rest, or get the model again",
        )
    learner = learners(about.family)
    try:
        return learner, learner.load(learner.config.model_validate(about.config), folder), about
    except BadInput:
        raise
    except Exception as error:  # whatever torch, safetensors or diffusers find wrong with a damaged folder
        raise BadInput(
            f"the model in {folder} cannot be opened",
            why="its weights are missing, damaged or do not fit its settings",
            next_step="copy the whole folder again, or train it again",
        ) from error


def vocabulary(folder: Path) -> frozenset[str]:
    """Every word of the captions that the model in `folder` was trained with."""
    return frozenset((folder / WORDS).read_text(encoding="utf-8").split("\n")) - {""}


def palette(folder: Path) -> tuple[str, ...]:
    """The colours that the pictures of the model in `folder` have, as "rrggbb"; none where any colour will do.

    Raises:
        BadInput: the file is damaged.
    """
    path = folder / PALETTE
    if not path.exists():
        return ()
    colours = tuple(path.read_text(encoding="ascii", errors="replace").split())
    if not all(re.fullmatch("[0-9a-f]{6}", colour) for colour in colours):
        raise BadInput(f"{path} is not a palette", why="a line of it is not six hexadecimal digits")
    return colours


def weights_digest(folder: Path) -> str:
    """SHA-256 over the weights in a model folder: what a picture's story names."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*.safetensors")):
        if {THINKER, EDITS, NEAREST} & set(path.relative_to(folder).parts):
            continue  # two look at what the model draws, the edits change it only where a request names them
        with open(path, "rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()
