"""Drawing for a person: with a bar to watch, and pictures as files with readable names."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from mindseye import files
from mindseye.cli import console

if TYPE_CHECKING:
    from PIL import Image

    from mindseye.imagine.family import Progress
    from mindseye.imagine.imaginer import Imaginer
    from mindseye.imagine.picture import Picture
    from mindseye.imagine.request import Request

NAME_LENGTH = 60


def draw(imaginer: Imaginer, request: Request) -> list[Picture]:
    """Draws what is asked for, with a bar on a terminal.

    Raises:
        BadInput: the model cannot do what is asked.
    """
    with _bar() as watch:
        return imaginer.imagine(request, watch)


def draw_best(imaginer: Imaginer, request: Request, candidates: int, thinker: Path | None) -> list[Picture]:
    """Draws `candidates` for each picture, shows the best, and says why.

    Raises:
        BadInput: the model cannot do what is asked, or has no thinker.
    """
    from mindseye.report.thinking import imagine_thinking, thinker_of

    chooser = thinker_of(imaginer, thinker)
    with _bar() as watch:
        pictures = imagine_thinking(imaginer, chooser, request, candidates, watch)
    for picture in pictures:
        console.say(f"seed {picture.story.seed}: {picture.story.thought}")
    return pictures


def draw_attending(imaginer: Imaginer, request: Request, folder: Path) -> list[Picture]:
    """Draws what is asked for, and saves a sheet in `folder` that shows where each picture looked at each word.

    Raises:
        BadInput: the model cannot do what is asked, or does not look at words.
        Unavailable: the folder cannot be written.
    """
    from mindseye.report.attention import attention_sheet

    attended = imaginer.attention(request)
    sheet = attention_sheet(attended, request.prompt)
    path = save_page(sheet, folder, f"{slug(request.prompt)}-{request.seed}-attention")
    console.say(f"attention: {path}")
    return [each.picture for each in attended]


def draw_filming(imaginer: Imaginer, request: Request, folder: Path) -> list[Picture]:
    """Draws what is asked for, and saves in `folder` how each picture came about: a GIF of each, a sheet of steps.

    Raises:
        BadInput: the model cannot do what is asked.
        Unavailable: the folder cannot be written.
    """
    from mindseye.pictures.film import gif_bytes
    from mindseye.report.film import film_sheet, filmed

    with _bar() as watch:
        films = filmed(imaginer, request, watch)
    name = slug(request.prompt)
    for film in films:
        console.say(f"film: {save_beside(folder, f'{name}-{film.picture.story.seed}', gif_bytes(film.frames), '.gif')}")
    sheet = save_page(film_sheet(films, request.prompt), folder, f"{name}-{request.seed}-steps")
    console.say(f"steps: {sheet}")
    return [film.picture for film in films]


def near_training(imaginer: Imaginer, *, asked: bool | None) -> Callable[[list[Picture]], list[Picture]]:
    """What puts into the stories of drawn pictures which training pictures each looks most like.

    What goes wrong once pictures are drawn is said only, and they stay as they are.

    Args:
        imaginer: whose training pictures.
        asked: True says them on the screen too, and now makes what is missing for it; False leaves pictures as they
            are; None tells what the model's folder knows, and says only what is wrong with it.

    Raises:
        BadInput: it was asked for, and the training pictures are not at hand.
        Unavailable: it was asked for, and the picture encoder is missing, or the cache cannot be written.
    """
    from mindseye.errors import MindseyeError
    from mindseye.report.nearest import beside, beside_made

    def refused(error: MindseyeError) -> None:
        console.say(f"note: no story names the nearest training pictures: {error}")

    there = None
    try:
        if asked is None:
            there = beside(imaginer)
    except MindseyeError as error:
        refused(error)
    if asked:
        there = beside_made(imaginer, console.say)

    def tell(pictures: list[Picture]) -> list[Picture]:
        try:
            told = [there.told(picture) for picture in pictures] if there else pictures
        except MindseyeError as error:
            refused(error)
            return pictures
        if asked:
            for picture in told:
                console.say(f"seed {picture.story.seed}: nearest {', '.join(map(str, picture.story.nearest))}")
        return told

    return tell


@contextmanager
def _bar() -> Iterator[Callable[[Progress], None]]:
    with console.progress("drawing") as update:
        yield lambda now: update(now.step / now.steps, "") if update else None


def save_pictures(
    pictures: Sequence[Picture], folder: Path, *, strip: bool = False, name: str | None = None
) -> list[Path]:
    """Saves each as `name-seed.png` in `folder`, which is made if it is not there.

    Args:
        pictures: what was drawn.
        folder: no other picture in it is overwritten.
        strip: leave out how each was made.
        name: the prompt unless given.

    Raises:
        Unavailable: the folder cannot be written.
    """
    from mindseye.pictures.story import png_bytes

    return [
        save_beside(
            folder,
            f"{name or slug(picture.story.prompt)}-{picture.story.seed}",
            png_bytes(picture.image, None if strip else picture.story),
        )
        for picture in pictures
    ]


def save_sheet(pictures: Sequence[Picture], folder: Path) -> Path:
    """Saves a contact sheet of pictures drawn from one prompt.

    Raises:
        Unavailable: the folder cannot be written.
    """
    from mindseye.pictures.sheet import contact_sheet

    first = pictures[0].story
    page = contact_sheet([picture.pixels for picture in pictures], title=first.prompt)
    return save_page(page, folder, f"{slug(first.prompt)}-{first.seed}-sheet")


def save_page(page: Image.Image, folder: Path, name: str) -> Path:
    """Saves a sheet as `save_beside` does.

    Raises:
        Unavailable: the folder cannot be written.
    """
    png = io.BytesIO()
    page.save(png, "PNG")
    return save_beside(folder, name, png.getvalue())


def report_drawn(
    imaginer: Imaginer,
    request: Request,
    pictures: Sequence[Picture],
    paths: Sequence[Path],
    sheet: Path,
    seconds: float,
    *,
    as_json: bool,
) -> None:
    """Says what was drawn and where it lies, and what a person should know about it."""
    notes = imaginer.notes(request)
    for note in notes:
        console.say(f"note: {note}")
    result = {
        "model": imaginer.name,
        "pictures": [
            {
                "path": str(path),
                "seed": picture.story.seed,
                "prompt": picture.story.prompt,
                "width": picture.story.width,
                "height": picture.story.height,
                **({"thought": picture.story.thought} if picture.story.thought else {}),
                **({"nearest": [near.model_dump() for near in picture.story.nearest]} if picture.story.nearest else {}),
            }
            for path, picture in zip(paths, pictures, strict=True)
        ],
        "sheet": str(sheet),
        "seconds": round(seconds, 3),
        "unknown_words": imaginer.unknown_words(request.prompt),
        "notes": notes,
    }
    console.answer(result, "\n".join(map(str, [*paths, sheet])), as_json=as_json)


def slug(prompt: str) -> str:
    """The prompt as part of a file name: "A smiling cat!" is "a-smiling-cat"."""
    return "-".join(re.findall(r"\w+", prompt.lower()))[:NAME_LENGTH].strip("-_") or "picture"


def save_beside(folder: Path, name: str, data: bytes, suffix: str = ".png") -> Path:
    """Saves as `name.png`, or `name-2.png` and so on where another picture has that name already.

    A file with the very same bytes is that picture, so it is left as it is.

    Raises:
        Unavailable: the folder cannot be written.
    """
    for path in _names(folder, name, suffix):
        with files.storage_errors(path):
            if not path.exists():
                with files.written_aside(path) as aside:
                    aside.write_bytes(data)
                return path
            if path.read_bytes() == data:
                return path
    raise AssertionError("there is always a next name")


def _names(folder: Path, name: str, suffix: str) -> Iterator[Path]:
    yield folder / f"{name}{suffix}"
    number = 2
    while True:
        yield folder / f"{name}-{number}{suffix}"
        number += 1
