"""One picture of a source, made ready: opened safely, reduced to a small edge, encoded without loss."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from mindseye.collection.cleaning import Looks, looks
from mindseye.collection.readers import Excluded, Found
from mindseye.pictures.opener import PictureError, open_picture
from mindseye.pictures.palette import looks_like_pixel_art

LONGEST_EDGE_PX = 256  # of a stored picture; larger ones are reduced to it


@dataclass(frozen=True)
class Prepared:
    """A picture ready to be stored.

    Attributes:
        found: what the reader said about it.
        picture: PNG or lossless WebP bytes.
        looks: what it is compared by.
        edge_px: the longer edge of the original.
        transparent: whether any pixel is not opaque.
        reduced: "smoothly", "by nearest neighbour" or "" if it was small enough.
        bytes_read: size of the original file.
    """

    found: Found
    picture: bytes
    looks: Looks
    edge_px: int
    transparent: bool
    reduced: str
    bytes_read: int


def prepare(found: Found) -> Prepared | Excluded:
    """Opens and encodes one picture; one that cannot be used becomes an `Excluded` with the reason."""
    try:
        held = found.load()
        size = held.stat().st_size if isinstance(held, Path) else len(held)
        original = open_picture(held, name=found.file_name)
    except PictureError as error:
        return Excluded(found.file_name, error.reason)
    except OSError as error:
        return Excluded(found.file_name, f"cannot be read: {error.strerror or error}")
    if original.mode == "RGBA" and original.getchannel("A").getextrema() == (0, 0):
        return Excluded(found.file_name, "nothing in it is visible: every pixel is transparent")
    image, reduced = reduce(original)
    image = without_hidden_colours(image)
    return Prepared(
        found, encode(image), looks(image), max(original.size), image.mode == "RGBA", reduced, bytes_read=size
    )


def reduce(image: Image.Image) -> tuple[Image.Image, str]:
    """The picture with its longer edge at most `LONGEST_EDGE_PX`, and how it was reduced; pixel art never smoothly."""
    longest = max(image.size)
    if longest <= LONGEST_EDGE_PX:
        return image, ""
    pixel_art = looks_like_pixel_art([np.asarray(image)])
    width, height = (max(1, round(edge * LONGEST_EDGE_PX / longest)) for edge in image.size)
    if pixel_art:
        return image.resize((width, height), Image.Resampling.NEAREST), "by nearest neighbour"
    return image.resize((width, height), Image.Resampling.LANCZOS), "smoothly"


def without_hidden_colours(image: Image.Image) -> Image.Image:
    """The same to the eye: pixels that cannot be seen lose their colour, so that equal pictures have equal bytes."""
    if image.mode != "RGBA":
        return image
    pixels = np.array(image)
    pixels[pixels[..., 3] == 0] = 0
    return Image.fromarray(pixels, "RGBA")


def encode(image: Image.Image) -> bytes:
    """PNG or lossless WebP, whichever is smaller."""
    png, webp = io.BytesIO(), io.BytesIO()
    image.save(png, "PNG", compress_level=6)
    image.save(webp, "WEBP", lossless=True, exact=True, method=2)
    return min(png.getvalue(), webp.getvalue(), key=len)
