"""Where a picture looked at each word while it was drawn, as a sheet of heat maps."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray
from PIL import Image

from mindseye.imagine.picture import Attended, Looks
from mindseye.pictures.sheet import contact_sheet

Cell = tuple[NDArray[np.uint8], str]  # a picture of the sheet, and what stands below it

FAINT = 0.35  # how much of the picture shows where a word was not looked at
HEAT = np.array([[40, 32, 90], [170, 40, 120], [250, 130, 60], [255, 240, 160]], np.float64)  # cold to hot


def attention_sheet(drawn: Sequence[Attended], title: str) -> Image.Image:
    """A row a picture: the picture, then for each word where it was looked at. Of a picture that was drawn in stages
    there is a row a stage, from the roughest, and the first knows no words (as in Xu et al. 2018, Figure 4).

    Each map is scaled to its own range, so that it says where. How much is said below it: the word's share of what all
    words were given.
    """
    rows = [row for attended in drawn for row in _rows(attended)]
    columns = max(map(len, rows))
    blank = np.zeros_like(drawn[0].picture.pixels)
    if blank.shape[2] == 3:
        blank += 255
    cells = [cell for row in rows for cell in (*row, *[(blank, "")] * (columns - len(row)))]
    pictures, captions = zip(*cells, strict=True)
    return contact_sheet(pictures, captions, columns=columns, title=title)


def _rows(attended: Attended) -> list[list[Cell]]:
    """The rows of one picture."""
    seed, pixels = f"seed {attended.picture.story.seed}", attended.picture.pixels
    if not attended.stages:
        return [_row(pixels, seed, attended.words)]
    return [
        _row(enlarged(stage.pixels, len(pixels)), f"{seed}, {len(stage.pixels)} px", stage.words)
        for stage in attended.stages
    ]


def _row(pixels: NDArray[np.uint8], caption: str, words: Looks) -> list[Cell]:
    total = sum(float(heat.sum()) for _, heat in words)
    maps = [(heated(pixels, heat), f"{word} {float(heat.sum()) / total:.0%}") for word, heat in words]
    return [(pixels, caption), *maps]


def enlarged(pixels: NDArray[np.uint8], edge_px: int) -> NDArray[np.uint8]:
    """A square picture whose pixels have become squares, so that it has `edge_px` pixels along its edge."""
    factor = edge_px // len(pixels)
    return pixels.repeat(factor, axis=0).repeat(factor, axis=1)


def heated(pixels: NDArray[np.uint8], heat: Float[np.ndarray, "row column"]) -> NDArray[np.uint8]:
    """A picture under a heat map that is spread smoothly over it; opaque RGB.

    Args:
        pixels: uint8 [height, width, 3 or 4].
        heat: of any size; the least of it is cold, the most hot.
    """
    spread = Image.fromarray(heat.astype(np.float32)).resize(pixels.shape[1::-1], Image.Resampling.BICUBIC)
    values = np.asarray(spread, np.float64)
    unit = (values - values.min()) / max(float(np.ptp(values)), 1e-12)
    colours = np.stack(
        [np.interp(unit, np.linspace(0, 1, len(HEAT)), HEAT[:, channel]) for channel in range(3)], axis=2
    )
    alpha = pixels[..., 3:] / 255 if pixels.shape[2] == 4 else 1.0
    grey = (pixels[..., :3] @ np.array([0.299, 0.587, 0.114]))[..., None] * alpha + 255 * (1 - alpha)
    return np.asarray(FAINT * grey + (1 - FAINT) * colours, np.float64).round().astype(np.uint8)
