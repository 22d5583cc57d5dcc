"""The one way to write files: whole or not at all; the lock that dies with its process; and who is at what just now."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import re
import secrets
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import filelock

from mindseye.errors import MindseyeError, Unavailable


def cache_folder() -> Path:
    """Where work that can be done again is kept: `$MINDSEYE_CACHE`, or `~/.cache/mindseye`."""
    return Path(os.environ.get("MINDSEYE_CACHE") or Path.home() / ".cache" / "mindseye")


def data_folder() -> Path:
    """Where what a person made and that has no other folder is kept: `$MINDSEYE_HOME`, or `~/.local/share/mindseye`."""
    return Path(os.environ.get("MINDSEYE_HOME") or Path.home() / ".local" / "share" / "mindseye")


@contextlib.contextmanager
def storage_errors(path: Path) -> Iterator[None]:
    """Turns an operating-system error while writing `path` into a message that names it.

    Raises:
        Unavailable: disk full, read-only, no permission, name too long, or any other `OSError`.
    """
    try:
        yield
    except Exception as error:
        system = _system_error(error)
        if system is None:
            raise
        raise storage_error(path, system) from error


def _system_error(error: Exception) -> OSError | None:
    """What the operating system said, where an error is of its making; safetensors has errors of its own for that."""
    if isinstance(error, OSError):
        return error
    number = re.search(r"\(os error (\d+)\)$", str(error)) if type(error).__name__ == "SafetensorError" else None
    return OSError(int(number[1]), os.strerror(int(number[1]))) if number else None


def storage_error(path: Path, error: OSError) -> MindseyeError:
    """What to tell the person about an `OSError` met at `path`."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        with contextlib.suppress(OSError):
            free = shutil.disk_usage(existing_parent(path)).free
            return Unavailable(
                f"{path} cannot be written: the disk is full",
                why=f"{free / 2**20:.1f} MiB are free there",
                next_step="free some space or choose another folder; what was written before is intact",
            )
    if error.errno == errno.EROFS:
        return Unavailable(f"{path} cannot be written: the folder is read-only", next_step="choose another folder")
    if error.errno in (errno.EACCES, errno.EPERM):
        return Unavailable(
            f"{path} cannot be used: permission denied", next_step="change its permissions or choose another folder"
        )
    return Unavailable(
        f"{path} cannot be used: {os.strerror(error.errno or errno.EIO)}", next_step="check the path and the disk"
    )


def existing_parent(path: Path) -> Path:
    """The nearest folder at or above `path` that exists."""
    path = path.absolute()
    while not path.exists() and path != path.parent:
        path = path.parent
    return path


@contextlib.contextmanager
def written_aside(path: Path) -> Iterator[Path]:
    """Yields a temporary path beside `path`; on success it takes the name `path` in one step, on failure it is gone.

    Works for a file or a folder (the caller makes either at the yielded path). An existing `path` is replaced; a
    folder is moved aside first, since folders cannot be replaced in one step, and removed afterwards.

    Raises:
        Unavailable: the disk is full, read-only or otherwise refuses.
    """
    path = Path(path)
    aside = path.with_name(f".{path.name}.{os.getpid()}.writing")
    with storage_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            yield aside
            flush_to_disk(aside)
            if aside.is_dir() and path.exists():
                old = path.with_name(f".{path.name}.{os.getpid()}.old")
                os.rename(path, old)
                os.rename(aside, path)
                shutil.rmtree(old)
            else:
                os.replace(aside, path)
            flush_to_disk(path.parent, recursive=False)
        finally:
            if aside.is_dir():
                shutil.rmtree(aside, ignore_errors=True)
            else:
                aside.unlink(missing_ok=True)


def flush_to_disk(path: Path, *, recursive: bool = True) -> None:
    """fsync of a file, or of a folder and (when `recursive`) everything in it."""
    if recursive and path.is_dir():
        for child in path.iterdir():
            flush_to_disk(child)
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_text(path: Path, text: str) -> None:
    """Writes a UTF-8 text file, whole or not at all."""
    with written_aside(path) as aside:
        aside.write_text(text, encoding="utf-8")


def write_json(path: Path, value: Any) -> None:
    """Writes a JSON file, whole or not at all."""
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False) + "\n")


class EventLog:
    """An append-only JSON-lines file: one event a line, each with its `event` name and wall-clock `time`."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def write(self, event: str, **fields: Any) -> None:
        """Appends one event; a torn last line from a crash is closed first so that it harms no other."""
        line = json.dumps({"event": event, "time": round(time.time(), 3), **fields}, ensure_ascii=False)
        with storage_errors(self.path), open(self.path, "ab+") as file:
            if file.tell() > 0:
                file.seek(-1, os.SEEK_END)
                if file.read(1) != b"\n":
                    file.write(b"\n")
            file.write(line.encode() + b"\n")

    def read(self) -> list[dict[str, Any]]:
        """All whole events; torn lines are passed over."""
        if not self.path.exists():
            return []
        events = []
        for line in self.path.read_text(encoding="utf-8", errors="replace").splitlines():
            with contextlib.suppress(json.JSONDecodeError):
                events.append(json.loads(line))
        return events


@contextlib.contextmanager
def exclusive(path: Path, *, busy: MindseyeError) -> Iterator[None]:
    """Holds the operating system's lock on `path` (made if absent); it is released when the process ends, however.

    Raises:
        MindseyeError: `busy`, when another process holds it.
    """
    with storage_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = filelock.FileLock(path, blocking=False)
        try:
            lock.acquire()
        except filelock.Timeout:
            raise busy from None
    try:
        yield
    finally:
        lock.release()


def is_locked(path: Path) -> bool:
    """Whether a living process holds the lock on `path`."""
    if not path.exists():
        return False
    try:
        with filelock.FileLock(path, blocking=False):
            return False
    except filelock.Timeout:
        return True


@contextlib.contextmanager
def announced(kind: str, **facts: Any) -> Iterator[None]:
    """Lets `under_way` tell, while the block runs and this process lives, that it is at something.

    Where there is no data folder to write to nothing is told: what is done matters more than that it is known.

    Args:
        kind: of what it is at, e.g. "server".
        facts: about it, as plain JSON values.
    """
    with contextlib.ExitStack() as held:
        with contextlib.suppress(MindseyeError, RuntimeError):  # the latter where nobody knows of a home
            under_way(kind)  # which clears away what killed processes left
            record = _records() / f"{kind}-{os.getpid()}-{secrets.token_hex(4)}.json"  # a name that no other has had
            lock = record.with_suffix(".lock")
            held.enter_context(exclusive(lock, busy=Unavailable(f"{record} is in use")))
            held.callback(lock.unlink, missing_ok=True)
            held.callback(record.unlink, missing_ok=True)
            write_json(record, {"process": os.getpid(), **facts})
        yield


def under_way(kind: str) -> list[dict[str, Any]]:
    """What living processes of this person `announced`, each with its number as "process"; the oldest first."""
    found = []
    for record in _records().glob(f"{kind}-*.json"):
        lock = record.with_suffix(".lock")
        with contextlib.suppress(OSError, ValueError):
            if is_locked(lock):
                found.append((record.stat().st_mtime, json.loads(record.read_text(encoding="utf-8"))))
            else:  # its process was killed
                record.unlink(missing_ok=True)
                lock.unlink(missing_ok=True)
    return [facts for _, facts in sorted(found, key=lambda each: each[0])]


def _records() -> Path:
    return data_folder() / "running"
