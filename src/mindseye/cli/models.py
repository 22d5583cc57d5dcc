"""`mindseye models`: what there is to draw with, and what each family can do."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from mindseye.cli import console
from mindseye.errors import BadInput


def models(
    folder: Annotated[Path, typer.Argument(help="Where to look for models besides the shipped ones.")] = Path("."),
    as_json: console.Json = False,
) -> None:
    """List the models to draw with, and what each family can do.

    The models are those that came with mindseye, and those found in a folder.
    """
    found = list(_found(folder))
    rows = [[m["model"], m["family"], f"{m['size_px']} px", m["collection"], f"{m['pictures_seen']:,}"] for m in found]
    models_there = (
        console.table(["model", "family", "size", "collection", "pictures seen"], rows) if rows else "no models"
    )
    families = list(_families())
    able = [[f["family"], ", ".join(f["abilities"]), ", ".join(f["samplers"])] for f in families]
    can_do = console.table(["family", "can do", "samplers"], able)
    console.answer({"models": found, "families": families}, f"{models_there}\n\n{can_do}", as_json=as_json)


def _families() -> Iterator[dict[str, Any]]:
    """What can be trained to draw, and what it can do then."""
    from mindseye.imagine.families import NAMES, family

    for name in NAMES:
        record = family(name)
        abilities = asdict(record.abilities)
        samplers = list(abilities.pop("samplers"))
        can = [ability.replace("_", " ") for ability, able in abilities.items() if able]
        yield {"family": name, "title": record.title, "presets": record.presets, "abilities": can, "samplers": samplers}


def _found(folder: Path) -> Iterator[dict[str, Any]]:
    """What each model folder says of itself: shipped ones by name, then others by path; not damaged ones."""
    from mindseye.imagine.families import NAMES, ON_PIPELINES
    from mindseye.learn.folder import ABOUT, MODELS, read_about, shipped_models

    depths = ("", "*/", "*/*/", "*/*/*/")
    paths = sorted({file.parent for depth in depths for file in folder.glob(depth + ABOUT)})
    for model, path in [*((name, MODELS / name) for name in shipped_models()), *((str(path), path) for path in paths)]:
        try:
            about = read_about(path)
        except BadInput as damaged:
            console.say(str(damaged))
            continue
        if about.family not in (*NAMES, *ON_PIPELINES):
            continue  # a thinker draws nothing
        yield {
            "model": model,
            "path": str(path),
            "family": about.family,
            "size_px": about.config["size_px"],
            "collection": about.collection.name,
            "pictures_seen": about.training.pictures_seen,
        }
