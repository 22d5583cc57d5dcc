"""The colours of pictures: which there are, how common each is, and whether they were set pixel by pixel."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

VISIBLE_ALPHA = 128  # a pixel counts as visible from here
WINDOW_PX = 512  # of a larger picture only its middle is judged
FEW_COLOURS = 256
STRONG_EDGE = 64  # difference of two pixels in some channel that the eye takes for an edge
CLEAR_STEP = 12  # a pixel that differs this much from both sides of an edge stands between them
# Share of the edges that have a pixel in between, median of a collection: 0.17 in Crawl's hand-set sprites and 0.08 in
# Pokemon's; 0.47 in rendered letters, 0.50 in clip art, 0.60 in discs, 0.66 in Noto emoji.
SOFT_EDGES = 0.32


def palette(pictures: Sequence[NDArray[np.uint8]], limit: int = 256) -> list[tuple[tuple[int, int, int], float]]:
    """The most frequent colours of the visible pixels, each with its share of them, most frequent first.

    Args:
        pictures: uint8 arrays `[h, w, 3 or 4]`.
        limit: how many colours at most.
    """
    counted = [np.unique(_packed(picture), return_counts=True) for picture in pictures]
    if not counted:
        return []
    colours, where = np.unique(np.concatenate([colours for colours, _ in counted]), return_inverse=True)
    counts = np.bincount(where, weights=np.concatenate([counts for _, counts in counted]))
    order = np.argsort(-counts, kind="stable")[:limit]
    return [
        ((int(colours[i]) >> 16, int(colours[i]) >> 8 & 255, int(colours[i]) & 255), float(counts[i] / counts.sum()))
        for i in order
    ]


def looks_like_pixel_art(pictures: Sequence[NDArray[np.uint8]]) -> bool:
    """Whether most of the pictures were set pixel by pixel: few colours and edges without a blend between.

    Rendered, drawn or photographed pictures have blended pixels along most edges. Pictures without an edge say nothing.

    Args:
        pictures: uint8 arrays `[h, w, 3 or 4]`, unscaled or scaled by nearest neighbour.
    """
    votes = []
    for picture in map(_middle, pictures):
        soft, edges = _edges(picture)
        if edges:
            votes.append(soft / edges < SOFT_EDGES and len(np.unique(_packed(picture))) <= FEW_COLOURS)
    return sum(votes) * 2 > len(votes)


def _packed(picture: NDArray[np.uint8]) -> NDArray[np.uint32]:
    """The visible pixels as 0xRRGGBB."""
    visible = picture if picture.shape[2] == 3 else picture[picture[..., 3] >= VISIBLE_ALPHA]
    red, green, blue = (visible[..., i].astype(np.uint32).ravel() for i in range(3))
    return np.asarray(red << 16 | green << 8 | blue, np.uint32)


def _middle(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    top, left = (max(0, (edge - WINDOW_PX) // 2) for edge in picture.shape[:2])
    return picture[top : top + WINDOW_PX, left : left + WINDOW_PX]


def _edges(picture: NDArray[np.uint8]) -> tuple[int, int]:
    """How many edges have a blended pixel in their middle, and how many edges there are (on grey if transparent)."""
    colours = picture[..., :3].astype(np.float32)
    if picture.shape[2] == 4:
        colours = np.asarray(128 + (colours - 128) * (picture[..., 3:] / 255), np.float32)
    soft = edges = 0
    for lines in (colours, colours.swapaxes(0, 1)):
        before, middle, after = lines[:, :-2], lines[:, 1:-1], lines[:, 2:]
        strong = np.abs(before - after).max(axis=-1) > STRONG_EDGE
        within = (np.minimum(before, after) - 2 <= middle) & (middle <= np.maximum(before, after) + 2)
        clear = np.minimum(np.abs(middle - before).max(axis=-1), np.abs(middle - after).max(axis=-1)) > CLEAR_STEP
        soft += int((strong & within.all(axis=-1) & clear).sum())
        edges += int(strong.sum())
    return soft, edges
