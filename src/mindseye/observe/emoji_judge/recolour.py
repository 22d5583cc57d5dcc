"""A thing in another colour: pictures that have one main colour, painted in one of eleven that have plain names.

So a judge of pictures and words can learn, and be asked, what "a blue apple" is, which nobody has drawn.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, UInt8
from PIL import Image

from mindseye.errors import BadInput
from mindseye.observe.vocabulary import words_of

HUE_REACH_DEGREES = 30.0  # what is this near to the main hue is painted with it
LEAST_SHARE = 0.5  # of the visible pixels must have the main hue
SHADING = (0.5, 1.6)  # how much darker or lighter than the middle a part stays


@dataclass(frozen=True)
class Colour:
    """A colour by its hue in degrees, saturation and value, both 0 to 1."""

    hue_degrees: float
    saturation: float
    value: float


COLOURS = {
    "red": Colour(355, 0.85, 0.85),
    "orange": Colour(28, 0.90, 0.97),
    "yellow": Colour(50, 0.80, 1.00),
    "green": Colour(115, 0.70, 0.65),
    "blue": Colour(215, 0.80, 0.85),
    "purple": Colour(275, 0.65, 0.70),
    "pink": Colour(335, 0.45, 0.98),
    "brown": Colour(22, 0.65, 0.48),
    "black": Colour(0, 0.00, 0.13),
    "white": Colour(0, 0.00, 0.97),
    "grey": Colour(0, 0.00, 0.55),
}
_COLOUR_WORDS = frozenset([*COLOURS, "gray", "golden", "blond", "blonde", "gold", "silver", "rainbow"])
_PEOPLE = frozenset(
    """face person people man men woman women boy girl child children baby family couple kiss hand hands finger thumbs
    claus angel adult couple's man's woman's handshake people's skier snowboarder golfer speaking bust busts
    footprints""".split()
)


def main_part(picture: UInt8[np.ndarray, "height width channel"]) -> Bool[np.ndarray, "height width"] | None:
    """Where the picture has its main hue, or None when it has none that fills half of what is visible."""
    hue, saturation, value = _hsv(picture)
    visible = picture[..., 3] > 127 if picture.shape[-1] == 4 else np.ones(hue.shape, dtype=bool)
    coloured = visible & (saturation > 0.25) & (value > 0.2)
    if not coloured.any():
        return None
    counts = np.bincount((hue[coloured] // 10).astype(int), minlength=36)
    peak = (np.argmax(counts + np.roll(counts, 1) + np.roll(counts, -1)) + 0.5) * 10
    part = coloured & (np.abs((hue - peak + 180) % 360 - 180) <= HUE_REACH_DEGREES)
    return part if part.sum() >= LEAST_SHARE * visible.sum() else None


def recolour(
    picture: UInt8[np.ndarray, "height width channel"], part: Bool[np.ndarray, "height width"], colour: str
) -> UInt8[np.ndarray, "height width channel"]:
    """The picture with `part` of it in a colour of `COLOURS`; light and shade within the part stay.

    Raises:
        BadInput: there is no such colour.
    """
    if colour not in COLOURS:
        raise BadInput(f"there is no colour {colour!r}", next_step=f"use one of {', '.join(COLOURS)}")
    target = COLOURS[colour]
    _, saturation, value = _hsv(picture)
    shade = np.clip(value / max(float(np.median(value[part])), 0.05), *SHADING)
    strength = np.clip(saturation / max(float(np.median(saturation[part])), 0.05), *SHADING)
    painted = np.stack(
        [
            np.full(shade.shape, target.hue_degrees / 360),
            np.clip(target.saturation * strength, 0, 1),
            np.clip(target.value * shade, 0, 1),
        ],
        axis=-1,
    )
    rgb = np.asarray(Image.fromarray((painted * 255).round().astype(np.uint8), mode="HSV").convert("RGB"))
    result = picture.copy()
    result[..., :3][part] = rgb[part]
    return result


def coloured_caption(colour: str, label: str) -> str:
    """ "a blue apple" for "blue" and "apple"."""
    return f"{'an' if colour == 'orange' else 'a'} {colour} {label}"


def may_be_recoloured(label: str) -> bool:
    """Whether the thing stays itself in another colour.

    Not when its name has a colour already; and people and faces are not painted, since their colour is not paint.
    """
    return (_COLOUR_WORDS | _PEOPLE).isdisjoint(words_of(label))


def _hsv(
    picture: UInt8[np.ndarray, "height width channel"],
) -> tuple[Float[np.ndarray, "height width"], Float[np.ndarray, "height width"], Float[np.ndarray, "height width"]]:
    """Hue in degrees, saturation and value from 0 to 1."""
    hsv = np.asarray(Image.fromarray(np.ascontiguousarray(picture[..., :3])).convert("HSV"), dtype=np.float32) / 255
    return hsv[..., 0] * 360, hsv[..., 1], hsv[..., 2]
