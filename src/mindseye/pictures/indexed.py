"""Indexed colour: a collection's palette, and how much of it a limit of colours costs.

Distances between colours are those of OKLab (Ottosson 2020), where equal steps look about equally large to the eye.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, UInt8
from numpy.typing import NDArray

from mindseye.pictures.palette import VISIBLE_ALPHA

NOTICEABLE = 0.03  # OKLab distance between two colours of a palette that had to be cut; a just noticeable one is 0.02
TRANSPARENT = "transparent"  # the entry of all invisible pixels

# Light from an 8-bit level of sRGB (IEC 61966-2-1).
_UNIT = np.arange(256) / 255
LINEAR_OF_SRGB = np.where(_UNIT <= 0.04045, _UNIT / 12.92, ((_UNIT + 0.055) / 1.055) ** 2.4)
# Linear sRGB to the responses of the eye's cones, and their cube roots to L, a, b (Ottosson 2020).
CONES_OF_RGB = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
)
LAB_OF_CONES = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
)


@dataclass(frozen=True)
class Indexing:
    """The palette of a collection, and what it changes in the pictures.

    Attributes:
        palette: "#rrggbb", the most frequent first; "transparent" before all of them where there is an alpha channel.
        colours: different colours in the collection.
        recoloured: share of the visible pixels whose colour is not in the palette.
        error: how far from its entry a visible pixel's colour lies on average, in OKLab; black to white is 1.
        half_transparent: share of all pixels whose alpha is neither 0 nor 255. They become opaque from alpha 128 on,
            else transparent.
    """

    palette: tuple[str, ...]
    colours: int
    recoloured: float
    error: float
    half_transparent: float

    def __str__(self) -> str:
        text = f"{self.colours:,} colours, a palette of {len(self.palette)}"
        if self.recoloured:
            text += f": {self.recoloured:.0%} of the visible pixels change their colour, by {self.error:.4f} on average"
            text += " (OKLab, where black to white is 1)"
        if self.half_transparent:
            text += f"; {self.half_transparent:.1%} of the pixels are half transparent and become opaque or transparent"
        return text


def indexing(pictures: UInt8[np.ndarray, "picture height width channel"], limit: int) -> Indexing:
    """Chooses the palette of a collection: original colours, never a mixture.

    All colours, if they are not more than `limit`. Otherwise the most frequent ones that are noticeably different from
    one another, and each other colour becomes the nearest of them.

    Args:
        pictures: three channels, or four with straight alpha.
        limit: entries of the palette, 2 or more.
    """
    transparent = pictures.shape[-1] == 4
    visible = pictures[pictures[..., 3] >= VISIBLE_ALPHA] if transparent else pictures.reshape(-1, 3)
    colours, counts = np.unique(visible[:, :3], axis=0, return_counts=True)
    order = np.argsort(-counts, kind="stable")
    colours, counts = colours[order], counts[order]
    lab = oklab(colours)
    kept = _kept(lab, limit - transparent)
    distance = np.sqrt(np.min([np.square(lab - lab[index]).sum(1) for index in kept], axis=0, initial=np.inf))
    total = max(1, counts.sum())
    return Indexing(
        palette=(TRANSPARENT,) * transparent + tuple(f"#{colours[index].tobytes().hex()}" for index in kept),
        colours=len(colours),
        recoloured=float(counts[distance > 0].sum() / total),
        error=float((distance * counts).sum() / total),
        half_transparent=float(np.isin(pictures[..., 3], (0, 255), invert=True).mean()) if transparent else 0.0,
    )


def _kept(lab: Float[np.ndarray, "colour 3"], limit: int) -> list[int]:
    """Which colours, the most frequent first, stay in the palette."""
    if len(lab) <= limit:
        return list(range(len(lab)))
    kept: list[int] = []
    left = np.arange(len(lab))
    while len(left) and len(kept) < limit:
        kept.append(int(left[0]))
        left = left[np.square(lab[left] - lab[left[0]]).sum(1) > NOTICEABLE**2]
    return kept


def rgb_of(palette: tuple[str, ...]) -> NDArray[np.uint8]:
    """[entry, 3]; black where it is transparent."""
    entries = [bytes.fromhex(entry.removeprefix("#")) if entry != TRANSPARENT else bytes(3) for entry in palette]
    return np.frombuffer(b"".join(entries), np.uint8).reshape(-1, 3)


def oklab(rgb: NDArray[Any]) -> Float[np.ndarray, "... 3"]:
    """sRGB colours, whole numbers 0 to 255, as L (0 black to 1 white), a (green to red) and b (blue to yellow)."""
    return np.asarray(np.cbrt(LINEAR_OF_SRGB[rgb] @ CONES_OF_RGB.T) @ LAB_OF_CONES.T)
