"""`mindseye show`: the story inside a picture."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mindseye.cli import console


def show(
    picture: Annotated[Path, typer.Argument(help="A PNG made by mindseye, A1111, ComfyUI, InvokeAI or Fooocus.")],
    as_json: console.Json = False,
) -> None:
    """Show how a picture was made: prompt, seed, settings, model."""
    from mindseye.pictures.story import read_story

    story = read_story(picture)
    told = dict(story)
    near = told.pop("nearest", [])
    lines = [f"{key:<16} {value}" for key, value in told.items()]
    lines += [f"{'nearest':<16} {one['cosine']:.3f}  {one['file_name']}" for one in near]
    console.answer(story, "\n".join(lines) or f"{picture} tells nothing about how it was made", as_json=as_json)
