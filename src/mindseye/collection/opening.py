"""Finding a collection by what a person calls it: a built-in by its name, a prepared one by its folder."""

from __future__ import annotations

from pathlib import Path

from mindseye.collection.builtin import BUILTIN
from mindseye.collection.collection import RECORD, Collection, is_prepared, open_prepared
from mindseye.errors import BadInput


def open_collection(name_or_path: str | Path) -> Collection:
    """Opens a built-in collection by its name, or a prepared one by its folder.

    A plain built-in name wins over a folder of that name; write `./emoji` for the folder.

    Raises:
        BadInput: there is no such collection, or it is a source that must be collected first, or it is damaged.
    """
    if str(name_or_path) in BUILTIN:
        return BUILTIN[str(name_or_path)]()
    path = Path(name_or_path)
    if is_prepared(path):
        return open_prepared(path)
    if path.exists():
        raise BadInput(
            f"{path} is not a prepared collection",
            why=f"it has no {RECORD} of ours",
            next_step=f"prepare it first: mindseye collect {path} NEW_FOLDER",
        )
    raise BadInput(
        f"there is no collection {str(name_or_path)!r}",
        why=f"it is no folder, and the built-in ones are {', '.join(sorted(BUILTIN))}",
        next_step="a `datasets` name is prepared first: mindseye collect NAME NEW_FOLDER",
    )
