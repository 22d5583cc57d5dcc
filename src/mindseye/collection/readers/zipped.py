"""A zip file of pictures, read in place: nothing is ever extracted, and what looks like an attack is left out."""

from __future__ import annotations

import stat
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from mindseye.collection.readers.found import Excluded
from mindseye.collection.readers.tree import Tree, inside, is_clutter, printable, storable
from mindseye.errors import BadInput

MOST_ENTRIES = 200_000
LARGEST_TOTAL_BYTES = 16 * 2**30  # unpacked, of all entries
LARGEST_ENTRY_BYTES = 512 * 2**20  # unpacked, of one
LARGEST_RATIO = 200  # unpacked to packed, of an entry of more than 1 MiB
_COMPRESSIONS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


@contextmanager
def zip_tree(path: Path) -> Iterator[Tree]:
    """The entries of the zip file at `path`, readable while the context lasts.

    Raises:
        BadInput: it is no zip file, or has too many entries or too much in them.
    """
    try:
        archive = zipfile.ZipFile(path)
    except (OSError, zipfile.BadZipFile, ValueError, NotImplementedError) as error:
        raise BadInput(f"{path} cannot be read", why="it is damaged or not a zip file") from error
    with archive:
        entries = [entry for entry in archive.infolist() if not entry.filename.endswith("/")]
        total = sum(entry.file_size for entry in entries)
        if len(entries) > MOST_ENTRIES or total > LARGEST_TOTAL_BYTES:
            raise BadInput(
                f"{path} is too large",
                why=f"{len(entries):,} files, {total / 2**30:.1f} GiB unpacked; "
                f"the limits are {MOST_ENTRIES:,} and {LARGEST_TOTAL_BYTES / 2**30:.0f} GiB",
                next_step="unpack it yourself if you trust it, and collect the folder",
            )
        yield _tree(archive, entries)


def _tree(archive: zipfile.ZipFile, entries: list[zipfile.ZipInfo]) -> Tree:
    files: dict[str, Callable[[], Path | bytes]] = {}
    excluded: list[Excluded] = []
    for entry in entries:
        name = inside("", entry.filename)
        reason = _why_not(entry) if name else "its path leads out of the zip file"
        if name and is_clutter(name):
            continue
        if not reason and name in files:
            reason = "the zip file has this name twice; the first is used"
        if reason or name is None:
            excluded.append(Excluded(printable(entry.filename), reason))
        else:
            files[name] = partial(_read, archive, entry)
    return Tree(dict(sorted(files.items())), tuple(excluded))


def _why_not(entry: zipfile.ZipInfo) -> str:
    if not storable(entry.filename):
        return "its name is not valid UTF-8"
    if stat.S_ISLNK(entry.external_attr >> 16):
        return "a symbolic link"
    if entry.flag_bits & 1:
        return "it is encrypted"
    if entry.compress_type not in _COMPRESSIONS:
        return "its compression is not supported"
    if entry.file_size > LARGEST_ENTRY_BYTES:
        return f"it is larger than {LARGEST_ENTRY_BYTES / 2**20:.0f} MiB"
    if entry.file_size > 2**20 and entry.file_size > LARGEST_RATIO * entry.compress_size:
        return f"it unpacks to more than {LARGEST_RATIO} times its size"
    return ""


def _read(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes:
    try:
        with archive.open(entry) as file:
            return file.read(LARGEST_ENTRY_BYTES)
    except (zipfile.BadZipFile, zlib.error, EOFError, ValueError, NotImplementedError, RuntimeError) as error:
        raise OSError("damaged inside the zip file") from error
