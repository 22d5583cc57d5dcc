"""`mindseye animate MODEL FRAMES`: a film that goes on from its first frames."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from mindseye.cli import console

FRAME_SECONDS = 0.15


def animate(
    model: Annotated[str, typer.Argument(help="A folder or run of a model of films.")],
    frames: Annotated[
        list[Path], typer.Argument(help="The first frames: a GIF, a sheet with frames row by row, or a file a frame.")
    ],
    actions: Annotated[str, typer.Option(help='What is done before each new frame, e.g. "right right up".')] = "",
    count: Annotated[
        int | None, typer.Option("--count", "-n", help="New frames.  [default: as many as actions, or as it learnt]")
    ] = None,
    seed: Annotated[int, typer.Option(help="Of what is left to chance; 0 to 4294967295.")] = 0,
    out: Annotated[Path, typer.Option(help="Folder for the GIF and the sheets.")] = Path("pictures"),
    as_json: console.Json = False,
) -> None:
    """Go on with a film: a GIF of the given frames and of those that follow.

    Beside it: a page that says which frames were given, and all frames at their own size as one sheet, row by row.
    """
    from mindseye.cli.drawing import save_beside, save_page, slug
    from mindseye.imagine.frames.animate import open_animator
    from mindseye.pictures.film import gif_bytes
    from mindseye.pictures.sheet import contact_sheet, sprite_sheet

    began = time.monotonic()
    animator = open_animator(model)
    given = animator.open_frames(frames)
    with console.progress("going on") as update:
        film = animator.animate(
            given, actions, count=count, seed=seed, watch=lambda share: update(share, "") if update else None
        )
    name = f"{slug(frames[0].stem)}-goes-on-{seed}"
    gif = save_beside(out, name, gif_bytes(film.frames, frame_seconds=FRAME_SECONDS), ".gif")
    page = save_page(contact_sheet(film.frames, film.captions, title=animator.about.name), out, f"{name}-page")
    sheet = save_page(sprite_sheet(film.frames), out, f"{name}-sheet")
    for note in film.notes:
        console.say(f"note: {note}")
    answer = {
        "model": animator.about.name,
        "gif": str(gif),
        "page": str(page),
        "sheet": str(sheet),
        "given": len(film.given),
        "imagined": len(film.imagined),
        "actions": list(film.actions),
        "seed": seed,
        "seconds": round(time.monotonic() - began, 3),
        "notes": list(film.notes),
    }
    console.answer(answer, "\n".join(map(str, (gif, page, sheet))), as_json=as_json)
