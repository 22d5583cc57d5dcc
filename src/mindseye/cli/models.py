"""`mindseye models`: what there is to draw with."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from mindseye.cli import console
from mindseye.errors import BadInput


def models(
    folder: Annotated[Path, typer.Argument(help="Where to look for models besides the shipped ones.")] = Path("."),
    as_json: console.Json = False,
) -> None:
    """List the models to draw with.

    Those that came with mindseye, and those found in a folder.
    """
    found = list(_found(folder))
    rows = [[m["model"], m["family"], f"{m['size_px']} px", m["collection"], f"{m['pictures_seen']:,}"] for m in found]
    text = console.table(["model", "family", "size", "collection", "pictures seen"], rows)
    console.answer({"models": found}, text if found else "no models", as_json=as_json)


def _found(folder: Path) -> Iterator[dict[str, Any]]:
    """What each model folder says of itself: shipped ones by name, then others by path; not damaged ones."""
    from mindseye.imagine.families import NAMES
    from mindseye.learn.folder import ABOUT, MODELS, read_about, shipped_models

    depths = ("", "*/", "*/*/", "*/*/*/")
    paths = sorted({file.parent for depth in depths for file in folder.glob(depth + ABOUT)})
    for model, path in [*((name, MODELS / name) for name in shipped_models()), *((str(path), path) for path in paths)]:
        try:
            about = read_about(path)
        except BadInput as damaged:
            console.say(str(damaged))
            continue
        if about.family not in NAMES:
            continue  # a thinker draws nothing
        yield {
            "model": model,
            "path": str(path),
            "family": about.family,
            "size_px": about.config["size_px"],
            "collection": about.collection.name,
            "pictures_seen": about.training.pictures_seen,
        }
