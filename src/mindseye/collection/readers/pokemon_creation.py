"""The two files of the "Pokemon creation" course data: pictures as rows of palette indices, and the palette.

    pixel_color.txt   a picture a row: side x side indices, the picture's rows one after another (20 x 20: 400)
    colormap.txt      a colour a row: red green blue, 0 to 255; row n is the colour of index n, counted from 0

The side comes from the length of the rows and the palette from the file. There are no captions. The pictures are not
ours to give: the files are the user's own, in a folder named as `pokemon-creation:FOLDER`, or just as the folder.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from math import isqrt
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mindseye.collection.captions import Texts
from mindseye.collection.readers.found import Found
from mindseye.errors import BadInput

PREFIX = "pokemon-creation:"
PICTURES = "pixel_color.txt"
PALETTE = "colormap.txt"
MOST_BYTES = 2**26  # of each file


def pokemon_creation_folder(source: str | Path) -> Path | None:
    """The folder, if `source` is meant to be one with the course's two files; else None.

    Raises:
        BadInput: `source` starts with "pokemon-creation:" but the folder lacks one of the files.
    """
    named = str(source).startswith(PREFIX)
    folder = Path(str(source).removeprefix(PREFIX))
    missing = [name for name in (PICTURES, PALETTE) if not (folder / name).is_file()]
    if named and missing:
        raise BadInput(
            f"{folder} has no {' and no '.join(missing)}",
            next_step=f"give the folder that holds {PICTURES} and {PALETTE}",
        )
    return None if missing else folder


def read_pokemon_creation(folder: Path) -> Iterator[Found]:
    """The pictures of `pixel_color.txt` in the colours of `colormap.txt`, RGB, without captions.

    Raises:
        BadInput: a row is ragged, not square, not of whole numbers or out of range; the row is named, counted from 1.
    """
    palette = _palette(folder / PALETTE)
    indices = _pictures(folder / PICTURES, len(palette))
    for number, picture in enumerate(indices, start=1):
        yield Found(f"row-{number:05d}.png", _png(palette[picture]), Texts())


def _palette(path: Path) -> NDArray[np.uint8]:
    """[colour, 3]"""
    rows = _whole_numbers(path, limit=256, meaning="a part of a colour is 0 to 255")
    for number, row in enumerate(rows, start=1):
        if len(row) != 3:
            raise BadInput(f"{path} row {number} has {len(row)} numbers", why="a colour is red, green and blue")
    return np.array(rows, dtype=np.uint8)


def _pictures(path: Path, colours: int) -> NDArray[np.intp]:
    """[picture, side, side], each an index into the palette."""
    rows = _whole_numbers(path, limit=colours, meaning=f"the palette has the colours 0 to {colours - 1}")
    length = len(rows[0])
    side = isqrt(length)
    if side * side != length:
        raise BadInput(
            f"{path} row 1 has {length} numbers", why="the pictures are square, so it must be a square number"
        )
    for number, row in enumerate(rows, start=1):
        if len(row) != length:
            raise BadInput(f"{path} row {number} has {len(row)} numbers", why=f"row 1 has {length}")
    return np.array(rows, dtype=np.intp).reshape(-1, side, side)


def _whole_numbers(path: Path, *, limit: int, meaning: str) -> list[list[int]]:
    """The numbers of each row, all at least 0 and below `limit`."""
    if path.stat().st_size > MOST_BYTES:
        raise BadInput(f"{path} is larger than {MOST_BYTES // 2**20} MiB", why="that is no file of small pictures")
    rows = []
    lines = path.read_text(encoding="utf-8", errors="replace").rstrip().split("\n")
    for number, line in enumerate(lines, start=1):
        words = line.split()
        if not words:
            raise BadInput(f"{path} row {number} is empty")
        wrong = next((word for word in words if not (word.isascii() and word.isdigit() and len(word) <= 9)), None)
        if wrong is not None:
            raise BadInput(
                f"{path} row {number} holds {wrong[:20]!r}", why="only whole numbers from 0 up may stand there"
            )
        row = [int(word[-19:]) for word in words]
        if max(row) >= limit:
            raise BadInput(f"{path} row {number} holds {max(row)}", why=meaning)
        rows.append(row)
    return rows


def _png(pixels: NDArray[np.uint8]) -> Callable[[], bytes]:
    def load() -> bytes:
        out = io.BytesIO()
        Image.fromarray(pixels, "RGB").save(out, "PNG")
        return out.getvalue()

    return load
