"""Captions from the names of sub-folders, where nothing else says what the pictures show."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import PurePosixPath

from mindseye.collection.captions import Texts, clean

SOURCE = "sub-folder name"

# Folders that say nothing about what is in them; the one above is asked instead.
_NEUTRAL = {
    *("train", "training", "test", "testing", "valid", "validation", "val", "dev", "raw", "all", "input", "files"),
    *("data", "dataset", "image", "images", "img", "imgs", "picture", "pictures", "pics", "photo", "photos"),
}


def subfolder_texts(pictures: Sequence[str]) -> dict[str, Texts]:
    """The nearest telling folder name of each picture as its caption; pictures without one are left out.

    `10_sks_dog` (kohya: repeats, then the class) says "sks dog". One plain folder around everything tells nothing, so
    there must be two names, or kohya's number.
    """
    named = {picture: folder for picture in pictures if (folder := _telling_folder(picture))}
    folders = set(named.values())
    if len(folders) < 2 and not any(_kohya(folder) for folder in folders):
        return {}
    return {picture: clean([_words(folder)], SOURCE) for picture, folder in named.items()}


def _telling_folder(picture: str) -> str:
    for folder in reversed(PurePosixPath(picture).parts[:-1]):
        if folder.lower() not in _NEUTRAL:
            return folder
    return ""


def _kohya(folder: str) -> bool:
    return re.match(r"\d+_\D", folder) is not None


def _words(folder: str) -> str:
    return re.sub(r"^\d+_(?=\D)", "", folder).replace("_", " ")
