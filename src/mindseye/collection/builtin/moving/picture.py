"""A film as frames and as a sheet: RGB on black, every pixel the sprite's colour or none."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, UInt8

from mindseye.collection.builtin.moving.scene import SHAPES, Film
from mindseye.collection.builtin.shapes.scene import COLOURS


def stencil(shape: str) -> Bool[np.ndarray, "row column"]:
    """Where a sprite of this shape has pixels."""
    return np.array([[mark == "#" for mark in row] for row in SHAPES[shape]])


def frames_of(film: Film) -> UInt8[np.ndarray, "frame height width 3"]:
    """The frames of a film."""
    count = len(film.sprites[0].places)
    frames = np.zeros((count, film.frame_px, film.frame_px, 3), np.uint8)
    for sprite in film.sprites:
        inked = stencil(sprite.shape)
        for frame, (x, y) in zip(frames, sprite.places, strict=True):
            frame[y : y + inked.shape[0], x : x + inked.shape[1]][inked] = COLOURS[sprite.colour]
    return frames


def sheet_of(frames: UInt8[np.ndarray, "frame height width channel"]) -> UInt8[np.ndarray, "rows columns channel"]:
    """Square frames, n x n of them, as one square picture, row by row."""
    side = round(len(frames) ** 0.5)
    assert side**2 == len(frames)
    rows = frames.reshape(side, side, *frames.shape[1:])
    return rows.swapaxes(1, 2).reshape(side * frames.shape[1], side * frames.shape[2], frames.shape[3])
