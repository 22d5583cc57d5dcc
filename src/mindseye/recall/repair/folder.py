"""Protecting, checking and repairing a model or a run.

Protection is a folder `protection/` beside the files that it guards, a quarter of their size. In a run its plan
(`run.toml`), the finished model and each checkpoint have their own, so that it goes when they go: a training that
writes a new model drops the protection of the old one, and one whose goal is raised that of its plan.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from mindseye.errors import BadInput
from mindseye.files import storage_errors, written_aside
from mindseye.learn.folder import EDITS
from mindseye.recall.repair.blocks import DATA, SPARE, TOTAL, Stripe, digest, parity, rebuilt, stripes
from mindseye.recall.repair.record import COPIES, ProtectedFile, Record, encoded, read_record

PROTECTION = "protection"
PLAN = "run.toml"  # of a run: without it a training cannot go on
MARKS = ("mindseye.json", "state.json", PLAN)  # what a model, a checkpoint and a run have
SUFFIXES = (".safetensors", ".json", ".txt", ".hex")  # protected in the first two: weights, and what reads them


@dataclass(frozen=True)
class Repaired:
    """What was found out about one file.

    Attributes:
        path: the file.
        blocks: how many it has, with parity.
        damaged: how many of them were lost or wrong and are right again.
        rewritten: whether it or its parity was written anew: because of those, or because its length was wrong.
    """

    path: str
    blocks: int
    damaged: int
    rewritten: bool


@dataclass(frozen=True)
class _Checked:
    """One stripe as it was found: its ten blocks, None where one is lost or wrong."""

    stripe: Stripe
    blocks: list[bytes | None]

    @property
    def lost(self) -> list[int]:
        return [number for number, block in enumerate(self.blocks) if block is None]


def protect(folder: Path) -> list[ProtectedFile]:
    """Writes the protection of a model, or of a run's plan, model and checkpoints.

    Raises:
        BadInput: there is nothing to protect, or what is protected already is damaged.
        Unavailable: the extra `recall` is missing, or the disk refuses.
    """
    protected: list[ProtectedFile] = []
    for unit in _units(folder):
        if (unit / PROTECTION).is_dir():
            _refuse_damaged(unit)
        files = []
        with written_aside(unit / PROTECTION) as aside:
            aside.mkdir()
            for number, path in enumerate(_guarded(unit)):
                files.append(_protected(path, path.relative_to(unit).as_posix(), aside / f"{number}.parity"))
            for name in COPIES:
                (aside / name).write_bytes(encoded(Record(files=files)))
        protected += files
    return protected


def unprotect(folder: Path) -> None:
    """Drops the protection of what lies directly in `folder`, before it is changed on purpose.

    Raises:
        Unavailable: the disk refuses.
    """
    if (folder / PROTECTION).is_dir():
        with storage_errors(folder / PROTECTION):
            shutil.rmtree(folder / PROTECTION)


def repair(folder: Path) -> list[Repaired]:
    """Checks every protected file of a model or run, and makes what is damaged whole again.

    A file is replaced only by one that has its recorded SHA-256. What cannot be repaired is left as it is.

    Raises:
        BadInput: nothing is protected, or files have lost more than can be rebuilt: each is named with its blocks.
            All others are repaired before that.
        Unavailable: the extra `recall` is missing, or the disk refuses.
    """
    units = [unit for unit in _units(folder) if (unit / PROTECTION).is_dir()]
    if not units:
        raise BadInput(
            f"{folder} is not protected",
            why="only what was protected before it was damaged can be repaired",
            next_step=f"while it is whole: mindseye repair {folder} --protect",
        )
    found: list[Repaired] = []
    beyond: list[str] = []
    for unit in units:
        record = read_record(unit / PROTECTION)
        _write_copies(unit / PROTECTION, record)
        for file in record.files:
            checked = list(_checked(unit, file))
            if hopeless := [_named(one, number) for number, one in enumerate(checked) if len(one.lost) > SPARE]:
                beyond.append(f"{unit / file.path} ({'; '.join(hopeless)})")
            else:
                found.append(_made_whole(unit, file, checked))
    if beyond:
        raise BadInput(
            f"cannot be repaired: {', '.join(beyond)}",
            why=f"of ten blocks any {SPARE} can be lost; these files are left as they are",
            next_step="restore them from a copy, or train again",
        )
    return found


def _units(folder: Path) -> list[Path]:
    """The run, the model and the checkpoints that `folder` is or holds."""
    candidates = [
        found
        for home in (folder, folder / "run")
        for found in (home, home / "model", *sorted(home.glob("checkpoints/[0-9]*")))
    ]
    units = [path for path in candidates if any((path / mark).exists() for mark in (*MARKS, PROTECTION))]
    if not units:
        raise BadInput(
            f"{folder} is neither a model nor a run with checkpoints",
            next_step="give the folder of a model (with mindseye.json in it) or of a run",
        )
    return units


def _guarded(unit: Path) -> list[Path]:
    """The files of a unit that are protected, in the order of their names."""
    if (unit / PLAN).is_file():  # its model and its checkpoints are units of their own
        return [unit / PLAN]
    paths = sorted(path for path in unit.rglob("*") if path.suffix in SUFFIXES and path.is_file())
    # An edit that is protected would return after it was taken back.
    return [path for path in paths if EDITS not in path.relative_to(unit).parts]


def _protected(path: Path, name: str, parity_path: Path) -> ProtectedFile:
    """Reads a file once, writes its parity and returns its entry of the record."""
    whole = hashlib.sha256()
    digests: list[list[str]] = []
    with storage_errors(path), open(path, "rb") as file, open(parity_path, "wb") as guard:
        size = path.stat().st_size
        for stripe in stripes(size):
            data = file.read(stripe.length)
            whole.update(data)
            blocks = stripe.blocks(data)
            spare = parity(blocks)
            guard.write(b"".join(spare))
            digests.append([digest(block) for block in (*blocks, *spare)])
    return ProtectedFile(path=name, size=size, sha256=whole.hexdigest(), parity=parity_path.name, blocks=digests)


def _checked(unit: Path, file: ProtectedFile) -> Iterator[_Checked]:
    """Every stripe of a file with those of its blocks that have their digest."""
    data, guard = _bytes(unit / file.path), _bytes(unit / PROTECTION / file.parity)
    guarded = 0
    for stripe, expected in zip(stripes(file.size), file.blocks, strict=True):
        blocks = stripe.blocks(data[stripe.offset : stripe.offset + stripe.length])
        for _ in range(SPARE):
            blocks.append(guard[guarded : guarded + stripe.block_bytes])
            guarded += stripe.block_bytes
        right = [digest(block) == known for block, known in zip(blocks, expected, strict=True)]
        yield _Checked(stripe, [block if ok else None for block, ok in zip(blocks, right, strict=True)])


def _made_whole(unit: Path, file: ProtectedFile, checked: list[_Checked]) -> Repaired:
    """Writes the file and its parity again where a block of theirs is lost or their length is wrong."""
    stripes_now = [
        rebuilt(one.blocks) if one.lost else [block for block in one.blocks if block is not None] for one in checked
    ]
    data = b"".join(
        b"".join(blocks[:DATA])[: one.stripe.length] for one, blocks in zip(checked, stripes_now, strict=True)
    )
    guard = b"".join(b"".join(blocks[DATA:]) for blocks in stripes_now)
    assert hashlib.sha256(data).hexdigest() == file.sha256
    rewritten = False
    for path, content in ((unit / file.path, data), (unit / PROTECTION / file.parity, guard)):
        if _bytes(path) != content or not path.is_file():
            with written_aside(path) as aside:
                aside.write_bytes(content)
                aside.chmod(0o644)
            rewritten = True
    return Repaired(str(unit / file.path), TOTAL * len(checked), sum(len(one.lost) for one in checked), rewritten)


def _refuse_damaged(unit: Path) -> None:
    """Raises `BadInput` if a protected file is not what it was: protecting it anew would make the damage last."""
    for file in read_record(unit / PROTECTION).files:
        path = unit / file.path
        if hashlib.sha256(_bytes(path)).hexdigest() != file.sha256:
            raise BadInput(
                f"{path} is not what was protected",
                why="it was damaged or changed since",
                next_step=f"mindseye repair {unit}; or, if you changed it yourself, delete {unit / PROTECTION} first",
            )


def _write_copies(folder: Path, record: Record) -> None:
    """Writes those copies of the record again that are not as they should be."""
    content = encoded(record)
    for name in COPIES:
        if _bytes(folder / name) != content:
            with written_aside(folder / name) as aside:
                aside.write_bytes(content)


def _bytes(path: Path) -> bytes:
    """What can be read of a file; nothing of one that is missing."""
    with suppress(OSError):
        return path.read_bytes()
    return b""


def _named(one: _Checked, stripe: int) -> str:
    return f"blocks {', '.join(map(str, one.lost))} of stripe {stripe}"
