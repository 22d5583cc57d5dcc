"""Digits as a hand might write them: strokes through a few points, none of which ever lies at quite the same place.

There is no font and no scan behind them. A digit is one of a few ways to write it; points tremble, the whole is
slanted, turned and stretched, and pens differ in width. They are easier to read than real handwriting, since everyone
here has learnt at the same school.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, UInt8
from PIL import Image, ImageDraw

from mindseye.collection.builtin.digits.scene import HALF_HEIGHT, Scene

Point = tuple[float, float]
Stroke = tuple[Point, ...]


def _stroke(points: str) -> Stroke:
    return tuple((float(x), float(y)) for x, y in (point.split(",") for point in points.split()))


# Ways to write each digit: strokes through points "x,y", x to the right and y downwards, the digit from y = -1 to
# y = 1. A point that stands twice is a corner.
WAYS: tuple[tuple[tuple[Stroke, ...], ...], ...] = (
    (  # zero
        (_stroke("0,-1 -.5,-.6 -.58,0 -.48,.6 0,1 .48,.6 .58,0 .5,-.6 0,-1"),),
        (_stroke(".1,-1 -.35,-.6 -.4,.1 -.3,.7 0,1 .38,.55 .42,-.2 .1,-1"),),
    ),
    (  # one
        (_stroke("0,-1 0,1"),),
        (_stroke("-.38,-.6 .02,-1 .02,-1 .02,1"),),
    ),
    (  # two
        (_stroke("-.5,-.5 -.3,-.92 .2,-.97 .5,-.55 .3,-.05 -.55,.95 -.55,.95 .58,.95"),),
        (_stroke("-.42,-.7 .05,-1 .42,-.65 .25,-.1 -.5,.9 -.5,.9 0,.78 .55,.92"),),
    ),
    (  # three
        (_stroke("-.5,-.75 -.05,-1 .42,-.75 .38,-.28 -.1,-.05 -.1,-.05 .42,.15 .5,.65 .05,1 -.52,.75"),),
        (_stroke("-.45,-.95 .45,-.95 .45,-.95 -.05,-.2 -.05,-.2 .45,.1 .5,.6 .05,1 -.5,.8"),),
    ),
    (  # four
        (_stroke("-.35,-1 -.52,.15 -.52,.15 .58,.15"), _stroke(".25,-.55 .22,1")),
        (_stroke(".25,1 .25,-1 .25,-1 -.55,.35 -.55,.35 .6,.35"),),
    ),
    (  # five
        (_stroke(".48,-.95 -.35,-.95 -.35,-.95 -.42,-.1 -.42,-.1 .15,-.28 .52,.2 .35,.8 -.1,1 -.5,.8"),),
    ),
    (  # six
        (_stroke(".35,-.97 -.2,-.5 -.5,.25 -.3,.88 .12,1 .5,.6 .3,.1 -.1,.1 -.45,.45"),),
        (_stroke(".1,-1 -.35,-.3 -.42,.45 -.1,1 .38,.75 .35,.2 0,.08 -.4,.45"),),
    ),
    (  # seven
        (_stroke("-.5,-.92 .5,-.95 .5,-.95 .1,0 -.15,1"),),
        (_stroke("-.5,-.92 .5,-.95 .5,-.95 .1,0 -.15,1"), _stroke("-.25,.05 .42,.02")),
    ),
    (  # eight
        (_stroke("0,-1 -.42,-.7 -.3,-.28 .12,0 .46,.45 .32,.9 0,1 -.32,.9 -.46,.45 -.12,0 .3,-.28 .42,-.7 0,-1"),),
    ),
    (  # nine
        (_stroke(".42,-.55 .1,-1 -.35,-.85 -.5,-.45 -.2,-.08 .2,-.2 .44,-.6 .44,-.6 .38,.2 .2,1"),),
        (_stroke(".42,-.6 .05,-1 -.42,-.7 -.35,-.2 .1,-.08 .44,-.55 .44,-.55 .42,.4 .1,.97 -.38,.85"),),
    ),
)

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
