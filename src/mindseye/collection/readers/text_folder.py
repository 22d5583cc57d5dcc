"""Captions in a folder of their own: `text/a/b.txt` for `images/a/b.jpg`, as CUB-200-2011 comes with captions.

    CUB_200_2011/images/001.Black_footed_Albatross/..._0001_796111.jpg
    CUB_200_2011/images.txt, bounding_boxes.txt             a number and a path; the number and x, y, width, height
    text/001.Black_footed_Albatross/..._0001_796111.txt     a caption a line (Reed et al. 2016)

This is the layout that StackGAN and AttnGAN train on; `text` may lie beside `images` or one folder further up. Where
there are boxes, pictures are cropped around them as those programs do. Nothing pickled is ever read.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path, PurePosixPath

from mindseye.collection.captions import Texts, clean, clean_line, decode
from mindseye.collection.readers.found import Excluded
from mindseye.collection.readers.tree import METADATA_LIMIT_BYTES, TEXT_LIMIT_BYTES, Tree
from mindseye.pictures.opener import open_picture

PICTURES, TEXTS = "images", ("text", "text_c10")
NAMES, BOXES = "images.txt", "bounding_boxes.txt"
MARGIN = 0.75  # half the edge of the crop, in longer edges of the box (Zhang et al. 2017, StackGAN)

Box = tuple[float, float, float, float]  # left, top, width, height
Load = Callable[[], Path | bytes]


class TextFolders:
    """Finds the captions, boxes and species of pictures that lie in a folder `images`.

    Attributes:
        excluded: lines of a list of boxes that cannot be used.
    """

    def __init__(self, tree: Tree) -> None:
        self.excluded: list[Excluded] = []
        self._tree = tree
        self._texts = {picture: text for picture in tree.pictures() if (text := _text_of(picture, tree))}
        self._boxes: dict[str, Box] = {}
        for parent in sorted({_split(picture)[0] for picture in self._texts}):
            self._read_boxes(parent)

    def texts(self, picture: str) -> Texts | None:
        """The captions of a picture, or None if there is no text of its name."""
        name = self._texts.get(picture)
        if name is None:
            return None
        source = "text folder, cropped to the box" if picture in self._boxes else "text folder"
        try:
            lines = decode(self._tree.read(name, TEXT_LIMIT_BYTES)).splitlines()
        except OSError as error:
            return Texts(source=source, problem=f"{name} cannot be read: {error.strerror or error}")
        return clean(lines, source)

    def concept(self, picture: str) -> str:
        """The species of a numbered folder: "Black footed Albatross" of `001.Black_footed_Albatross`; else ""."""
        named = re.fullmatch(r"\d+\.(.+)", PurePosixPath(picture).parent.name) if picture in self._texts else None
        return clean_line(named[1].replace("_", " ")) if named else ""

    def load(self, picture: str) -> Load:
        """What gives the picture, cropped around its box if it has one."""
        whole = self._tree.files[picture]
        return partial(_cropped, picture, whole, self._boxes[picture]) if picture in self._boxes else whole

    def _read_boxes(self, parent: str) -> None:
        """The two lists in `parent`, which belong together by the number that each line begins with."""
        names, boxes = (str(PurePosixPath(parent, name)) for name in (NAMES, BOXES))
        if names not in self._tree.files or boxes not in self._tree.files:
            return
        numbered = {number: rest for _, number, rest in self._lines(names)}
        for line, number, rest in self._lines(boxes):
            numbers = rest.split()
            if len(numbers) != 4 or not all(re.fullmatch(r"-?\d{1,6}(\.\d{1,6})?", one) for one in numbers):
                self.excluded.append(Excluded(f"{boxes} line {line}", "no box: left, top, width and height are asked"))
            elif number in numbered:
                left, top, width, height = map(float, numbers)
                picture = str(PurePosixPath(parent, PICTURES, numbered[number]))
                self._boxes[picture] = (left, top, width, height)

    def _lines(self, name: str) -> Iterator[tuple[int, str, str]]:
        """Number of the line, its first word, and the rest of it."""
        try:
            lines = decode(self._tree.read(name, METADATA_LIMIT_BYTES)).splitlines()
        except OSError as error:
            self.excluded.append(Excluded(name, f"cannot be read: {error.strerror or error}"))
            return
        for line, content in enumerate(lines, start=1):
            first, _, rest = content.strip().partition(" ")
            if first:
                yield line, first, rest.strip()


def _split(picture: str) -> tuple[str, str]:
    """The folder above the outermost `images` of a path, and the path below it; "" where there is no such folder."""
    parts = PurePosixPath(picture).parts
    if PICTURES not in parts[:-1]:
        return "", ""
    at = parts.index(PICTURES)
    return str(PurePosixPath(*parts[:at])), str(PurePosixPath(*parts[at + 1 :]))


def _text_of(picture: str, tree: Tree) -> str:
    parent, below = _split(picture)
    if not below:
        return ""
    text = PurePosixPath(below).with_suffix(".txt")
    places = [PurePosixPath(folder, name, text) for name in TEXTS for folder in (parent, PurePosixPath(parent).parent)]
    return next((str(place) for place in places if str(place) in tree.files), "")


def _cropped(name: str, load: Load, box: Box) -> bytes:
    """A square around the middle of the box, cut off where the picture ends, as PNG.

    Raises:
        PictureError: it cannot be opened.
        OSError: the box lies outside the picture.
    """
    picture = open_picture(load(), name=name)
    left, top, width, height = box
    half = int(MARGIN * max(width, height))
    x, y = int(left + width / 2), int(top + height / 2)
    edges = (max(0, x - half), max(0, y - half), min(picture.width, x + half), min(picture.height, y + half))
    if edges[0] >= edges[2] or edges[1] >= edges[3]:
        raise OSError("its bounding box lies outside it")
    out = io.BytesIO()
    picture.crop(edges).save(out, "PNG", compress_level=1)
    return out.getvalue()
