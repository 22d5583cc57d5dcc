"""A data set of the Hugging Face hub, by its name, through the `datasets` library."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from mindseye.collection.readers.found import Excluded, Found
from mindseye.collection.readers.parquet import IMAGE_COLUMN, found_in_row
from mindseye.errors import BadInput, Unavailable


def is_hub_name(source: str) -> bool:
    """Whether `source` has the form of a data set's name: owner/name."""
    return re.fullmatch(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*", source) is not None


def read_hub(name: str) -> Iterator[Found | Excluded]:
    """All pictures of all splits of the data set; its own splits are not kept.

    Raises:
        Unavailable: it cannot be reached, or is not there.
        BadInput: it has no column of pictures.
    """
    import datasets  # here, since it is slow to import and only this reader needs it

    try:
        splits = datasets.load_dataset(name)
    except Exception as error:  # the library raises dozens of unrelated classes here, its network client's too
        raise Unavailable(
            f"there is no file or folder {name}, and the data set of that name cannot be loaded",
            why=f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else 'no details'}",
            next_step="check the path or name and the network, or download the data set and give its folder",
        ) from error
    seen: set[str] = set()
    for split, rows in splits.items():
        if not isinstance(rows.features.get(IMAGE_COLUMN), datasets.Image):
            raise BadInput(
                f"the data set {name} has no column `{IMAGE_COLUMN}` of pictures",
                why=f"its columns are {', '.join(rows.column_names)}",
            )
        for number, row in enumerate(rows.cast_column(IMAGE_COLUMN, datasets.Image(decode=False)), start=1):
            yield found_in_row(_with_bytes(row), f"{split} row {number}", seen)


def _with_bytes(row: dict[str, Any]) -> dict[str, Any]:
    """The row with its picture's bytes, which may lie in a file that the library has downloaded."""
    image = row[IMAGE_COLUMN]
    if image is None or image["bytes"] is not None or not image["path"]:
        return row
    try:
        with open(image["path"], "rb") as file:
            return {**row, IMAGE_COLUMN: {"bytes": file.read(), "path": image["path"].rsplit("/", 1)[-1]}}
    except OSError:
        return row
