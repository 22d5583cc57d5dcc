"""A picture back to a scene: analysis by synthesis, so that renderer and decoder share one truth.

Pixels are told apart by the line of blends from the background to each colour, neighbours of one colour make a piece,
and every piece is compared with all shapes as `draw` renders them, at the place and radius that its moments give. What
a generator draws is never perfect, so blur, noise, seams and colours that are a little off are forgiven; what is not
clearly a known shape or colour stays a thing, with the shape or colour "", and no caption is true of it.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from jaxtyping import Bool, Float, Int, UInt8
from numpy.typing import NDArray
from PIL import Image

from mindseye.collection.builtin.shapes.picture import draw
from mindseye.collection.builtin.shapes.scene import BACKGROUNDS, COLOURS, SHAPES, Scene, Thing
from mindseye.errors import BadInput
from mindseye.pictures.tensors import MATTE

SMALLEST_PX = 16
_LARGEST_PX = 64  # edge to which larger pictures are reduced; finer detail tells no shape from another
# Intersection over union from which a piece has the shape. Any compact blob is more like a circle or a square than like
# a star: a square on its corner is 0.84 of a circle, an ellipse of 1.3 to 1 is 0.85.
LIKENESS = {"circle": 0.86, "square": 0.84, "triangle": 0.76, "star": 0.74, "cross": 0.78, "ring": 0.75}

_COLOUR_TOLERANCE = 0.085  # in OKLab; half of the least distance of two colours of the world, so none can be both
_BACKGROUND_TOLERANCE = 0.2  # in OKLab; a black of 20 levels is still black, the yellow of the world is not white
_PURE = 45.0  # levels of 255 from a colour within which a pixel has that colour, whatever blends pass by there
_OFF_LINE = 60.0  # levels from the nearest blend, from which a pixel belongs to no colour
_LEAST_CONTRAST = 60.0  # levels between a background and a colour that can be seen on it
_LEAST_AREA = 0.008  # of the picture; the smallest thing of the world, a small star, has 0.018
_MOST_THINGS = 12  # three times as many as the world has; more need not be counted
_SETTLED = 0.03  # relative change of a thing's colour below which its shape need not be compared again
# How shapes are compared: the standard deviation of a blur in pixels, and the radius in parts of what the area gives.
# Blur spreads the ends of thin arms until they are lost, which makes the area a little too small.
_TRIALS = ((0.0, 0.95), (0.0, 1.0), (0.0, 1.06), (0.6, 1.0), (0.6, 1.08), (1.0, 1.0), (1.0, 1.1))
_MASTER_PX = 32  # edge of the pictures that shapes are compared with
_MASTER_RADIUS = 0.46

_Colour = Float[np.ndarray, "3"]
_Pixels = Float[np.ndarray, "h w 3"]
_Mask = Bool[np.ndarray, "h w"]
_Cover = Float[np.ndarray, "h w"]


def decode(picture: UInt8[np.ndarray, "h w c"]) -> Scene:
    """The scene that a picture shows.

    Args:
        picture: square, RGB or RGBA (what is transparent shows white), 16 px or more; at 16 px small things are often
            taken for others.

    Returns:
        A scene with its things in reading order. A background, colour or shape that the world does not have is "", so
        that a picture of anything else becomes a scene of which no caption is true; at most 12 things are counted.

    Raises:
        BadInput: the picture is not of this form.
    """
    pixels = _opaque(picture)
    border = np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])
    ground: _Colour = np.median(border, axis=0)
    light = pixels - ground
    rays = np.array(list(COLOURS.values())) - ground
    colours = _nearest_colour(light, rays)
    masks = _without_rims(_pieces(colours), light)
    taken = np.any(masks, axis=0) if masks else np.zeros(colours.shape, np.bool_)
    things = []
    for mask in masks:
        colour = int(colours[mask][0])
        start = rays[colour - 1] if colour <= len(rays) else np.median(light[mask], axis=0)
        things.append(_thing(light, ground, start, mask, taken))
    things.sort(key=lambda thing: thing.x + 2 * thing.y)
    return Scene(_name(ground, BACKGROUNDS, _BACKGROUND_TOLERANCE), tuple(things))


def _opaque(picture: UInt8[np.ndarray, "h w c"]) -> _Pixels:
    shape = picture.shape
    square = len(shape) == 3 and shape[0] == shape[1] >= SMALLEST_PX and shape[2] in (3, 4)
    if not square or picture.dtype != np.uint8:
        raise BadInput(
            f"an array of shape {list(shape)} and type {picture.dtype} is not a picture that can be decoded",
            why=f"a square uint8 picture [h, w, 3 or 4] of at least {SMALLEST_PX} px is needed",
            next_step="give one picture at a time, as it is drawn",
        )
    colours = picture[..., :3].astype(np.float64)
    if shape[2] == 4:
        alpha = picture[..., 3:] / 255
        colours = alpha * colours + (1 - alpha) * MATTE
    if shape[0] > _LARGEST_PX:
        smaller = Image.fromarray(colours.round().astype(np.uint8)).resize(
            (_LARGEST_PX, _LARGEST_PX), Image.Resampling.BOX
        )
        colours = np.asarray(smaller).astype(np.float64)
    return colours


def _nearest_colour(light: _Pixels, rays: Float[np.ndarray, "colour 3"]) -> Int[np.ndarray, "h w"]:
    """What each pixel is made of: 0 for the background, from 1 on the colour that is at least half of it, and one more
    than there are colours where no blend of a colour with the background is near.

    Args:
        light: the pixels less the background.
        rays: the colours less the background.
    """
    power = np.maximum((rays**2).sum(axis=1), _LEAST_CONTRAST**2)
    cover = np.clip(light @ rays.T / power, 0, 1)
    off_line = np.linalg.norm(light[:, :, None] - cover[..., None] * rays, axis=-1)
    off_colour = np.linalg.norm(light[:, :, None] - rays, axis=-1)
    far = np.where(off_colour <= _PURE, off_colour - _PURE, off_line)
    nearest = far.argmin(axis=-1)[..., None]
    half = np.take_along_axis(cover, nearest, -1)[..., 0] >= 0.5
    return np.where(far.min(axis=-1) > _OFF_LINE, len(rays) + 1, np.where(half, nearest[..., 0] + 1, 0))


def _pieces(colours: Int[np.ndarray, "h w"]) -> list[_Mask]:
    """The largest areas of one colour that hang together by pixels side by side, the largest first."""
    flat = colours.ravel()
    at = np.arange(flat.size).reshape(colours.shape)
    one = np.concatenate([at[:, :-1].ravel(), at[:-1].ravel()])
    other = np.concatenate([at[:, 1:].ravel(), at[1:].ravel()])
    joined = (flat[one] == flat[other]) & (flat[one] > 0)
    one, other, root = one[joined], other[joined], at.ravel().copy()
    while (root[one] != root[other]).any():
        low, high = np.minimum(root[one], root[other]), np.maximum(root[one], root[other])
        np.minimum.at(root, high, low)  # the later root hangs under the earlier one
        while (root != root[root]).any():
            root = root[root]
    sizes = np.bincount(root[flat > 0], minlength=flat.size)
    largest = np.argsort(-sizes, kind="stable")[:_MOST_THINGS]
    return [(root == piece).reshape(colours.shape) for piece in largest if sizes[piece] >= _LEAST_AREA * flat.size]


def _without_rims(masks: list[_Mask], light: _Pixels) -> list[_Mask]:
    """Leaves out what only looks like a piece: the edge of a larger one, where its blend passes by another colour."""
    kept: list[_Mask] = []
    for mask in masks:
        beside = [larger for larger in kept if 2 * (_grown(larger, 1) & mask).sum() >= mask.sum()]
        if not any(_blends(light[mask], np.median(light[larger], axis=0))[1].mean() >= 0.5 for larger in beside):
            kept.append(mask)
    return kept


def _thing(light: _Pixels, ground: _Colour, ray: _Colour, piece: _Mask, taken: _Mask) -> Thing:
    """What a piece is: the shape that is most like it, and the colour that it has if it is that.

    Args:
        light: the pixels less the background.
        ground: the background.
        ray: about the colour of the piece, less the background.
        piece: the pixels that are mostly of this colour.
        taken: the pixels of all pieces.
    """
    edge = len(light)
    region = _grown(piece, round(edge / 16)) & (piece | ~taken)
    rows, columns = np.flatnonzero(region.any(axis=1)), np.flatnonzero(region.any(axis=0))
    window = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    light, region, piece = light[window], region[window], piece[window]
    for _ in range(2):
        cover, near = _blends(light, ray)
        shape, likeness, seen, (x, y, radius) = _best_shape(np.where(region & near, cover, 0))
        before, ray = ray, seen[piece] @ light[piece] / max(seen[piece] @ seen[piece], 1e-6)  # least squares
        if np.linalg.norm(ray - before) <= _SETTLED * np.linalg.norm(ray):
            break
    return Thing(
        shape=shape if likeness >= LIKENESS[shape] else "",
        colour=_name(ground + ray, COLOURS, _COLOUR_TOLERANCE),
        x=round((x + int(columns[0])) / edge, 4),
        y=round((y + int(rows[0])) / edge, 4),
        radius=round(radius / edge, 4),
    )


def _blends(light: Float[np.ndarray, "*pixels 3"], ray: _Colour) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """How much of each pixel is of the colour `ray`, 0 to 1, and whether it is a blend of that with the background."""
    cover = np.clip(light @ ray / max(ray @ ray, 1.0), 0, 1)
    return cover, np.linalg.norm(light - cover[..., None] * ray, axis=-1) <= _OFF_LINE


def _best_shape(cover: _Cover) -> tuple[str, float, _Cover, tuple[float, float, float]]:
    """The shape that is most like what is seen: its name, likeness and rendering, and its x, y and radius in pixels.

    Area and centre of gravity, which blur does not change, give the radius and the centre that each shape would have.
    """
    masters, areas, centres = _masters()
    area = max(cover.sum(), 1e-6)
    rows, columns = (np.arange(count) + 0.5 for count in cover.shape)
    radii = np.sqrt(area / areas) * np.array([[scale] for _, scale in _TRIALS])
    xs = columns @ cover.sum(axis=0) / area - radii * centres[:, 0]
    ys = rows @ cover.sum(axis=1) / area - radii * centres[:, 1]
    down, across = _weights(len(rows), ys, radii), _weights(len(columns), xs, radii)
    rendered = down @ masters @ across.swapaxes(-1, -2)  # [trial, shape, h, w]
    common = np.minimum(rendered, cover).sum(axis=(-1, -2))
    likeness = common / (areas * radii**2 + cover.sum() - common)  # intersection over union
    best = np.unravel_index(likeness.argmax(), likeness.shape)
    x, y, radius = (float(values[best]) for values in (xs, ys, radii))
    return SHAPES[best[1]], float(likeness[best]), rendered[best], (x, y, radius)


@cache
def _masters() -> tuple[Float[np.ndarray, "shape cell cell"], Float[np.ndarray, "shape"], Float[np.ndarray, "shape 2"]]:
    """The shapes as `draw` renders them, and the area and the centre of gravity of each in units of its radius."""
    scenes = [Scene("black", (Thing(shape, "yellow", 0.5, 0.5, _MASTER_RADIUS),)) for shape in SHAPES]
    masters = np.stack([np.asarray(draw(scene, _MASTER_PX))[..., 0] / COLOURS["yellow"][0] for scene in scenes])
    middles = ((np.arange(_MASTER_PX) + 0.5) / _MASTER_PX - 0.5) / _MASTER_RADIUS
    total = masters.sum(axis=(1, 2))
    centres = np.stack([masters.sum(axis=1) @ middles, masters.sum(axis=2) @ middles], axis=1) / total[:, None]
    return masters, total / (_MASTER_PX * _MASTER_RADIUS) ** 2, centres


def _weights(
    count: int, middles: Float[np.ndarray, "trial shape"], radii: Float[np.ndarray, "trial shape"]
) -> Float[np.ndarray, "trial shape pixel cell"]:
    """How much of each row of pixels lies in each row of a master that is scaled, moved and blurred; so for columns."""
    cells = (np.arange(_MASTER_PX + 1) / _MASTER_PX - 0.5) / _MASTER_RADIUS
    edges = (middles[..., None] + radii[..., None] * cells)[..., None, :]
    pixels = np.arange(count)[:, None]
    reached = np.minimum(np.maximum(edges, pixels), pixels + 1)
    return _blurs(count)[:, None] @ np.diff(reached, axis=-1)


@cache
def _blurs(count: int) -> Float[np.ndarray, "trial pixel pixel"]:
    apart = np.subtract.outer(np.arange(count), np.arange(count))
    kernels = [np.exp(-(apart**2) / (2 * sigma**2)) if sigma else np.eye(count) for sigma, _ in _TRIALS]
    return np.stack([kernel / kernel.sum(axis=0).max() for kernel in kernels])


def _grown(mask: _Mask, times: int) -> _Mask:
    for _ in range(times):
        wider = np.pad(mask, 1)
        mask = wider[1:-1, 1:-1] | wider[:-2, 1:-1] | wider[2:, 1:-1] | wider[1:-1, :-2] | wider[1:-1, 2:]
    return mask


def _name(colour: _Colour, names: dict[str, tuple[int, int, int]], tolerance: float) -> str:
    """The name of the nearest colour, "" if none is within the tolerance in OKLab."""
    far = np.linalg.norm(_oklab(np.array(list(names.values()))) - _oklab(colour), axis=1)
    return list(names)[int(far.argmin())] if far.min() <= tolerance else ""


def _oklab(srgb: Float[np.ndarray, "*colours 3"]) -> Float[np.ndarray, "*colours 3"]:
    """sRGB of 0 to 255 in OKLab, where equal distances look about equally different (Ottosson 2020)."""
    unit = np.clip(srgb / 255, 0, 1)
    linear = np.where(unit <= 0.04045, unit / 12.92, ((unit + 0.055) / 1.055) ** 2.4)
    lab: NDArray[np.float64] = np.cbrt(linear @ _TO_CONES.T) @ _TO_LAB.T
    return lab


_TO_CONES = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
)
_TO_LAB = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
)
