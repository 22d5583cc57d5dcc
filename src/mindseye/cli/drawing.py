"""Drawing for a person: pictures as files with readable names, one sheet of them all, a word on what was not known."""

from __future__ import annotations

import io
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mindseye import files
from mindseye.cli import console

if TYPE_CHECKING:
    from mindseye.imagine.family import Progress
    from mindseye.imagine.imaginer import Imaginer
    from mindseye.imagine.request import Request

NAME_LENGTH = 60


def draw(imaginer: Imaginer, request: Request, folder: Path, *, strip: bool = False) -> dict[str, Any]:
    """Draws what is asked for and saves it: a PNG a picture and a contact sheet.

    Args:
        imaginer: a loaded model.
        request: what to draw.
        folder: made if it is not there; no other picture in it is overwritten.
        strip: leave the story out of the PNGs.

    Returns:
        Plain JSON values: `model`, `pictures` ({path, seed, prompt, width, height} each), `sheet`, `seconds`,
        `unknown_words`, `notes`.

    Raises:
        BadInput: the model cannot do what is asked.
        Unavailable: the folder cannot be written.
    """
    from mindseye.pictures.sheet import contact_sheet
    from mindseye.pictures.story import png_bytes

    began = time.monotonic()
    with console.progress("drawing") as update:

        def watch(now: Progress) -> None:
            if update:
                update(now.step / now.steps, "")

        pictures = imaginer.imagine(request, watch)
    name = slug(request.prompt)
    paths = [
        save_beside(folder, f"{name}-{picture.story.seed}", png_bytes(picture.pixels, None if strip else picture.story))
        for picture in pictures
    ]
    page = io.BytesIO()
    contact_sheet([picture.pixels for picture in pictures], title=request.prompt).save(page, "PNG")
    return {
        "model": imaginer.name,
        "pictures": [
            {
                "path": str(path),
                "seed": picture.story.seed,
                "prompt": picture.story.prompt,
                "width": picture.pixels.shape[1],
                "height": picture.pixels.shape[0],
            }
            for path, picture in zip(paths, pictures, strict=True)
        ],
        "sheet": str(save_beside(folder, f"{name}-{request.seed}-sheet", page.getvalue())),
        "seconds": round(time.monotonic() - began, 3),
        "unknown_words": imaginer.unknown_words(request.prompt),
        "notes": imaginer.notes(request),
    }


def slug(prompt: str) -> str:
    """The prompt as part of a file name: "A smiling cat!" is "a-smiling-cat"."""
    return "-".join(re.findall(r"\w+", prompt.lower()))[:NAME_LENGTH].strip("-_") or "picture"


def save_beside(folder: Path, name: str, png: bytes) -> Path:
    """Saves as `name.png`, or `name-2.png` and so on where another picture has that name already.

    A file with the very same bytes is that picture, so it is left as it is.

    Raises:
        Unavailable: the folder cannot be written.
    """
    for path in _names(folder, name):
        with files.storage_errors(path):
            if not path.exists():
                with files.written_aside(path) as aside:
                    aside.write_bytes(png)
                return path
            if path.read_bytes() == png:
                return path
    raise AssertionError("there is always a next name")


def _names(folder: Path, name: str) -> Iterator[Path]:
    yield folder / f"{name}.png"
    number = 2
    while True:
        yield folder / f"{name}-{number}.png"
        number += 1
