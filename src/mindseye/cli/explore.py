"""`mindseye explore MODEL`: sliders for what is in a model's codes or for words, and walks between two pictures.

With a model of sentences the walks are between two captions (`sentences.py`).
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mindseye.cli import console

if TYPE_CHECKING:
    from PIL import Image


def explore(
    model: Annotated[
        str, typer.Argument(help="A model whose pictures have codes, or one of sentences: its folder or run.")
    ],
    dims: Annotated[
        str | None, typer.Option(help="Which dimensions, e.g. 3,7.  [default: those that carry most]")
    ] = None,
    words: Annotated[
        str | None, typer.Option(help="Sliders for words of the captions, e.g. green,round; needs --collection.")
    ] = None,
    collection: Annotated[
        str | None, typer.Option(help="What it was trained on: a prepared collection's folder, or a built-in name.")
    ] = None,
    picture: Annotated[
        Path | None, typer.Option(help="Where the sliders begin.  [default: the mean of all codes]")
    ] = None,
    start: Annotated[
        str | None, typer.Option("--from", help="Walk from this picture, or with sentences this caption ...")
    ] = None,
    end: Annotated[str | None, typer.Option("--to", help="... to this one.")] = None,
    prompt: Annotated[str, typer.Option(help="What all pictures show.  [default: left open]")] = "",
    draw_with: Annotated[
        str | None, typer.Option(help="Sentences only: what draws each of them.  [default: emoji]")
    ] = None,
    beside: Annotated[
        str | None, typer.Option(help="Sentences only: another model of them, e.g. a plain auto-encoder.")
    ] = None,
    way: Annotated[str | None, typer.Option(help="Sentences only: linear or spherical.  [default: linear]")] = None,
    steps: Annotated[int | None, typer.Option(help="Sentences only: points on the way.  [default: 8]")] = None,
    out: Annotated[Path, typer.Option(help="Folder for the page and the sheets.")] = Path("explored"),
    as_json: console.Json = False,
) -> None:
    """See what is in a model's codes: a page with sliders, a sheet, a walk between pictures or between captions.

    With --from and --to alone only the walk is drawn.
    """
    import mindseye
    from mindseye import files
    from mindseye.errors import BadInput
    from mindseye.observe.sentences.sample import is_of_sentences

    if (start is None) != (end is None):
        raise BadInput("a walk needs two ends", next_step="give both --from and --to")
    of_sentences = is_of_sentences(model)
    of_pictures = {"dims": dims, "words": words, "collection": collection, "picture": picture, "prompt": prompt}
    for_sentences = {"draw-with": draw_with, "beside": beside, "way": way, "steps": steps}
    for option, given in (of_pictures if of_sentences else for_sentences).items():
        if given is not None and given != "":
            kind = "pictures" if of_sentences else "sentences"
            raise BadInput(f"--{option} is for models of {kind}, and {model} is none", next_step="leave it out")
    if of_sentences:
        from mindseye.cli.sentences import explore_sentences

        explore_sentences(
            model,
            None if start is None or end is None else (start, end),
            plain=beside,
            draw_with=draw_with or "emoji",
            way=way or "linear",
            steps=8 if steps is None else steps,
            out=out,
            as_json=as_json,
        )
        return
    from mindseye.report import explore as explored
    from mindseye.report.explore_page import render, sheet, walk_sheet

    imaginer = mindseye.load(model)
    walk = (
        explored.walk(imaginer, Path(start), Path(end), prompt=prompt)
        if start is not None and end is not None
        else None
    )
    result: dict[str, object] = {"model": imaginer.name}
    if walk is not None:
        result["walk"] = _saved(walk_sheet(walk), out / f"{imaginer.name}-walk.png")
    if walk is None or dims or words or picture:
        exploration = explored.explore(
            imaginer,
            dims=_numbers(dims),
            words=[word.strip() for word in words.split(",")] if words else [],
            collection=mindseye.open_collection(collection) if collection else None,
            picture=picture,
            prompt=prompt,
        )
        page = out / f"{imaginer.name}.html"
        files.write_text(page, render(exploration, walk))
        result |= exploration.facts | {"page": str(page)}
        result["sheet"] = _saved(sheet(exploration), out / f"{imaginer.name}.png")
        for dimension in exploration.ranked:
            if dimension not in exploration.inactive:
                console.say(f"dimension {dimension:3d}  {exploration.nats[dimension]:6.2f} nats")
        console.say(f"inactive: {', '.join(map(str, exploration.inactive)) or 'none'}")
        for one in exploration.sliders:
            if isinstance(one.key, str):
                console.say(f"{one.name}: {one.says}")
    paths = [str(result[key]) for key in ("page", "sheet", "walk") if key in result]
    console.answer(result, "\n".join(paths), as_json=as_json)


def _numbers(text: str | None) -> list[int] | None:
    """ "3,7" as [3, 7].

    Raises:
        BadInput: it is something else.
    """
    from mindseye.errors import BadInput

    if text is None:
        return None
    try:
        return [int(part) for part in text.split(",")]
    except ValueError:
        raise BadInput(f"dims: {text!r} is no list of dimensions", next_step="write --dims 3,7") from None


def _saved(image: Image.Image, path: Path) -> str:
    from mindseye import files

    page = io.BytesIO()
    image.save(page, "PNG")
    with files.written_aside(path) as aside:
        aside.write_bytes(page.getvalue())
    return str(path)
