"""`mindseye begin FOLDER`: the one command, from a folder of captioned pictures to a prompt box: in the studio, where
that is installed, or in the terminal.

Everything lies in one place and every part of it can be used on its own afterwards:

    OUT/collection/    the prepared pictures        (mindseye inspect OUT/collection)
    OUT/report.html    what is in them
    OUT/run/           the training                 (mindseye runs OUT/run)
    OUT/sheet.png      the sheet of samples as it grows
    OUT/pictures/      what was drawn at the prompt box of the terminal

The same command goes on where it was stopped.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from mindseye.cli import console, serve
from mindseye.errors import BadInput, MindseyeError

if TYPE_CHECKING:
    from mindseye.collection.collection import Collection
    from mindseye.imagine.imaginer import Imaginer

FAMILY = "diffusion"


@dataclass(frozen=True)
class Place:
    """Where the parts of one `begin` lie."""

    out: Path

    @property
    def collection(self) -> Path:
        return self.out / "collection"

    @property
    def record(self) -> Path:
        """What the folder looked like when the collection was made from it."""
        return self.out / "begin.json"

    @property
    def is_occupied(self) -> bool:
        """Whether it is something else than a new folder, one of `begin`, or one whose `begin` was cut short."""
        if not self.out.exists() or self.record.exists():
            return False
        return not self.out.is_dir() or not all(
            path.name == "collection" or path.name.startswith((".collection.", ".begin.json."))
            for path in self.out.iterdir()  # what comes before the record, and what a crash leaves of both
        )

    @property
    def report(self) -> Path:
        return self.out / "report.html"

    @property
    def run(self) -> Path:
        return self.out / "run"

    @property
    def sheet(self) -> Path:
        return self.out / "sheet.png"

    @property
    def pictures(self) -> Path:
        return self.out / "pictures"


def begin(
    folder: Annotated[Path, typer.Argument(help="Your pictures with captions: a folder, or a zip of one.")],
    minutes: Annotated[float | None, typer.Option(help="How long to train.  [default: 45]")] = None,
    out: Annotated[Path | None, typer.Option(help="Where everything goes.  [default: FOLDER-mindseye]")] = None,
    start: Annotated[
        str | None, typer.Option("--from", help="A diffusion model to go on from, such as emoji; for few pictures.")
    ] = None,
    no_captions: Annotated[
        bool, typer.Option("--no-captions", help="Learn from the pictures alone, and draw without words.")
    ] = False,
    as_json: console.Json = False,
) -> None:
    """From a folder of captioned pictures to a prompt box, in the studio where that is installed. Stopped anywhere, the
    same command goes on."""
    import mindseye
    from mindseye.cli.screen import training_screen
    from mindseye.cli.train import stoppable

    place = Place(out or folder.resolve().with_name(f"{_name(folder)}-mindseye"))
    with stoppable(), training_screen(f"reading {folder}") as watch:
        collection = collected(folder, place, captions="none" if no_captions else "required")
        if not place.report.exists():
            watch.doing("writing the report")
            _report(collection, place)
        run = mindseye.train(
            FAMILY,
            collection,
            place.run,
            minutes=minutes,
            settings={"start": start} if start else {},
            log=_showing_sheets(place),
            show=watch.show,
            doing=watch.doing,
        )
    sheet = str(place.sheet) if place.sheet.exists() else None  # there is none if the last one was cut short
    result = {
        "collection": str(place.collection),
        "pictures": collection.info["pictures"],
        "excluded": len(collection.info["excluded"]),
        "report": str(place.report),
        "run": str(place.run),
        "model": str(run.model),
        "sheet": sheet,
    }
    lines = [f"sheet: {sheet}"] if sheet else []
    console.answer(result, "\n".join([*lines, f"model: {run.model}"]), as_json=as_json)
    if sys.stdin.isatty() and not as_json:
        if serve.studio_is_there():
            serve.open_studio(place.run, place.collection, place.out)
        else:
            prompt_box(mindseye.load(run.model), place.pictures)


def collected(folder: Path, place: Place, *, captions: Literal["required", "none"] = "required") -> Collection:
    """The collection of an earlier call, or one made now.

    A training keeps the pictures that it began with; a folder that changed before it began is read again.
    """
    import mindseye
    from mindseye import files
    from mindseye.collection.collection import open_prepared

    if not folder.exists():
        raise BadInput(f"there is no {folder}", next_step="give the folder that holds your pictures")
    if place.out.resolve().is_relative_to(folder.resolve()):
        raise BadInput(f"--out {place.out} is inside {folder}", next_step="choose a place beside the pictures")
    if place.is_occupied:
        raise BadInput(
            f"{place.out} was not made by begin and is not empty, so it is left alone",
            next_step="choose a new folder: --out DIR",
        )
    look = fingerprint(folder)
    if place.record.exists() and place.collection.exists():
        before = json.loads(place.record.read_text(encoding="utf-8"))
        if before["look"] == look:
            return open_prepared(place.collection, name=_name(folder))
        if (place.run / "run.toml").exists():
            console.say(
                f"{folder} has changed since this training began; it goes on with the pictures it began with"
                " (to train on the new ones, choose another --out)"
            )
            return open_prepared(place.collection, name=_name(folder))
        console.say(f"{folder} has changed: reading it again")
    mindseye.collect(folder, place.collection, captions=captions, log=console.say)
    place.report.unlink(missing_ok=True)
    files.write_json(place.record, {"folder": str(folder.resolve()), "look": look})
    return open_prepared(place.collection, name=_name(folder))


def _name(folder: Path) -> str:
    """What the pictures are called: as the folder, or the zip file."""
    return folder.resolve().name.removesuffix(".zip")


def fingerprint(source: Path) -> str:
    """A digest of the names, sizes and times of the files in a folder (or of one file): changes when they do."""
    paths = sorted(source.rglob("*")) if source.is_dir() else [source]
    digest = hashlib.sha256()
    for path in paths:
        if path.is_file():
            about = path.stat()
            digest.update(f"{path.relative_to(source.parent)}\0{about.st_size}\0{about.st_mtime_ns}\n".encode())
    return digest.hexdigest()


def _report(collection: Collection, place: Place) -> None:
    """Says what was found, and writes the data report."""
    import mindseye
    from mindseye.cli.inspect import summary

    facts = mindseye.inspect(collection, page=place.report)
    console.say(summary(facts))
    console.say(f"report: {place.report}")


def _showing_sheets(place: Place) -> Callable[[str], None]:
    """Passes the training's lines on, and keeps OUT/sheet.png the newest sheet of samples."""
    from mindseye import files

    shown = ""

    def log(line: str) -> None:
        nonlocal shown
        console.say(line)
        newest = max((path.name for path in (place.run / "samples").glob("*.png")), default="")
        if newest != shown:
            with files.written_aside(place.sheet) as aside:
                aside.write_bytes((place.run / "samples" / newest).read_bytes())
            console.say(f"sheet: {place.sheet}")
            shown = newest

    return log


def prompt_box(imaginer: Imaginer, folder: Path) -> None:
    """Draws what is typed, line by line, until an empty line, Ctrl-D or Ctrl-C; the model stays loaded.

    A prompt typed again is drawn with the next seed.

    Args:
        imaginer: a loaded model.
        folder: where the pictures go.
    """
    import mindseye
    from mindseye.cli.drawing import draw, near_training, save_pictures

    console.say("\nWhat shall it draw? (an empty line leaves)")
    drawn: Counter[str] = Counter()
    beside = near_training(imaginer, asked=None)
    while prompt := _typed():
        try:
            request = mindseye.Request.of(prompt=prompt, seed=drawn[prompt])
            paths = save_pictures(beside(draw(imaginer, request)), folder)
        except MindseyeError as error:
            console.say(str(error))
            continue
        drawn[prompt] += 1
        for note in imaginer.notes(request):
            console.say(f"note: {note}")
        print(*paths, sep="\n", flush=True)


def _typed() -> str:
    """A line from the terminal; an empty one when the person leaves."""
    try:
        return input("> ").strip()
    except (EOFError, KeyboardInterrupt):
        console.say()
        return ""
