"""A folder of pictures, read in place; symbolic links never lead out of it."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path

from mindseye.collection.readers.found import Excluded
from mindseye.collection.readers.tree import Tree, is_clutter, printable, storable


def folder_tree(root: Path) -> Tree:
    """All files below `root`, hidden ones and system clutter left out."""
    files: dict[str, Callable[[], Path | bytes]] = {}
    excluded: list[Excluded] = []
    real_root = root.resolve()
    for parent, folders, names in os.walk(root, onerror=lambda error: excluded.append(_refused(root, error))):
        for name in sorted(folders + names):
            path = Path(parent, name)
            relative = path.relative_to(root).as_posix()
            if is_clutter(relative) or (path.is_dir() and not path.is_symlink()):
                continue
            if reason := _why_not(path, relative, real_root):
                excluded.append(Excluded(printable(relative), reason))
            else:
                files[relative] = partial(Path, path)
        folders[:] = [name for name in folders if not is_clutter(name)]
    return Tree(dict(sorted(files.items())), tuple(excluded))


def _why_not(path: Path, relative: str, real_root: Path) -> str:
    if not storable(relative):
        return "its name is not valid UTF-8"
    if path.is_symlink():
        try:
            target = path.resolve(strict=True)
        except (OSError, RuntimeError):
            return "a symbolic link to nothing"
        if target.is_dir():
            return "a symbolic link to a folder, which is not followed"
        if not target.is_relative_to(real_root):
            return "a symbolic link that leads out of the folder"
    return "" if path.is_file() else "not a regular file"


def _refused(root: Path, error: OSError) -> Excluded:
    folder = Path(error.filename).relative_to(root).as_posix()
    return Excluded(printable(folder), f"the folder cannot be read: {os.strerror(error.errno or 0).lower()}")
