"""The standard augmentation, in pixels: a picture moved, turned and scaled a little, in other light and colour."""

from __future__ import annotations

from collections.abc import Callable
from math import cos, radians, sin

import numpy as np
from jaxtyping import UInt8
from PIL import Image, ImageEnhance

from mindseye.pictures.tensors import border_colour

SHIFT = 0.08  # of the edge, at most
TURN_DEGREES = 10.0
ZOOM = (0.9, 1.1)
LIGHT = (0.8, 1.2)  # factors of brightness, contrast and saturation

Draw = Callable[[UInt8[np.ndarray, "size size channel"], int, np.random.Generator], UInt8[np.ndarray, "n s s c"]]
"""What draws so many pictures from one: the augmentation here, or a model that imagines in pixels."""


def views(
    picture: UInt8[np.ndarray, "size size channel"], count: int, rng: np.random.Generator
) -> UInt8[np.ndarray, "count size size channel"]:
    """So many views of a picture; what comes in from outside is its background.

    Args:
        picture: RGB, or RGBA with straight alpha.
        count: of the views.
        rng: of the changes.
    """
    return np.stack([_view(picture, rng) for _ in range(count)])


def _view(picture: UInt8[np.ndarray, "size size channel"], rng: np.random.Generator) -> UInt8[np.ndarray, "s s c"]:
    size, _, channels = picture.shape
    outside = (0, 0, 0, 0) if channels == 4 else tuple(int(value) for value in border_colour(picture))
    angle, zoom = radians(rng.uniform(-TURN_DEGREES, TURN_DEGREES)), rng.uniform(*ZOOM)
    across, down = rng.uniform(-SHIFT, SHIFT, 2) * size
    x, y = cos(angle) / zoom, sin(angle) / zoom
    middle = size / 2
    right, lower = middle + across, middle + down
    back = (x, y, middle - x * right - y * lower, -y, x, middle + y * right - x * lower)
    moved = Image.fromarray(picture).transform(
        (size, size), Image.Transform.AFFINE, back, Image.Resampling.BILINEAR, fillcolor=outside
    )
    for enhance in (ImageEnhance.Brightness, ImageEnhance.Contrast, ImageEnhance.Color):
        moved = enhance(moved).enhance(float(rng.uniform(*LIGHT)))
    return np.asarray(moved)
