"""The contact sheet: many small pictures on one page that is pleasant to look at."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from mindseye.pictures.tensors import on_matte

PAGE = (246, 244, 240)
TILE = (255, 255, 255)
TILE_EDGE = (230, 227, 220)
INK = (52, 50, 47)

TILE_PX = 128  # about how large a picture is shown
LARGEST_PX = 256  # larger pictures are reduced to this
PADDING_PX = 14  # between a tile's edge and its picture
GAP_PX = 16  # between tiles
MARGIN_PX = 32
RADIUS_PX = 14
CAPTION_PT, TITLE_PT = 13, 22
CAPTION_LINES = 2
LINE_PX, CAPTION_GAP_PX = 17, 9
SMOOTHING = 4  # tiles are drawn this much larger and reduced, which makes their corners smooth


def contact_sheet(
    pictures: Sequence[NDArray[np.uint8]],
    captions: Sequence[str] | None = None,
    columns: int | None = None,
    scale: int | None = None,
    *,
    title: str = "",
) -> Image.Image:
    """Lays pictures out on a light page, each on its own tile with its caption below.

    Args:
        pictures: at least one uint8 array `[h, w, 3 or 4]`; transparent ones show the tile behind them.
        captions: one a picture, shown in at most two lines.
        columns: tiles in a row; by default a page somewhat wider than high, without gaps where that can be.
        scale: whole factor by which pictures grow (nearest neighbour); by default a tile is about 128 px.
        title: a line above the tiles.

    Returns:
        An image of mode RGB.
    """
    columns = min(len(pictures), columns or _columns(len(pictures)))
    rows = math.ceil(len(pictures) / columns)
    shown = [_enlarged(picture, scale or max(1, round(TILE_PX / max(picture.shape[:2])))) for picture in pictures]
    tile = _tile(max(max(image.size) for image in shown) + 2 * PADDING_PX)
    lines = [_wrapped(caption, _font(CAPTION_PT), tile.width, CAPTION_LINES) for caption in captions or ()]
    caption_px = CAPTION_GAP_PX + LINE_PX * max(map(len, lines)) if lines else 0
    pitch_x, pitch_y = tile.width + GAP_PX, tile.height + GAP_PX + caption_px
    top = MARGIN_PX + (TITLE_PT + 22 if title else 0)

    page = Image.new(
        "RGB", (2 * MARGIN_PX + columns * pitch_x - GAP_PX, top + MARGIN_PX + rows * pitch_y - GAP_PX), PAGE
    )
    draw = ImageDraw.Draw(page)
    if title:
        line = _wrapped(title, _font(TITLE_PT), page.width - 2 * MARGIN_PX, 1)[0]
        draw.text((MARGIN_PX, MARGIN_PX - 4), line, fill=INK, font=_font(TITLE_PT))
    for i, image in enumerate(shown):
        x, y = MARGIN_PX + i % columns * pitch_x, top + i // columns * pitch_y
        page.paste(tile, (x, y), tile)
        page.paste(image, (x + (tile.width - image.width) // 2, y + (tile.height - image.height) // 2))
        for j, line in enumerate(lines[i] if lines else ()):
            place = (x + tile.width // 2, y + tile.height + CAPTION_GAP_PX + j * LINE_PX)
            draw.text(place, line, fill=INK, font=_font(CAPTION_PT), anchor="ma")
    return page


def sprite_sheet(frames: Sequence[NDArray[np.uint8]]) -> Image.Image:
    """Frames at their own size, edge to edge and row by row, as many in a row as there are rows, or one more; what is
    left over in the last row is transparent, or black.

    Args:
        frames: at least one uint8 array `[h, w, 3 or 4]`, all of one size.
    """
    height, width = frames[0].shape[:2]
    columns = math.ceil(math.sqrt(len(frames)))
    sheet = np.zeros((math.ceil(len(frames) / columns) * height, columns * width, frames[0].shape[2]), np.uint8)
    for index, frame in enumerate(frames):
        top, left = index // columns * height, index % columns * width
        sheet[top : top + height, left : left + width] = frame
    return Image.fromarray(sheet)


def _enlarged(picture: NDArray[np.uint8], scale: int) -> Image.Image:
    image = on_matte(Image.fromarray(picture), TILE)
    if max(image.size) > LARGEST_PX:
        image.thumbnail((LARGEST_PX, LARGEST_PX), Image.Resampling.LANCZOS)
        return image
    return image.resize((image.width * scale, image.height * scale), Image.Resampling.NEAREST)


def _columns(count: int) -> int:
    """The most columns up to a page twice as wide as high that leave no gap, or a page half as wide again as high."""
    candidates = range(math.ceil(math.sqrt(count)), math.isqrt(2 * count) + 1)
    full = [columns for columns in candidates if count % columns == 0]
    return max(full, default=math.ceil(math.sqrt(count * 1.5)))


def _tile(edge_px: int) -> Image.Image:
    """A white square with round corners and a hairline edge, mode RGBA."""
    large = Image.new("RGBA", (edge_px * SMOOTHING, edge_px * SMOOTHING), (*TILE_EDGE, 0))
    box = (0, 0, large.width - 1, large.height - 1)
    ImageDraw.Draw(large).rounded_rectangle(
        box, radius=RADIUS_PX * SMOOTHING, fill=(*TILE, 255), outline=(*TILE_EDGE, 255), width=SMOOTHING
    )
    return large.resize((edge_px, edge_px), Image.Resampling.LANCZOS)


@cache
def _font(points: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(points)


def _wrapped(text: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont, width_px: int, lines: int) -> list[str]:
    """The text in at most `lines` lines of `width_px`; what does not fit ends in an ellipsis."""
    text = text[:400].replace("\N{EM DASH}", "\N{EN DASH}")  # the bundled font lacks the first
    words = "".join(c if c.isprintable() else " " for c in text).split()
    wrapped: list[str] = []
    while words and len(wrapped) < lines:
        taken = 1
        while taken < len(words) and font.getlength(" ".join(words[: taken + 1])) <= width_px:
            taken += 1
        wrapped.append(" ".join(words[:taken]))
        words = words[taken:]
    if words:
        wrapped[-1] += " " + words[0]
    return [_cut(line, font, width_px) for line in wrapped] or [""]


def _cut(line: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont, width_px: int) -> str:
    if font.getlength(line) <= width_px:
        return line
    while line and font.getlength(line + "…") > width_px:
        line = line[:-1]
    return line.rstrip() + "…"
