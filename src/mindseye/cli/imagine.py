"""`mindseye imagine "a smiling cat"`: pictures from words."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from mindseye.cli import console
from mindseye.errors import BadInput


def imagine(
    prompt: Annotated[str, typer.Argument(help="What to draw.")],
    count: Annotated[int, typer.Option("--count", "-n", help="How many pictures.")] = 4,
    model: Annotated[
        str, typer.Option(help="A shipped model's name, a folder, a run, or a diffusers pipeline.")
    ] = "emoji",
    seed: Annotated[int, typer.Option(help="Picture i uses seed + i; 0 to 4294967295.")] = 0,
    guidance: Annotated[
        float | None, typer.Option(help="How strictly the prompt is followed, 0 to 20.  [default: the model's]")
    ] = None,
    steps: Annotated[int | None, typer.Option(help="Sampling steps, 1 to 1000.  [default: the model's]")] = None,
    sampler: Annotated[
        str | None, typer.Option(help="How to go from noise to picture.  [default: the model's]")
    ] = None,
    temperature: Annotated[
        float | None, typer.Option(help="How much chance has a say, for families that have it; 0 is none.")
    ] = None,
    top_p: Annotated[
        float | None, typer.Option(help="Keep only the likeliest choices, for families that have it.")
    ] = None,
    negative: Annotated[str, typer.Option(help="What the pictures should not show.")] = "",
    size: Annotated[int | None, typer.Option(help="Edge in pixels.  [default: the model's]")] = None,
    think: Annotated[
        int, typer.Option(min=1, max=64, help="Draw so many candidates for each picture and show the best.")
    ] = 1,
    thinker: Annotated[Path | None, typer.Option(help="Who chooses.  [default: the model's thinker]")] = None,
    edits: console.Edits = None,
    attention: Annotated[
        bool, typer.Option("--attention", help="One sheet more: where each picture looked at each word.")
    ] = False,
    film: Annotated[
        bool, typer.Option("--film", help="How each picture came about: a GIF of each, and a sheet of steps.")
    ] = False,
    nearest: console.Nearest = None,
    out: Annotated[Path, typer.Option(help="Folder for the pictures.")] = Path("pictures"),
    strip: Annotated[bool, typer.Option("--strip", help="Leave out how each picture was made.")] = False,
    as_json: console.Json = False,
) -> None:
    """Draw pictures from a prompt, and one sheet of them all."""
    import mindseye
    from mindseye.cli.drawing import (
        draw,
        draw_attending,
        draw_best,
        draw_filming,
        near_training,
        report_drawn,
        save_pictures,
        save_sheet,
    )

    if attention and think > 1:
        raise BadInput("--attention and --think exclude each other", next_step="draw the chosen seed with --attention")
    if film and (attention or think > 1):
        other = "--attention" if attention else "--think"
        raise BadInput(f"--film and {other} exclude each other", next_step="draw the same seed again with --film")
    began = time.monotonic()
    request = mindseye.Request.of(
        prompt=prompt,
        negative_prompt=negative,
        seed=seed,
        count=count,
        size=size,
        guidance=guidance,
        steps=steps,
        sampler=sampler,
        temperature=temperature,
        top_p=top_p,
        edits=tuple(edits or ()),
    )
    imaginer = mindseye.load(model)
    beside = near_training(imaginer, asked=nearest)
    if attention:
        pictures = draw_attending(imaginer, request, out)
    elif film:
        pictures = draw_filming(imaginer, request, out)
    elif think > 1:
        pictures = draw_best(imaginer, request, think, thinker)
    else:
        pictures = draw(imaginer, request)
    pictures = beside(pictures)
    paths = save_pictures(pictures, out, strip=strip)
    sheet = save_sheet(pictures, out)
    report_drawn(imaginer, request, pictures, paths, sheet, time.monotonic() - began, as_json=as_json)
