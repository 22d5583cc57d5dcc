"""`mindseye grid "a cat" --x guidance=1,3,5 --y seed=0,1,2`: one prompt under many settings, on one sheet."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mindseye.cli import console


def grid(
    prompt: Annotated[str, typer.Argument(help="What to draw; leave it out where an axis is `prompt`.")] = "",
    x: Annotated[
        str, typer.Option(help="A field and its values, left to right, e.g. guidance=1,3,5.")
    ] = "seed=0,1,2,3",
    y: Annotated[str | None, typer.Option(help="Another, top to bottom, e.g. 'prompt=a cat|a red cat'.")] = None,
    model: Annotated[
        str, typer.Option(help="A shipped model's name, a folder, a run, or a diffusers pipeline.")
    ] = "emoji",
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="FIELD=VALUE", help="For all pictures, e.g. steps=8; repeatable."),
    ] = None,
    edits: console.Edits = None,
    nearest: console.Nearest = None,
    out: Annotated[Path, typer.Option(help="Folder for the sheet.")] = Path("pictures"),
    as_json: console.Json = False,
) -> None:
    """Draw one picture for each pair of values, on one sheet.

    The fields are those of a request: prompt, negative_prompt, seed, guidance, steps, sampler, temperature, top_p, and
    edits: --x edits=none,blue-rose,blue-rose+green-cat.
    """
    import mindseye
    from mindseye.cli.drawing import near_training, save_page, slug
    from mindseye.cli.train import parse_settings
    from mindseye.report import grid as grids

    across, down = grids.Axis.parsed(x), grids.Axis.parsed(y) if y else None
    prompted = "prompt" in (across.field, down.field if down else "")
    fields = {
        **({"edits": tuple(edits)} if edits else {}),
        **({} if prompted and not prompt else {"prompt": prompt}),
        **parse_settings(settings or []),
    }
    imaginer = mindseye.load(model)
    beside = near_training(imaginer, asked=nearest)
    pictures = [beside(row) for row in grids.grid(imaginer, fields, across, down, log=console.say)]
    sheet = grids.grid_sheet(pictures, across, down, title=prompt)
    path = save_page(sheet, out, f"{slug(prompt or 'prompts')}-by-{'-'.join(a.field for a in (across, down) if a)}")
    stories = [[each.story.model_dump(mode="json", exclude_none=True) for each in row] for row in pictures]
    console.answer({"model": imaginer.name, "sheet": str(path), "pictures": stories}, str(path), as_json=as_json)
