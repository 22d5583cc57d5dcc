"""What is protected: every file with its size, its SHA-256 and those of its blocks.

Without the record nothing can be repaired, so it is better guarded than what it guards: three copies, each with its own
digest and in the Reed-Solomon code RS(255, 223) (Reed and Solomon 1960, by reedsolo), which corrects 16 wrong bytes in
every 255.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from mindseye.errors import BadInput
from mindseye.recall.optional import optional

FORMAT = "mindseye protection 1"
COPIES = ("record.0", "record.1", "record.2")
CHECK_BYTES = 32  # of 255
DIGEST_BYTES = 32


class ProtectedFile(BaseModel):
    """One file.

    Attributes:
        path: relative to the protected folder, with forward slashes.
        size: in bytes.
        sha256: of all of it.
        parity: the file with its parity blocks, relative to the protection's own folder.
        blocks: the SHA-256 of the ten blocks of every stripe.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: str
    size: int
    sha256: str
    parity: str
    blocks: list[list[str]]


class Record(BaseModel):
    """Every protected file of a folder."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: str = FORMAT
    files: list[ProtectedFile]


def encoded(record: Record) -> bytes:
    """One copy.

    Raises:
        Unavailable: reedsolo is not installed.
    """
    content = record.model_dump_json().encode()
    digest = hashlib.sha256(content).digest()
    return bytes(optional("reedsolo").RSCodec(CHECK_BYTES).encode(digest + content))


def read_record(folder: Path) -> Record:
    """The record from the first of its copies that is whole or can be corrected.

    Raises:
        BadInput: there is none.
        Unavailable: reedsolo is not installed.
    """
    for name in COPIES:
        try:
            return _decoded((folder / name).read_bytes())
        except (OSError, ValueError, ValidationError):
            continue
    raise BadInput(
        f"what protects {folder.parent} cannot be read",
        why=f"all of {', '.join(COPIES)} are missing or damaged beyond correction",
        next_step=f"if the model still works, delete {folder} and protect it again",
    )


def _decoded(copy: bytes) -> Record:
    reedsolo = optional("reedsolo")
    try:
        corrected = bytes(reedsolo.RSCodec(CHECK_BYTES).decode(copy)[0])
    except reedsolo.ReedSolomonError as error:
        raise ValueError("more bytes are wrong than can be corrected") from error
    content = corrected[DIGEST_BYTES:]
    if hashlib.sha256(content).digest() != corrected[:DIGEST_BYTES]:
        raise ValueError("it was corrected to something else")
    record = Record.model_validate_json(content)
    if record.format != FORMAT or not all(_is_inside(f.path) and _is_inside(f.parity) for f in record.files):
        raise ValueError("it is of another version, or names files outside")
    return record


def _is_inside(path: str) -> bool:
    return not Path(path).is_absolute() and ".." not in Path(path).parts
