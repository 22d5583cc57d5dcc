"""The little of EXIF that matters here: which way is up, and the comment in which some tools keep their prompt.

EXIF is a TIFF directory, so this is also how `containers.py` reads a TIFF file's tags.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

ORIENTATION, EXIF_DIRECTORY, USER_COMMENT = 0x0112, 0x8769, 0x9286
_TYPE_BYTES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4}


@dataclass(frozen=True)
class Entry:
    """One tag: its type, how many values, the bytes they take, and the entry's own 12 bytes."""

    type: int
    count: int
    size: int
    raw: bytes

    @property
    def inline(self) -> bytes:
        return self.raw[8:]


def directory(tiff: bytes, at: int | None = None) -> dict[int, Entry]:
    """The tags of the directory at `at` (default: the first one); of a repeated tag the last stands.

    Raises:
        struct.error: the bytes end before the directory or one of its values does.
    """
    order = "<" if tiff[:2] == b"II" else ">"
    if at is None:
        (at,) = struct.unpack_from(order + "I", tiff, 4)
    (count,) = struct.unpack_from(order + "H", tiff, at)
    entries = {}
    for start in range(at + 2, at + 2 + 12 * count, 12):
        tag, kind, values, offset = struct.unpack_from(order + "HHII", tiff, start)
        size = _TYPE_BYTES.get(kind, 1) * values
        if size > 4 and offset + size > len(tiff):
            raise struct.error("value beyond the end")
        entries[tag] = Entry(kind, values, size, tiff[start : start + 12])
    return entries


def entry_bytes(tiff: bytes, entries: dict[int, Entry], tag: int) -> bytes:
    """The bytes of a tag's value; none if it is absent."""
    if tag not in entries:
        return b""
    entry = entries[tag]
    if entry.size <= 4:
        return entry.inline[: entry.size]
    (offset,) = struct.unpack(("<" if tiff[:2] == b"II" else ">") + "I", entry.inline)
    return tiff[offset : offset + entry.size]


def entry_integers(tiff: bytes, entries: dict[int, Entry], tag: int) -> tuple[int, ...]:
    """A tag's whole numbers; none if it is absent or something else."""
    letter = {1: "B", 3: "H", 4: "I"}.get(entries[tag].type) if tag in entries else None
    if letter is None:
        return ()
    return struct.unpack(
        f"{'<' if tiff[:2] == b'II' else '>'}{entries[tag].count}{letter}", entry_bytes(tiff, entries, tag)
    )


def entry_integer(tiff: bytes, entries: dict[int, Entry], tag: int) -> int:
    """A tag's first whole number; 0 if there is none."""
    return next(iter(entry_integers(tiff, entries, tag)), 0)


def orientation(exif: bytes) -> int:
    """The EXIF orientation, 1 to 8; 1 (upright) when there is none or it cannot be read."""
    try:
        value = entry_integer(exif, directory(exif), ORIENTATION)
    except struct.error:
        return 1
    return value if 1 <= value <= 8 else 1


def user_comment(exif: bytes) -> str:
    """The EXIF user comment, or an empty string.

    Its first eight bytes name the encoding. "UNICODE" does not say in which order the bytes of UTF-16 stand, and
    writers differ; Latin letters give it away, since their high byte is zero.
    """
    try:
        (at,) = struct.unpack(
            ("<" if exif[:2] == b"II" else ">") + "I", entry_bytes(exif, directory(exif), EXIF_DIRECTORY)
        )
        comment = entry_bytes(exif, directory(exif, at), USER_COMMENT)
    except struct.error:
        return ""
    encoding, text = comment[:8], comment[8:]
    if encoding != b"UNICODE\0":
        return text.decode("utf-8", "replace").strip("\0 ")
    big_endian = text[0::2].count(0) >= text[1::2].count(0)
    return text.decode("utf-16-be" if big_endian else "utf-16-le", "replace").strip("\0 \ufeff")
