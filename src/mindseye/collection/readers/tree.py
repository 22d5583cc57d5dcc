"""A folder or a zip file seen the same way: names and what they hold."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from mindseye.collection.readers.found import Excluded

# What a person means as a picture. The opener decides which of these formats it reads; the others it refuses by name.
PICTURE_SUFFIXES = {
    *(".png", ".jpg", ".jpeg", ".jfif", ".webp", ".bmp", ".gif", ".tif", ".tiff"),
    *(".avif", ".heic", ".jxl", ".svg", ".psd", ".ico", ".tga", ".eps", ".pdf"),
}
PARQUET_SUFFIX = ".parquet"
TEXT_LIMIT_BYTES = 4 * 2**20  # of one sidecar file
METADATA_LIMIT_BYTES = 512 * 2**20  # of one metadata file

_CLUTTER = {"__macosx", "thumbs.db", "desktop.ini"}


@dataclass(frozen=True)
class Tree:
    """The files of a source.

    Attributes:
        files: name (relative, forward slashes) to what gives its bytes or its path, in the order of the names.
        excluded: what is there but is not safe or possible to read.
    """

    files: dict[str, Callable[[], Path | bytes]]
    excluded: tuple[Excluded, ...] = ()

    def pictures(self) -> list[str]:
        """The names that mean pictures."""
        return [name for name in self.files if suffix(name) in PICTURE_SUFFIXES]

    def read(self, name: str, limit_bytes: int) -> bytes:
        """The bytes of a text file.

        Raises:
            OSError: it cannot be read, or is larger than the limit.
        """
        held = self.files[name]()
        data = held if isinstance(held, bytes) else _read_at_most(held, limit_bytes + 1)
        if len(data) > limit_bytes:
            raise OSError(f"it is larger than {limit_bytes / 2**20:.0f} MiB")
        return data


def _read_at_most(path: Path, count: int) -> bytes:
    with open(path, "rb") as file:
        return file.read(count)


def suffix(name: str) -> str:
    """The file name's extension in lower case, with its dot."""
    return PurePosixPath(name).suffix.lower()


def is_clutter(name: str) -> bool:
    """Whether a name is hidden or belongs to what operating systems strew about."""
    return any(part.startswith(".") or part.lower() in _CLUTTER for part in PurePosixPath(name).parts)


def inside(folder: str, name: str) -> str | None:
    """`name`, as some metadata in `folder` gives it, relative to the root; None if it is absolute or climbs out."""
    name = name.replace("\\", "/")
    if name.startswith("/") or name[1:2] == ":" or "\0" in name or ".." in name.split("/"):
        return None
    return str(PurePosixPath(folder, name))


def storable(name: str) -> bool:
    """Whether a file name is valid Unicode, so that it can be written into reports."""
    return not any("\ud800" <= character <= "\udfff" for character in name)


def printable(name: str) -> str:
    """A file name with what is not valid Unicode replaced."""
    return name.encode("utf-8", errors="replace").decode("utf-8")
