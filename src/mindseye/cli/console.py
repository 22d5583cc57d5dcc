"""How the commands speak: results on standard output, everything else on standard error, one JSON line when asked."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Annotated, Any, TextIO

import typer

Json = Annotated[bool, typer.Option("--json", help="Print the result as one line of JSON.")]
Edits = Annotated[
    list[str] | None, typer.Option("--edit", help="Draw with this correction of the model; again for more.")
]

Nearest = Annotated[
    bool | None,
    typer.Option(
        "--nearest/--no-nearest",
        help="The training pictures that each looks most like: say them, and make what is needed to find them, or leave"
        " them out of its story.  [default: in the story, where the model knows them]",
    ),
]


def say(text: str = "") -> None:
    """A message to the person, on standard error."""
    _print(text, sys.stderr)


def answer(value: Any, text: str, *, as_json: bool) -> None:
    """The result, on standard output: `value` as one compact line of JSON, or `text` for people."""
    _print(json.dumps(value, ensure_ascii=False, separators=(",", ":")) if as_json else text, sys.stdout)


def _print(text: str, stream: TextIO) -> None:
    """Prints. Where the reader has left (`| head`), what is being done goes on unheard: its result is on the disk."""
    try:
        print(text, file=stream, flush=True)
    except BrokenPipeError:
        with open(os.devnull, "wb") as nowhere:
            os.dup2(nowhere.fileno(), stream.fileno())  # also for what is still in the stream, and for libraries


@contextmanager
def progress(what: str) -> Iterator[Callable[[float, str], None] | None]:
    """A bar with the time left on a terminal; None elsewhere, where only lines are wanted.

    Args:
        what: stands before the bar.

    Yields:
        A function to call with the share done, 0 to 1, and a few words on how it goes.
    """
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[words]}", style="dim"),
        TimeRemainingColumn(compact=True),
    )
    with Progress(*columns, console=Console(stderr=True, soft_wrap=True), transient=True) as bar:
        task = bar.add_task(what, total=1.0, words="")
        yield lambda share, words: bar.update(task, completed=share, words=words)


def table(header: list[str], rows: list[list[str]]) -> str:
    """Plain columns, as wide as what is in them; the same on a terminal and in a file."""
    widths = [max(len(row[column]) for row in [header, *rows]) for column in range(len(header))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in [header, *rows]]
    return "\n".join(line.rstrip() for line in lines)


def size(count: float) -> str:
    """Bytes as a person reads them: 812 B, 3.4 MiB."""
    for unit in ("B", "KiB", "MiB"):
        if count < 1024:
            return f"{count:.0f} B" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1024
    return f"{count:.1f} GiB"
