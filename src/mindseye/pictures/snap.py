"""Palette-true pictures: every visible pixel has a colour of the palette, and none is half transparent."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import UInt8
from numpy.typing import NDArray
from PIL import Image

from mindseye.pictures.indexed import TRANSPARENT, indexing, oklab
from mindseye.pictures.palette import VISIBLE_ALPHA

LARGEST_PALETTE = 256  # entries of an indexed PNG; one of them is for what is transparent


def colours(pictures: UInt8[np.ndarray, "picture height width channel"], limit: int) -> tuple[str, ...]:
    """The colours of a collection as "rrggbb", at most `limit` together with transparency; see `indexing`."""
    return tuple(entry.removeprefix("#") for entry in indexing(pictures, limit).palette if entry != TRANSPARENT)


def snapped(pixels: UInt8[np.ndarray, "*shape channel"], palette: Sequence[str]) -> NDArray[np.uint8]:
    """Each visible pixel in the nearest colour of the palette, as the eye sees it (OKLab), and opaque; the others
    (0, 0, 0, 0).

    Args:
        pixels: three channels, or four with straight alpha.
        palette: "rrggbb", at least one.
    """
    entries = _rgb(palette)
    there, where = np.unique(pixels[..., :3].reshape(-1, 3), axis=0, return_inverse=True)
    lab, wanted = oklab(entries), oklab(there)
    nearest = np.array([np.square(lab - colour).sum(1).argmin() for colour in wanted])
    rgb = np.asarray(entries[nearest[where.ravel()]].reshape(*pixels.shape[:-1], 3), np.uint8)
    if pixels.shape[-1] == 3:
        return rgb
    visible = pixels[..., 3:] >= VISIBLE_ALPHA
    return np.asarray(np.concatenate([rgb, np.full_like(rgb[..., :1], 255)], axis=-1) * visible, np.uint8)


def indexed(pixels: UInt8[np.ndarray, "height width channel"], palette: Sequence[str]) -> Image.Image:
    """A picture of few colours as an image of mode P: entry 0 is transparency where there is an alpha channel, the
    entries after it are the palette in its order, and then come colours that it lacks, in the order of their numbers.

    An image of mode RGB or RGBA where it has too many colours, or half transparent pixels.
    """
    with_alpha = pixels.shape[2] == 4
    alpha = pixels[..., 3] if with_alpha else np.full(pixels.shape[:2], 255, np.uint8)
    packed = pixels[..., :3].astype(np.uint32) @ np.array([1 << 16, 1 << 8, 1], np.uint32)
    entries = [int(colour, 16) for colour in palette]
    entries += sorted({int(colour) for colour in packed[alpha == 255]} - set(entries))
    if not np.isin(alpha, (0, 255)).all() or len(entries) + with_alpha > LARGEST_PALETTE:
        return Image.fromarray(pixels)
    number = {entry: index + with_alpha for index, entry in enumerate(entries)}
    flat = [number[int(colour)] if seen else 0 for colour, seen in zip(packed.flat, alpha.flat, strict=True)]
    image = Image.frombytes("P", pixels.shape[1::-1], bytes(flat))
    rgba = [(0, 0, 0, 0)] * with_alpha + [(entry >> 16, entry >> 8 & 255, entry & 255, 255) for entry in entries]
    if with_alpha:
        image.putpalette([value for colour in rgba for value in colour], "RGBA")
    else:
        image.putpalette([value for colour in rgba for value in colour[:3]], "RGB")
    return image


def _rgb(palette: Sequence[str]) -> NDArray[np.uint8]:
    return np.frombuffer(bytes.fromhex("".join(palette)), np.uint8).reshape(-1, 3)
