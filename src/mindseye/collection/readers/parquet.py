"""Parquet files with a picture and its captions in each row, as Hugging Face data sets have them."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from mindseye.collection.captions import (
    KEYWORDS_KEY,
    LAST_TEXT_KEY,
    TEXT_KEYS,
    clean,
    clean_keywords,
    clean_line,
    raw_texts,
)
from mindseye.collection.readers.found import Excluded, Found
from mindseye.collection.readers.tree import PARQUET_SUFFIX, Tree, printable, storable, suffix

IMAGE_COLUMN = "image"
_ROWS_AT_ONCE = 64


def parquet_files(tree: Tree) -> list[str]:
    """The names of a folder's or zip file's Parquet files."""
    return [name for name in tree.files if suffix(name) == PARQUET_SUFFIX]


def read_parquet(tree: Tree) -> Iterator[Found | Excluded]:
    """The pictures of all Parquet files of a folder or zip file; a file that cannot be read stops no other."""
    seen: set[str] = set()
    for name in parquet_files(tree):
        try:
            held = tree.files[name]()
            yield from _read_file(name, held if isinstance(held, Path) else io.BytesIO(held), seen)
        except (OSError, ValueError, pa.ArrowException):
            yield Excluded(name, "the Parquet file is damaged or cannot be read")
    yield from tree.excluded


def _read_file(name: str, held: Path | io.BytesIO, seen: set[str]) -> Iterator[Found | Excluded]:
    with pq.ParquetFile(held) as file:
        columns = file.schema_arrow.names
        if IMAGE_COLUMN not in columns:
            yield Excluded(name, f"it has no column `{IMAGE_COLUMN}`, only {', '.join(columns)}")
            return
        known = (IMAGE_COLUMN, *TEXT_KEYS, LAST_TEXT_KEY, "file_name", "concept", KEYWORDS_KEY)
        wanted = [column for column in known if column in columns]
        rows = (
            batch.slice(at, 1)
            for batch in file.iter_batches(batch_size=_ROWS_AT_ONCE, columns=wanted)
            for at in range(batch.num_rows)
        )
        for number, row in enumerate(rows, start=1):
            where = f"{name} row {number}"
            try:
                values = row.to_pylist()[0]
            except UnicodeDecodeError:
                yield Excluded(where, "a text in the row is not valid UTF-8")
            else:
                yield found_in_row(values, where, seen)


def found_in_row(row: dict[str, Any], where: str, seen: set[str]) -> Found | Excluded:
    """One row as a picture.

    Args:
        row: `image` as bytes or as {bytes, path}, the caption columns, and `file_name`, `concept` and `keywords` if
            there.
        where: names the row, for reasons and for a picture without a name of its own.
        seen: the names used so far; the row's name is added. A name that comes again is followed by `where`.
    """
    image = row.get(IMAGE_COLUMN)
    data, path = (image.get("bytes"), image.get("path")) if isinstance(image, dict) else (image, None)
    file_name = next((name for name in (row.get("file_name"), path, where) if isinstance(name, str) and name), where)
    file_name = printable(file_name) if storable(file_name) else where
    if file_name in seen:
        file_name = f"{file_name} ({where})"
    seen.add(file_name)
    if not isinstance(data, bytes):
        return Excluded(file_name, "the row holds no picture" + (", only the name of a file" if path else ""))
    concept = row.get("concept")
    column = next((key for key in TEXT_KEYS if row.get(key)), LAST_TEXT_KEY)
    return Found(
        file_name,
        lambda: data,
        clean(raw_texts(row), f"column {column}"),
        clean_line(concept) if isinstance(concept, str) and storable(concept) else "",
        clean_keywords(row.get(KEYWORDS_KEY)),
    )
