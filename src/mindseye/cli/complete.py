"""`mindseye complete` and `mindseye vary`: pictures that begin with one that is there."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated, Any

import typer

from mindseye.cli import console
from mindseye.errors import BadInput

Model = Annotated[str, typer.Argument(help="A shipped model's name, a folder, a run, or a diffusers pipeline.")]
Picture = Annotated[Path, typer.Argument(help="The picture to go on from, of any size.")]
Prompt = Annotated[str, typer.Argument(help="What it is to show, for models with words.")]
Count = Annotated[int, typer.Option("--count", "-n", help="How many pictures.")]
Seed = Annotated[int, typer.Option(help="Picture i uses seed + i; 0 to 4294967295.")]
Negative = Annotated[str, typer.Option(help="What the pictures should not show.")]
Guidance = Annotated[float | None, typer.Option(help="How strictly the prompt is followed.  [default: the model's]")]
Steps = Annotated[int | None, typer.Option(help="Sampling steps.  [default: the model's]")]
Sampler = Annotated[str | None, typer.Option(help="How to draw.  [default: the model's]")]
Temperature = Annotated[float | None, typer.Option(help="How much chance has a say, for families that have it.")]
TopP = Annotated[float | None, typer.Option(help="Keep only the likeliest choices, for families that have it.")]
Out = Annotated[Path, typer.Option(help="Folder for the pictures.")]
Strip = Annotated[bool, typer.Option("--strip", help="Leave out how each picture was made.")]


def complete(
    model: Model,
    picture: Picture,
    prompt: Prompt = "",
    keep: Annotated[float | None, typer.Option(help="Share of the picture that stays, from the top.")] = None,
    mask: Annotated[
        Path | None, typer.Option(help="A picture of the same size, white or transparent where to draw anew.")
    ] = None,
    count: Count = 4,
    seed: Seed = 0,
    negative: Negative = "",
    guidance: Guidance = None,
    steps: Steps = None,
    sampler: Sampler = None,
    temperature: Temperature = None,
    top_p: TopP = None,
    edits: console.Edits = None,
    nearest: console.Nearest = None,
    out: Out = Path("pictures"),
    strip: Strip = False,
    as_json: console.Json = False,
) -> None:
    """Draw the rest of a picture: what is kept of it stays as it is, pixel by pixel.

    Say what stays with --keep 0.5 (the upper half) or with --mask.
    """
    if (keep is None) == (mask is None):
        raise BadInput("what stays of the picture?", next_step="give --keep, e.g. --keep 0.5, or --mask M.png")
    fields = {"keep": keep, "mask": mask and _bytes(mask, "mask")}
    asked = {
        "prompt": prompt, "negative_prompt": negative, "seed": seed, "count": count, "guidance": guidance,
        "steps": steps, "sampler": sampler, "temperature": temperature, "top_p": top_p, "edits": tuple(edits or ()),
    }  # fmt: skip
    _go_on(model, picture, {**asked, **fields}, out, nearest=nearest, strip=strip, as_json=as_json)


def vary(
    model: Model,
    picture: Picture,
    prompt: Prompt = "",
    strength: Annotated[
        float, typer.Option(help="How far to go: 0 is the picture itself, 1 keeps nothing of it.")
    ] = 0.6,
    count: Count = 4,
    seed: Seed = 0,
    negative: Negative = "",
    guidance: Guidance = None,
    steps: Steps = None,
    sampler: Sampler = None,
    temperature: Temperature = None,
    top_p: TopP = None,
    edits: console.Edits = None,
    nearest: console.Nearest = None,
    out: Out = Path("pictures"),
    strip: Strip = False,
    as_json: console.Json = False,
) -> None:
    """Draw pictures like one that is there."""
    asked = {
        "prompt": prompt, "negative_prompt": negative, "seed": seed, "count": count, "guidance": guidance,
        "steps": steps, "sampler": sampler, "temperature": temperature, "top_p": top_p, "edits": tuple(edits or ()),
    }  # fmt: skip
    _go_on(model, picture, {**asked, "strength": strength}, out, nearest=nearest, strip=strip, as_json=as_json)


def _go_on(
    model: str, picture: Path, asked: dict[str, Any], out: Path, *, nearest: bool | None, strip: bool, as_json: bool
) -> None:
    """Draws from a picture, saves what was drawn and a sheet with the given picture before it; before completions the
    whole of it and what stays."""
    import mindseye
    from mindseye.cli.drawing import draw, near_training, report_drawn, save_page, save_pictures, slug
    from mindseye.pictures.sheet import contact_sheet

    began = time.monotonic()
    imaginer = mindseye.load(model)
    request = mindseye.Request.of(picture=_bytes(picture, "picture"), **asked)
    beside = near_training(imaginer, asked=nearest)
    pictures = beside(draw(imaginer, request))
    name = slug(f"{picture.stem} {request.prompt}")
    paths = save_pictures(pictures, out, strip=strip, name=name)
    start = imaginer.fitted(request)
    assert start is not None  # it has a picture
    given = {"given": start.pixels} if start.known is None else {"original": start.pixels, "given": start.shown}
    drawn = {f"seed {each.story.seed}": each.pixels for each in pictures}
    page = contact_sheet([*given.values(), *drawn.values()], [*given, *drawn], title=request.prompt)
    sheet = save_page(page, out, f"{name}-{request.seed}-sheet")
    report_drawn(imaginer, request, pictures, paths, sheet, time.monotonic() - began, as_json=as_json)


def _bytes(path: Path, what: str) -> bytes:
    """The file's bytes, as far as a picture may be long.

    Raises:
        BadInput: there is no such file, it cannot be read, or it is too large.
    """
    from mindseye.pictures.containers import Refused
    from mindseye.pictures.opener import LIMITS, read_bounded

    try:
        return read_bounded(path, LIMITS)
    except Refused as refused:
        raise BadInput(f"the {what} {path} cannot be used: {refused.reason}") from None
