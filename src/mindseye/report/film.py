"""How pictures came about, for every family: each yields its pictures after every step, and this keeps them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from mindseye.imagine.family import Progress
from mindseye.imagine.imaginer import Imaginer
from mindseye.imagine.picture import Picture
from mindseye.imagine.request import Request
from mindseye.pictures.film import evenly
from mindseye.pictures.sheet import contact_sheet

MOST_FRAMES = 100  # of one picture that are kept, evenly spread, however many steps there were
IN_A_ROW = 8  # frames of one picture on the sheet


@dataclass(frozen=True)
class Filmed:
    """A picture and how it came about.

    Attributes:
        frames: what it looked like after each step in which it changed, in order, the last one the picture itself;
            uint8 [height, width, 3 or 4].
    """

    picture: Picture
    frames: tuple[NDArray[np.uint8], ...]


def filmed(
    imaginer: Imaginer, request: Request, watch: Callable[[Progress], None] = lambda progress: None
) -> list[Filmed]:
    """Draws what `imaginer.imagine` draws and keeps the steps.

    Args, Raises: as `imaginer.imagine`.
    """
    reels = [Reel() for _ in request.seeds]

    def take(now: Progress) -> None:
        for reel, picture in zip(reels, now.pictures, strict=True):
            reel.take(picture)
        watch(now)

    pictures = imaginer.imagine(request, take)
    return [
        Filmed(picture, (*(imaginer.shown(torch.stack(reel.earlier)) if reel.earlier else ()), picture.pixels))
        for picture, reel in zip(pictures, reels, strict=True)
    ]


class Reel:
    """The frames of one picture in which it changed; every second one is cut where there are too many."""

    def __init__(self) -> None:
        self._kept: list[Tensor] = []
        self._latest: Tensor | None = None
        self._changes = 0
        self._each = 1

    def take(self, picture: Tensor) -> None:
        """The picture after one more step, of the drawing of all pictures."""
        if bool((picture == -1).all()) if self._latest is None else torch.equal(picture, self._latest):
            return  # not begun, or another one's step
        self._latest = picture.clone()
        if self._changes % self._each == 0:
            self._kept.append(self._latest)
        self._changes += 1
        if len(self._kept) == MOST_FRAMES:
            self._kept, self._each = self._kept[::2], 2 * self._each

    @property
    def earlier(self) -> list[Tensor]:
        """Those kept, without the latest."""
        return [frame for frame in self._kept if frame is not self._latest]


def film_sheet(films: Sequence[Filmed], title: str) -> Image.Image:
    """A row a picture: at most eight of its frames, the finished one last."""
    most = max(len(film.frames) for film in films)
    columns = min(most, IN_A_ROW)
    pictures: list[NDArray[np.uint8]] = []
    captions: list[str] = []
    for film in films:
        chosen = evenly(len(film.frames), columns)
        chosen = [chosen[0]] * (columns - len(chosen)) + chosen  # a picture with fewer frames waits at its first
        pictures += [film.frames[index] for index in chosen]
        captions += [f"{index + 1} of {len(film.frames)}" for index in chosen]
    return contact_sheet(pictures, captions, columns=columns, title=title)
