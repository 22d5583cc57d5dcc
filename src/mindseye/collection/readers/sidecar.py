"""Captions in a file beside the picture: `cat.txt`, `cat.caption` or `cat.json` for `cat.png`."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any

from mindseye.collection.captions import Texts, clean, decode, raw_texts
from mindseye.collection.readers.tree import TEXT_LIMIT_BYTES, Tree, suffix

SIDECAR_SUFFIXES = (".txt", ".caption", ".json")  # the first that has a caption supplies it


class Sidecars:
    """Finds the sidecar files of pictures; extensions match in any case."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree
        self._by_key = {(_stem(name), suffix(name)): name for name in tree.files if suffix(name) in SIDECAR_SUFFIXES}

    def texts(self, picture: str) -> Iterator[Texts]:
        """What each sidecar of the picture says, in order of precedence."""
        for kind in SIDECAR_SUFFIXES:
            if name := self._by_key.get((_stem(picture), kind)):
                yield self._read(name, kind)

    def _read(self, name: str, kind: str) -> Texts:
        source = f"sidecar {kind}"
        try:
            text = decode(self._tree.read(name, TEXT_LIMIT_BYTES))
        except OSError as error:
            return Texts(source=source, problem=f"{name} cannot be read: {error.strerror or error}")
        if kind != ".json":
            return clean(re.split(r"\r\n|\r|\n", text), source)
        try:
            return clean(_json_texts(json.loads(text)), source)
        except (ValueError, RecursionError):
            return Texts(source=source, problem=f"{name} is not valid JSON")


def _stem(name: str) -> str:
    return str(PurePosixPath(name).with_suffix(""))


def _json_texts(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return raw_texts(value)
    return value if isinstance(value, list) else [value]
