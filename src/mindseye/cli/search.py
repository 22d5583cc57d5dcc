"""`mindseye search`: a collection's pictures by words or by a picture."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mindseye.cli import console
from mindseye.errors import BadInput

PICTURE_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp", ".tif", ".tiff")


def search(
    collection: Annotated[str, typer.Argument(help="A prepared collection's folder, or a built-in name.")],
    query: Annotated[str, typer.Argument(help="What to look for: words, or the path of a picture.")],
    count: Annotated[int, typer.Option("--count", "-n", min=1, help="How many pictures.")] = 12,
    hasher: Annotated[str, typer.Option(help="Features to codes, e.g. cca_itq, dsph or vtph.")] = "cca_itq",
    out: Annotated[Path | None, typer.Option(help="Write what was found as one sheet, e.g. found.png.")] = None,
    as_json: console.Json = False,
) -> None:
    """Find pictures in a collection by words, or by a picture that they look like.

    The first search of a collection looks at all of its pictures. A picture is found by what it shows, never by its own
    caption.
    """
    from mindseye import files
    from mindseye.collection.opening import open_collection
    from mindseye.pictures.opener import open_picture
    from mindseye.recall.search import open_searcher

    path = picture_path(query)
    image = open_picture(path) if path else None
    searcher = open_searcher(open_collection(collection), console.say, hasher)
    found = searcher.by_picture(image, count, name=query) if image else searcher.by_words(query, count)
    if out:
        with files.written_aside(out) as aside:
            searcher.sheet(found).save(aside, format="PNG")
    rows = [[f"{hit.score:.3f}", str(hit.distance), hit.path, hit.caption] for hit in found.hits]
    text = console.table(["score", "distance", "path", "caption"], rows)
    sheet = {"sheet": str(out)} if out else {}
    console.answer({**found.as_json(), **sheet}, text, as_json=as_json)
    if out:
        console.say(f"sheet: {out}")


def picture_path(query: str) -> Path | None:
    """The file that a query names, or None where it is words.

    Raises:
        BadInput: it ends as a picture's name does, and there is no such file.
    """
    try:
        if Path(query).is_file():
            return Path(query)
    except OSError:  # words too long for a file's name
        return None
    if query.lower().endswith(PICTURE_SUFFIXES):
        raise BadInput(f"there is no picture {query}", next_step="check the path, or search by words")
    return None
