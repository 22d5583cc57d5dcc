"""A picture back to which digit is where: by the spread of its ink, and by the most similar of many written digits.

A person would be asked "which digit, and where"; this is asked the same, and never what the prompt was. Ink that lies
beside the middle on both sides is two digits, ink in one quarter is one. Each is cut out, brought to one size and
place by its moments, and compared with digits that the same pen wrote with other seeds, sharp and blurred, since what
a model draws is often blurred, and with spots and scribbles that are no digit. What is like none of them is none.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from jaxtyping import Float, UInt8
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from mindseye.collection.builtin.digits.pen import FINER, write
from mindseye.collection.builtin.digits.scene import DIGITS, HALF_HEIGHT, PLACES
from mindseye.errors import BadInput
from mindseye.pictures.tensors import MATTE
from mindseye.randomness import rng_at

SMALLEST_PX = 16
SEED = 2**31  # of the digits that are compared with: no collection of another seed shares one with them
WRITTEN = 120  # of each digit, and of what is none
BLURS = (0.0, 0.7, 1.2)  # pixels, of standard deviation
NEIGHBOURS = 5

_BANK_PX = 32
_EDGE = 14  # of the normal form
_REACH = 2.4  # standard deviations of the ink from its middle to the edge of the normal form
_LIKENESS = 0.85  # cosine with the nearest written digit, below which it is none; of real ones 1 % are below 0.90
_LEAST_INK = 0.008  # of the picture that is white; the thinnest "one" has 0.012
_MOST_INK = 0.35  # two thick digits have 0.2
_FAINT = 0.15  # what is darker than this share of the brightest is no ink
_ASIDE = 0.14  # of a single digit: how far its middle is from the picture's, across and down, as a share of the edge
_CENTRED = 0.11  # of two digits: how far each may be off the line on which both stand
_FROM_EDGE = 0.12  # of two digits: how far at least each is from the line between them


def decode(picture: UInt8[np.ndarray, "h w c"]) -> frozenset[tuple[int, str]]:
    """Which digit stands where, as `Scene.shown` says it.

    Args:
        picture: square, RGB or RGBA, 16 px or more.

    Returns:
        One or two (digit, place); a digit is -1 where none can be told. Nothing where the ink is not arranged like any
        scene of this world.

    Raises:
        BadInput: the picture is not of this form.
    """
    ink = _ink(picture)
    if not _LEAST_INK <= ink.mean() <= _MOST_INK:
        return frozenset()
    return frozenset((_digit(part), place) for place, part in _parts(ink).items())


def _ink(picture: UInt8[np.ndarray, "h w c"]) -> Float[np.ndarray, "h w"]:
    """How white each pixel is, 0 to 1, against the brightest; what is faint is left out."""
    shape = picture.shape
    square = len(shape) == 3 and shape[0] == shape[1] >= SMALLEST_PX and shape[2] in (3, 4)
    if not square or picture.dtype != np.uint8:
        raise BadInput(
            f"an array of shape {list(shape)} and type {picture.dtype} is not a picture that can be decoded",
            why=f"a square uint8 picture [h, w, 3 or 4] of at least {SMALLEST_PX} px is needed",
            next_step="give one picture at a time, as it is drawn",
        )
    white = picture[..., :3].mean(2) / 255
    if shape[2] == 4:
        alpha = picture[..., 3] / 255
        white = alpha * white + (1 - alpha) * np.mean(MATTE) / 255
    return np.asarray(np.where(white >= _FAINT * max(white.max(), 0.5), white, 0.0))


def _parts(ink: Float[np.ndarray, "h w"]) -> dict[str, Float[np.ndarray, "h w"]]:
    """The ink of each digit by its place; none where it is arranged otherwise."""
    edge = len(ink)
    x, y, spread_x, spread_y = _moments(ink)
    x, y = x / edge - 0.5, y / edge - 0.5
    if abs(x) >= _ASIDE and abs(y) >= _ASIDE:
        place = f"{'top' if y < 0 else 'bottom'} {'left' if x < 0 else 'right'}"
        inside = max(spread_x, spread_y) / edge < HALF_HEIGHT
        return {place: ink} if inside else {}
    first = np.zeros(ink.shape, np.bool_)
    if spread_x > spread_y:
        names = ("left", "right")
        first[:, : edge // 2] = True
    else:
        names = ("top", "bottom")
        first[: edge // 2] = True
    parts = {names[0]: np.where(first, ink, 0), names[1]: np.where(first, 0, ink)}
    return parts if all(_stands(part, place) for place, part in parts.items()) else {}


def _stands(ink: Float[np.ndarray, "h w"], place: str) -> bool:
    """Whether one of two digits is where the place is."""
    if ink.mean() < _LEAST_INK:
        return False
    x, y, *_ = _moments(ink)
    x, y = x / len(ink) - 0.5, y / len(ink) - 0.5
    across, along = (y, x) if place in ("left", "right") else (x, y)
    there = PLACES[place][0 if place in ("left", "right") else 1] - 0.5
    return bool(abs(across) <= _CENTRED and along * np.sign(there) >= _FROM_EDGE)


def _digit(ink: Float[np.ndarray, "h w"]) -> int:
    """What most of the nearest in the bank are; -1 where that is no digit, or none is near."""
    bank, digits = _bank()
    likeness = bank @ _normal_form(ink)
    nearest = np.argpartition(-likeness, NEIGHBOURS)[:NEIGHBOURS]
    if likeness[nearest].max() < _LIKENESS:
        return -1
    votes = np.bincount(digits[nearest] + 1, weights=likeness[nearest])
    return int(votes.argmax()) - 1


def _moments(ink: Float[np.ndarray, "h w"]) -> tuple[float, float, float, float]:
    """The middle of the ink and its standard deviation, x and y, in pixels."""
    rows, columns = (np.arange(count) + 0.5 for count in ink.shape)
    total = max(ink.sum(), 1e-9)
    across, down = ink.sum(0) / total, ink.sum(1) / total
    x, y = float(columns @ across), float(rows @ down)
    return x, y, float(np.sqrt((columns - x) ** 2 @ across)), float(np.sqrt((rows - y) ** 2 @ down))


def _normal_form(ink: Float[np.ndarray, "h w"]) -> Float[np.ndarray, "feature"]:
    """The ink around its middle at one scale, as a vector of length 1."""
    x, y, spread_x, spread_y = _moments(ink)
    reach = _REACH * max(spread_x, spread_y, 1e-3)
    box = (x - reach, y - reach, x + reach, y + reach)
    picture = Image.fromarray(ink.astype(np.float32))
    form = picture.transform((_EDGE, _EDGE), Image.Transform.EXTENT, box, Image.Resampling.BILINEAR)
    values = np.asarray(form, np.float64).ravel()
    return np.asarray(values / max(float(np.linalg.norm(values)), 1e-9))


@cache
def _bank() -> tuple[Float[np.ndarray, "known feature"], NDArray[np.int64]]:
    """Written digits and other things in normal form, and which digit each is: -1 for none."""
    numbers = np.repeat(np.arange(-1, len(DIGITS)), WRITTEN)
    forms = []
    for index, digit in enumerate(numbers.tolist()):
        rng = rng_at(SEED, "digits bank", index)
        page = Image.new("L", (_BANK_PX * FINER, _BANK_PX * FINER))
        if digit >= 0:
            write(page, digit, (page.width / 2, page.width / 2), HALF_HEIGHT * page.width, rng)
        elif index % 2:
            _spot(page, rng)
        else:
            _scribble(page, rng)
        blurred = page.reduce(FINER).filter(ImageFilter.GaussianBlur(BLURS[index // 2 % len(BLURS)]))
        forms.append(_normal_form(np.asarray(blurred) / 255))
    return np.stack(forms), numbers


def _spot(page: Image.Image, rng: np.random.Generator) -> None:
    """A filled ellipse, up to twice as long as wide: what a model draws that knows only where."""
    radius, ratio = page.width * rng.uniform(0.08, 0.18), rng.uniform(0.5, 1.0)
    across, down = (radius * ratio, radius) if rng.random() < 0.7 else (radius, radius * ratio)
    middle = page.width / 2
    ImageDraw.Draw(page).ellipse((middle - across, middle - down, middle + across, middle + down), fill=255)


def _scribble(page: Image.Image, rng: np.random.Generator) -> None:
    """Grey noise of large grain in a square."""
    grain = Image.fromarray(rng.integers(0, 256, (5, 5), dtype=np.uint8))
    edge = round(2 * HALF_HEIGHT * page.width)
    page.paste(grain.resize((edge, edge), Image.Resampling.BICUBIC), ((page.width - edge) // 2,) * 2)
