"""Captions in `metadata.jsonl` or `metadata.csv` (Hugging Face imagefolder): rows of `file_name`, `text`, ..."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any

from mindseye.collection.captions import KEYWORDS_KEY, MOST, Texts, clean, clean_keywords, clean_line, decode, raw_texts
from mindseye.collection.readers.found import Excluded
from mindseye.collection.readers.tree import METADATA_LIMIT_BYTES, Tree, inside, printable

METADATA_NAMES = ("metadata.jsonl", "metadata.csv")  # where both speak of a picture, the first is used


class Metadata:
    """What all metadata files of a source say. A file speaks of its folder and those below; the nearest is used.

    Attributes:
        excluded: rows that cannot be used, each with its file, line and reason.
    """

    def __init__(self, tree: Tree) -> None:
        self.excluded: list[Excluded] = []
        self._texts: dict[str, Texts] = {}
        self._concepts: dict[str, str] = {}
        self._keywords: dict[str, tuple[str, ...]] = {}
        names = [name for name in tree.files if PurePosixPath(name).name.lower() in METADATA_NAMES]
        for name in sorted(names, key=_nearest_last):
            self._read(tree, name)

    def texts(self, picture: str) -> Texts | None:
        """The captions of a picture, or None if no row speaks of it."""
        return self._texts.get(picture)

    def concept(self, picture: str) -> str:
        """The `concept` column's value; "" if there is none."""
        return self._concepts.get(picture, "")

    def keywords(self, picture: str) -> tuple[str, ...]:
        """What the `keywords` column says; nothing if there is none."""
        return self._keywords.get(picture, ())

    def _read(self, tree: Tree, name: str) -> None:
        """Takes over the rows of one file; they override what a file further up said."""
        source = PurePosixPath(name).name.lower()
        raw: dict[str, list[Any]] = {}
        rows: Counter[str] = Counter()
        for line, row in self._rows(tree, name):
            picture = self._picture(tree, name, line, row)
            if picture is None:
                continue
            rows[picture] += 1
            texts = raw.setdefault(picture, [])
            if len(texts) <= MOST:
                texts += raw_texts(row)
            if isinstance(concept := row.get("concept"), str) and clean_line(concept):
                self._concepts[picture] = clean_line(concept)
            if keywords := clean_keywords(row.get(KEYWORDS_KEY)):
                self._keywords[picture] = keywords
        for picture, texts in raw.items():
            found = clean(texts, source)
            if rows[picture] > 1:
                note = f"named in {rows[picture]} rows of {name}; their captions were united"
                found = Texts(found.captions, found.source, found.problem, (*found.notes, note))
            self._texts[picture] = found

    def _picture(self, tree: Tree, name: str, line: int, row: dict[str, Any]) -> str | None:
        """The picture that a row speaks of; None, and an entry in `excluded`, if it is none of the source."""
        where = f"{name} line {line}"
        file_name = row.get("file_name")
        if not isinstance(file_name, str) or not file_name.strip():
            self.excluded.append(Excluded(where, "the row has no file_name"))
            return None
        shown = printable(file_name)[:200]
        picture = inside(str(PurePosixPath(name).parent), file_name.strip())
        if picture is None:
            self.excluded.append(Excluded(shown, f"{where} names a path outside the folder"))
        elif picture not in tree.files:
            self.excluded.append(Excluded(shown, f"{where} names it, but it is missing"))
        else:
            return picture
        return None

    def _rows(self, tree: Tree, name: str) -> Iterator[tuple[int, dict[str, Any]]]:
        """Line number and row; what is no row goes into `excluded`."""
        try:
            text = decode(tree.read(name, METADATA_LIMIT_BYTES))
        except OSError as error:
            self.excluded.append(Excluded(name, f"cannot be read: {error.strerror or error}"))
            return
        rows = _csv_rows(text) if name.lower().endswith(".csv") else _json_rows(text)
        for line, row in rows:
            if isinstance(row, dict):
                yield line, row
            else:
                self.excluded.append(Excluded(f"{name} line {line}", row))


def _nearest_last(name: str) -> tuple[int, int, str]:
    """Order of reading: what is read later overrides, so deeper folders come later, and .jsonl after .csv."""
    path = PurePosixPath(name)
    return len(path.parts), -METADATA_NAMES.index(path.name.lower()), name


def _json_rows(text: str) -> Iterator[tuple[int, dict[str, Any] | str]]:
    for line, content in enumerate(io.StringIO(text), start=1):
        if not content.strip():
            continue
        try:
            value = json.loads(content)
        except (ValueError, RecursionError):
            yield line, "the line is not valid JSON"
            continue
        yield line, value if isinstance(value, dict) else "the line is not a JSON object"


def _csv_rows(text: str) -> Iterator[tuple[int, dict[str, Any] | str]]:
    reader = csv.DictReader(io.StringIO(text, newline=""))
    while True:
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield reader.line_num + 1, f"the row is not valid CSV: {error}"
            continue
        yield reader.line_num, {key: _csv_value(key, value) for key, value in row.items() if key is not None and value}


def _csv_value(key: str, value: str) -> Any:
    """`captions` and `keywords` may hold a JSON list; everything else is text."""
    if key in ("captions", KEYWORDS_KEY) and value.lstrip().startswith("["):
        try:
            return json.loads(value)
        except (ValueError, RecursionError):
            return value
    return value
