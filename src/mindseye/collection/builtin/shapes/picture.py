"""A scene as a picture: RGB, anti-aliased, so that the middle of every thing has exactly its colour."""

from __future__ import annotations

from collections.abc import Callable
from math import cos, pi, sin

from PIL import Image, ImageDraw

from mindseye.collection.builtin.shapes.scene import BACKGROUNDS, COLOURS, Scene

FINER = 8  # each pixel is the mean of so many squared

_Point = tuple[float, float]


def _star(points: int = 5, inner: float = 0.42) -> list[_Point]:
    angles = [pi * corner / points for corner in range(2 * points)]
    reach = [1.0, inner] * points
    return [(r * sin(angle), -r * cos(angle)) for r, angle in zip(reach, angles, strict=True)]


# Corners around (0, 0) in units of the radius, y downwards; the two round shapes are drawn as ellipses.
_ARM = 0.34
_CORNERS: dict[str, list[_Point]] = {
    "square": [(-0.85, -0.85), (0.85, -0.85), (0.85, 0.85), (-0.85, 0.85)],
    "triangle": [(0, -0.95), (0.97, 0.8), (-0.97, 0.8)],
    "star": _star(),
    "cross": [
        *((-_ARM, -1), (_ARM, -1), (_ARM, -_ARM), (1, -_ARM), (1, _ARM), (_ARM, _ARM)),
        *((_ARM, 1), (-_ARM, 1), (-_ARM, _ARM), (-1, _ARM), (-1, -_ARM), (-_ARM, -_ARM)),
    ],
}
_RING_HOLE = 0.55


def draw(scene: Scene, size_px: int) -> Image.Image:
    """The scene as a square RGB picture of `size_px`."""
    edge = size_px * FINER
    background = BACKGROUNDS[scene.background]
    canvas = Image.new("RGB", (edge, edge), background)
    pen = ImageDraw.Draw(canvas)
    for thing in scene.things:
        at = _placed(thing.x * edge, thing.y * edge, thing.radius * edge)
        colour = COLOURS[thing.colour]
        if thing.shape in _CORNERS:
            pen.polygon([at(corner) for corner in _CORNERS[thing.shape]], fill=colour)
        else:
            pen.ellipse([at((-1, -1)), at((1, 1))], fill=colour)
        if thing.shape == "ring":
            pen.ellipse([at((-_RING_HOLE, -_RING_HOLE)), at((_RING_HOLE, _RING_HOLE))], fill=background)
    return canvas.reduce(FINER)


def _placed(x: float, y: float, radius: float) -> Callable[[_Point], _Point]:
    """Maps a point in units of the radius to the canvas."""
    return lambda point: (x + radius * point[0], y + radius * point[1])
