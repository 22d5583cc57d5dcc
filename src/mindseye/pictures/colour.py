"""Any colour mode to what the program works in: 8-bit sRGB, mode RGB or RGBA."""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms

from mindseye.pictures.containers import Refused

_SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
_SPACES = {"RGB": "RGB ", "L": "GRAY", "CMYK": "CMYK"}  # Pillow's mode to the name in an ICC profile


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
    colours, alpha = _eight_bit(image)
    profile = _profile(icc, colours.mode) if icc else None
    if profile is not None:
        try:
            intent = ImageCms.Intent.RELATIVE_COLORIMETRIC
            colours = _image(ImageCms.profileToProfile(colours, profile, _SRGB, intent, outputMode="RGB"))
        except ImageCms.PyCMSError:
            profile = None
    colours = colours.convert("RGB")
    if alpha is not None and alpha.getextrema()[0] != 255:
        colours.putalpha(alpha)
    return colours


def _image(result: Image.Image | None) -> Image.Image:
    assert result is not None  # only an in-place conversion returns nothing
    return result


def _profile(icc: bytes, mode: str) -> ImageCms.ImageCmsProfile | None:
    """The profile, if it can be read, is meant for this mode and is not sRGB itself."""
    try:
        profile = ImageCms.ImageCmsProfile(io.BytesIO(icc))
        description = ImageCms.getProfileDescription(profile)
    except (OSError, ImageCms.PyCMSError):
        return None
    if profile.profile.xcolor_space != _SPACES.get(mode) or (mode == "RGB" and "sRGB" in description):
        return None
    return profile


def _eight_bit(image: Image.Image) -> tuple[Image.Image, Image.Image | None]:
    """The colours (mode L, RGB or CMYK) and the alpha (mode L) or None."""
    if image.mode.startswith("I;16"):
        values = np.asarray(image)
        key = image.info.get("transparency")
        alpha = None if key is None else Image.fromarray(np.where(values == key, 0, 255).astype(np.uint8))
        return Image.fromarray(((values.astype(np.uint32) + 128) // 257).astype(np.uint8)), alpha
    if image.mode in ("I", "F"):
        return Image.fromarray(_scaled(np.array(image, np.float32))), None
    if image.mode in ("1", "L", "RGB") and not image.has_transparency_data:
        return (image.convert("L") if image.mode == "1" else image), None
    if image.mode == "LA":
        grey, alpha = image.split()
        return grey, alpha
    if image.mode in ("1", "L", "P", "PA", "RGB", "RGBA"):
        rgba = image.convert("RGBA")
        return rgba.convert("RGB"), rgba.getchannel("A")
    if image.mode == "CMYK":
        return image, None
    if image.mode in ("YCbCr", "RGBX"):
        return image.convert("RGB"), None
    raise Refused("colour mode not supported")


def _scaled(values: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Grey values without a declared range to 0..255: white is the least of 1, 255, 65535 and 2^32 - 1 that fits.

    Negative values and what is not a number are black.
    """
    np.nan_to_num(values, copy=False, nan=0, posinf=0, neginf=0)
    brightest = float(values.max())
    white = next((white for white in (1.0, 255.0, 65535.0, 2.0**32 - 1) if brightest <= white), brightest)
    np.multiply(values, 255 / white, out=values)
    np.clip(values, 0, 255, out=values)
    return np.rint(values, out=values).astype(np.uint8)
