"""What lies between two prompts, or between two seeds: a strip of pictures on the way."""

from __future__ import annotations

from PIL import Image

from mindseye.imagine.imaginer import Imaginer
from mindseye.imagine.request import Request
from mindseye.pictures.sheet import contact_sheet


def between_strip(imaginer: Imaginer, begin: Request, end: Request, count: int) -> Image.Image:
    """`count` pictures in a row, from what one request draws to what the other does.

    Raises:
        BadInput: as `Imaginer.between`.
    """
    pictures = imaginer.between(begin, end, count)
    ends = [_name(begin, end), _name(end, begin)]
    captions = [ends[0], *[""] * (count - 2), ends[1]]
    title = begin.prompt if begin.prompt == end.prompt else ""
    return contact_sheet(list(pictures), captions, columns=count, title=title)


def _name(request: Request, other: Request) -> str:
    """What tells a request from the other."""
    seed = f"seed {request.seed}"
    if request.prompt == other.prompt:
        return seed
    return request.prompt if request.seed == other.seed else f"{request.prompt}, {seed}"
