"""How a picture came about: its steps as an animated GIF, and a few of them in a row."""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mindseye.pictures.tensors import MATTE, on_matte

SHOWN_PX = 192  # about how large a small picture is shown
SECONDS = 2.0  # that all steps take together
LEAST_SECONDS = 0.04  # that a step is shown; many viewers slow shorter ones down
LAST_SECONDS = 1.5  # that the finished picture stays


def gif_bytes(frames: Sequence[NDArray[np.uint8]]) -> bytes:
    """An animation that begins anew when it is over. The same frames give the same bytes.

    Args:
        frames: one or more uint8 `[h, w, 3 or 4]`, all of one size. What is transparent is shown on white, since a GIF
            knows no half transparent pixel; each frame has its own 256 colours.
    """
    step = max(LEAST_SECONDS, SECONDS / len(frames))
    scale = max(1, round(SHOWN_PX / max(frames[0].shape[:2])))
    pages = [_page(frame, scale) for frame in frames]
    seconds = [step] * (len(frames) - 1) + [LAST_SECONDS]
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


def evenly(count: int, most: int) -> list[int]:
    """At most `most` of the numbers 0 to count - 1, evenly spread, the last one always among them."""
    taken = min(count, most)
    return [(index + 1) * count // taken - 1 for index in range(taken)]
