"""Films: how a picture came about, or what moves, as an animated GIF; and the way back, a GIF as its frames."""

from __future__ import annotations

import io
import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL.GifImagePlugin import GifImageFile

from mindseye.pictures.containers import Refused
from mindseye.pictures.opener import LIMITS, Limits, PictureError, open_container, open_picture, read_bounded
from mindseye.pictures.tensors import MATTE, on_matte

SHOWN_PX = 192  # about how large a small picture is shown
SECONDS = 2.0  # that all steps take together
LEAST_SECONDS = 0.04  # that a step is shown; many viewers slow shorter ones down
LAST_SECONDS = 1.5  # that the finished picture stays
MOST_FRAMES = 1000  # of a film that is opened


def gif_bytes(frames: Sequence[NDArray[np.uint8]], *, frame_seconds: float | None = None) -> bytes:
    """An animation that begins anew when it is over. The same frames give the same bytes.

    Args:
        frames: one or more uint8 `[h, w, 3 or 4]`, all of one size. What is transparent is shown on white, since a GIF
            knows no half transparent pixel; each frame has its own 256 colours.
        frame_seconds: that a frame is shown, each as long as the others; unless given it is as fits the steps of a
            picture, of which the last one stays.
    """
    step = frame_seconds or max(LEAST_SECONDS, SECONDS / len(frames))
    scale = max(1, round(SHOWN_PX / max(frames[0].shape[:2])))
    pages = [_page(frame, scale) for frame in frames]
    seconds = [step] * (len(frames) - 1) + [frame_seconds or LAST_SECONDS]
    file = io.BytesIO()
    pages[0].save(
        file,
        "GIF",
        save_all=True,
        append_images=pages[1:],
        duration=[round(1000 * each) for each in seconds],
        loop=0,
    )
    return file.getvalue()


def _page(frame: NDArray[np.uint8], scale: int) -> Image.Image:
    image = on_matte(Image.fromarray(frame), MATTE)
    large = image.resize((image.width * scale, image.height * scale), Image.Resampling.NEAREST)
    return large.quantize(256, dither=Image.Dither.NONE)


def open_film(source: Path | bytes, *, name: str = "", limits: Limits = LIMITS) -> list[Image.Image]:
    """The frames of an animated GIF, in order; the one picture of any other file.

    Args:
        source: a file, or its bytes.
        name: what errors call it; by default the file's name.
        limits: what it may cost, all frames together.

    Returns:
        As `open_picture`, one or more of one size.

    Raises:
        PictureError: it cannot be used; `.reason` says why in a few words.
    """
    first = open_picture(source, name=name, limits=limits)
    if open_container(source, name=name, limits=limits).format != "GIF":
        return [first]
    try:
        return _frames(read_bounded(source, limits), limits)
    except Refused as refused:
        raise PictureError(name or (source.name if isinstance(source, Path) else ""), refused.reason) from None


def _frames(data: bytes, limits: Limits) -> list[Image.Image]:
    frames: list[Image.Image] = []
    try:
        with warnings.catch_warnings(action="ignore"):
            film = GifImageFile(io.BytesIO(data))
            while True:
                if (len(frames) + 1) * film.width * film.height > limits.pixels or len(frames) == MOST_FRAMES:
                    raise Refused("too many frames")
                frames.append(_opaque_if_it_is(film.convert("RGBA")))
                try:
                    film.seek(len(frames))
                except EOFError:
                    return frames
    except Refused:
        raise
    except Exception:  # a decoder meets damage with nearly any exception
        raise Refused("damaged") from None


def _opaque_if_it_is(image: Image.Image) -> Image.Image:
    low, _ = image.getchannel("A").getextrema()
    return image.convert("RGB") if low == 255 else image


def evenly(count: int, most: int) -> list[int]:
    """At most `most` of the numbers 0 to count - 1, evenly spread, the last one always among them."""
    taken = min(count, most)
    return [(index + 1) * count // taken - 1 for index in range(taken)]
