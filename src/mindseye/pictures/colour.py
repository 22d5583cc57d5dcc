"""Any colour mode to what the program works in: 8-bit sRGB, mode RGB or RGBA."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image, ImageCms

from mindseye.pictures.containers import Refused

_SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
# Pillow's mode to the name of its colour space in an ICC profile
_SPACES = {"RGB": "RGB ", "RGBA": "RGB ", "L": "GRAY", "LA": "GRAY", "CMYK": "CMYK"}

# Pillow's modes of large numbers (16 bits in any byte order, 32-bit whole, 32-bit float) to what may be white in them
_WHITES = {"I;16": [65535.0], "I": [255.0, 65535.0, 2.0**32 - 1], "F": [1.0, 255.0, 65535.0, 2.0**32 - 1]}


def to_srgb(image: Image.Image, icc: bytes) -> Image.Image:
    """A decoded picture of any supported mode as 8-bit sRGB.

    A profile that is broken, or made for another kind of picture, is ignored.

    Args:
        image: as Pillow decoded it.
        icc: its colour profile, or nothing.

    Returns:
        Mode RGBA if any pixel is not opaque, else RGB.

    Raises:
        Refused: a mode without a known meaning in RGB.
    """
    image = _eight_bit(image)
    if icc:
        image = _converted(image, icc)
    transparent = image.mode in ("LA", "RGBA") and image.getchannel("A").getextrema()[0] != 255
    mode = "RGBA" if transparent else "RGB"
    return image if image.mode == mode else image.convert(mode)


def _converted(image: Image.Image, icc: bytes) -> Image.Image:
    """The picture in sRGB, if its profile can be read, is meant for its mode and is not sRGB itself."""
    try:
        profile = ImageCms.ImageCmsProfile(io.BytesIO(icc))
        if profile.profile.xcolor_space != _SPACES[image.mode] or "sRGB" in ImageCms.getProfileDescription(profile):
            return image
        colours = image.getchannel("L") if image.mode == "LA" else image
        result = ImageCms.profileToProfile(
            colours,
            profile,
            _SRGB,
            ImageCms.Intent.RELATIVE_COLORIMETRIC,
            outputMode="RGBA" if image.mode == "RGBA" else "RGB",
        )
    except (OSError, ImageCms.PyCMSError):
        return image
    assert result is not None  # only a conversion in place returns nothing
    if image.mode == "LA":
        result.putalpha(image.getchannel("A"))
    return result


def _eight_bit(image: Image.Image) -> Image.Image:
    """The same picture in mode L, LA, RGB, RGBA or CMYK."""
    if image.mode[:4] in _WHITES:
        return _from_numbers(image)
    if image.has_transparency_data:
        return image if image.mode in ("LA", "RGBA") else image.convert("RGBA")
    if image.mode in ("L", "RGB", "CMYK"):
        return image
    if image.mode in ("1", "P", "YCbCr", "RGBX"):
        return image.convert("L" if image.mode == "1" else "RGB")
    raise Refused("colour mode not supported")


def _from_numbers(image: Image.Image) -> Image.Image:
    """Grey numbers of any range to 0..255: white is the least of the mode's possible whites that fits the picture.

    Negative values and what is not a finite number are black.
    """
    values = np.asarray(image)
    brightest = float(np.max(values, where=np.isfinite(values), initial=0))
    white = next((white for white in _WHITES[image.mode[:4]] if brightest <= white), brightest)
    shades = np.empty(values.shape, np.uint8)
    for row, shown in zip(values, shades, strict=True):  # row by row, since a float picture is large
        finite = np.nan_to_num(row, nan=0, posinf=0, neginf=0)
        shown[:] = np.rint(np.clip(finite * (255 / white), 0, 255))
    grey, key = Image.fromarray(shades), image.info.get("transparency")
    if key is None:
        return grey
    return Image.merge("LA", (grey, Image.fromarray(np.where(values == key, 0, 255).astype(np.uint8))))
