"""Digits as a hand might write them: strokes through a few points, none of which ever lies at quite the same place.

There is no font and no scan behind them. A digit is one of a few ways to write it; points tremble, the whole is slanted,
turned and stretched, and pens differ in width. They are easier to read than real handwriting, since everyone here has
learnt at the same school.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, UInt8
from PIL import Image, ImageDraw

from mindseye.collection.builtin.digits.scene import HALF_HEIGHT, Scene

Point = tuple[float, float]
Stroke = tuple[Point, ...]

# Ways to write each digit: strokes through points, x to the right and y downwards, the digit from y = -1 to y = 1. A
# point that stands twice is a corner.
WAYS: tuple[tuple[tuple[Stroke, ...], ...], ...] = (
    (  # zero
        (((0, -1), (-0.5, -0.6), (-0.58, 0), (-0.48, 0.6), (0, 1), (0.48, 0.6), (0.58, 0), (0.5, -0.6), (0, -1)),),
        (((0.1, -1), (-0.35, -0.6), (-0.4, 0.1), (-0.3, 0.7), (0, 1), (0.38, 0.55), (0.42, -0.2), (0.1, -1)),),
    ),
    (  # one
        (((0, -1), (0, 1)),),
        (((-0.38, -0.6), (0.02, -1), (0.02, -1), (0.02, 1)),),
    ),
    (  # two
        (((-0.5, -0.5), (-0.3, -0.92), (0.2, -0.97), (0.5, -0.55), (0.3, -0.05), (-0.55, 0.95), (-0.55, 0.95), (0.58, 0.95)),),
        (((-0.42, -0.7), (0.05, -1), (0.42, -0.65), (0.25, -0.1), (-0.5, 0.9), (-0.5, 0.9), (0, 0.78), (0.55, 0.92)),),
    ),
    (  # three
        (((-0.5, -0.75), (-0.05, -1), (0.42, -0.75), (0.38, -0.28), (-0.1, -0.05), (-0.1, -0.05), (0.42, 0.15), (0.5, 0.65), (0.05, 1), (-0.52, 0.75)),),
        (((-0.45, -0.95), (0.45, -0.95), (0.45, -0.95), (-0.05, -0.2), (-0.05, -0.2), (0.45, 0.1), (0.5, 0.6), (0.05, 1), (-0.5, 0.8)),),
    ),
    (  # four
        (((-0.35, -1), (-0.52, 0.15), (-0.52, 0.15), (0.58, 0.15)), ((0.25, -0.55), (0.22, 1))),
        (((0.25, 1), (0.25, -1), (0.25, -1), (-0.55, 0.35), (-0.55, 0.35), (0.6, 0.35)),),
    ),
    (  # five
        (((0.48, -0.95), (-0.35, -0.95), (-0.35, -0.95), (-0.42, -0.1), (-0.42, -0.1), (0.15, -0.28), (0.52, 0.2), (0.35, 0.8), (-0.1, 1), (-0.5, 0.8)),),
    ),
    (  # six
        (((0.35, -0.97), (-0.2, -0.5), (-0.5, 0.25), (-0.3, 0.88), (0.12, 1), (0.5, 0.6), (0.3, 0.1), (-0.1, 0.1), (-0.45, 0.45)),),
        (((0.1, -1), (-0.35, -0.3), (-0.42, 0.45), (-0.1, 1), (0.38, 0.75), (0.35, 0.2), (0, 0.08), (-0.4, 0.45)),),
    ),
    (  # seven
        (((-0.5, -0.92), (0.5, -0.95), (0.5, -0.95), (0.1, 0), (-0.15, 1)),),
        (((-0.5, -0.92), (0.5, -0.95), (0.5, -0.95), (0.1, 0), (-0.15, 1)), ((-0.25, 0.05), (0.42, 0.02))),
    ),
    (  # eight
        (((0, -1), (-0.42, -0.7), (-0.3, -0.28), (0.12, 0), (0.46, 0.45), (0.32, 0.9), (0, 1), (-0.32, 0.9), (-0.46, 0.45), (-0.12, 0), (0.3, -0.28), (0.42, -0.7), (0, -1)),),
    ),
    (  # nine
        (((0.42, -0.55), (0.1, -1), (-0.35, -0.85), (-0.5, -0.45), (-0.2, -0.08), (0.2, -0.2), (0.44, -0.6), (0.44, -0.6), (0.38, 0.2), (0.2, 1)),),
        (((0.42, -0.6), (0.05, -1), (-0.42, -0.7), (-0.35, -0.2), (0.1, -0.08), (0.44, -0.55), (0.44, -0.55), (0.42, 0.4), (0.1, 0.97), (-0.38, 0.85)),),
    ),
)  # fmt: skip

TREMBLE = 0.05  # standard deviation of a point, in half heights
SLANT = 0.25  # at most, to either side
TURN = 0.12  # at most, in radians
WIDTHS = (0.85, 1.15)  # how much the whole is stretched sideways
SIZES = (0.9, 1.08)
PENS = (0.16, 0.30)  # width of the line, in half heights
BETWEEN = 6  # pieces of a curve from point to point
FINER = 8  # each pixel is the mean of so many squared


def draw(scene: Scene, size_px: int, rng: np.random.Generator) -> UInt8[np.ndarray, "height width 3"]:
    """The scene in white on black, written by a hand of `rng`."""
    page = Image.new("L", (size_px * FINER, size_px * FINER))
    for thing in scene.things:
        write(page, thing.digit, (thing.x * page.width, thing.y * page.width), HALF_HEIGHT * page.width, rng)
    return np.asarray(page.reduce(FINER).convert("RGB"))


def write(page: Image.Image, digit: int, middle: Point, half_height: float, rng: np.random.Generator) -> None:
    """One digit, 0 to 9, in white.

    Args:
        page: mode L, some times finer than the picture will be.
        middle, half_height: in pixels of the page.
    """
    ways = WAYS[digit]
    strokes = [_trembling(stroke, rng) for stroke in ways[rng.integers(len(ways))]]
    slant, turn, stretch = rng.uniform(-SLANT, SLANT), rng.uniform(-TURN, TURN), rng.uniform(*WIDTHS)
    turned = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    shape = half_height * rng.uniform(*SIZES) * turned @ np.array([[stretch, -slant], [0.0, 1.0]])
    radius = half_height * rng.uniform(*PENS) / 2
    pen = ImageDraw.Draw(page)
    for stroke in strokes:
        line = [(x, y) for x, y in _curve(stroke) @ shape.T + np.asarray(middle)]
        pen.line(line, fill=255, width=round(2 * radius))
        for x, y in line:  # round ends and joints
            pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=255)


def _trembling(stroke: Stroke, rng: np.random.Generator) -> Float[np.ndarray, "point xy"]:
    """The points, each moved a little; those that stand twice are moved together, so that corners and loops stay."""
    moved = {point: np.add(point, rng.normal(0, TREMBLE, 2)) for point in dict.fromkeys(stroke)}
    return np.stack([moved[point] for point in stroke])


def _curve(points: Float[np.ndarray, "point xy"]) -> Float[np.ndarray, "finer_point xy"]:
    """The smooth curve through the points (Catmull-Rom), as a finer line; a loop has no corner where it ends."""
    loop = bool((points[0] == points[-1]).all())
    before = np.concatenate([points[-2:-1] if loop else points[:1], points[:-2]])
    after = np.concatenate([points[2:], points[1:2] if loop else points[-1:]])
    begin, end = points[:-1, None], points[1:, None]
    at = np.linspace(0, 1, BETWEEN + 1)[1:, None]
    leaving, arriving = (end - before[:, None]) / 2, (after[:, None] - begin) / 2
    curve = (
        (2 * at**3 - 3 * at**2 + 1) * begin
        + (at**3 - 2 * at**2 + at) * leaving
        + (3 * at**2 - 2 * at**3) * end
        + (at**3 - at**2) * arriving
    )
    return np.concatenate([points[:1], curve.reshape(-1, 2)])
