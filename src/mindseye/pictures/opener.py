"""The one way a picture comes into the program: safe, bounded, upright, 8-bit sRGB.

Six formats are known, each by its first bytes, never by the file's name. `containers.py` takes the file apart and
refuses bombs and broken files before anything is decoded; only then does Pillow's decoder of that one format see it.
"""

from __future__ import annotations

import io
import warnings
from dataclasses import dataclass
from pathlib import Path

from PIL import Image
from PIL.BmpImagePlugin import BmpImageFile
from PIL.GifImagePlugin import GifImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.TiffImagePlugin import TiffImageFile
from PIL.WebPImagePlugin import WebPImageFile

from mindseye.errors import BadInput
from mindseye.pictures.colour import to_srgb
from mindseye.pictures.containers import Container, Refused, take_apart
from mindseye.pictures.exif import orientation

# Called directly, not through Image.open: that would consult a global pixel limit and print warnings about it.
_DECODERS = {
    "PNG": PngImageFile,
    "JPEG": JpegImageFile,
    "WEBP": WebPImageFile,
    "GIF": GifImageFile,
    "BMP": BmpImageFile,
    "TIFF": TiffImageFile,
}

_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


_NEXT = {
    "no such file": "see whether the name is right",
    "not a file": "name one picture",
    "file cannot be read": "see whether you may read it",
}


@dataclass(frozen=True)
class Limits:
    """What a picture may cost.

    Attributes:
        file_bytes: size of the file (64 MiB).
        pixels: width times height (25 million: a 24-megapixel camera, 300 MiB of memory while it comes in); half as
            many for WebP, whose decoder holds twice as many copies.
        edge_px: width and height (32,768).
        text_bytes: what the texts or the colour profile inside may expand to (4 MiB).
    """

    file_bytes: int = 64 * 2**20
    pixels: int = 25_000_000
    edge_px: int = 32_768
    text_bytes: int = 4 * 2**20


LIMITS = Limits()


class PictureError(BadInput):
    """A file that cannot be used as a picture.

    Attributes:
        reason: short and stable: "truncated", "too many pixels", "format not allowed (PDF)", "not a picture", ...
    """

    def __init__(self, name: str, reason: str) -> None:
        readable = "".join(c if c.isprintable() else "?" for c in name) or "the picture"
        next_step = _NEXT.get(reason, "save it again as a PNG or JPEG, or leave it out")
        super().__init__(f"{readable} cannot be used: {reason}", next_step=next_step)
        self.reason = reason


def open_picture(source: Path | bytes, *, name: str = "", limits: Limits = LIMITS) -> Image.Image:
    """Opens a PNG, JPEG, WebP, GIF (first frame), BMP or TIFF (first page).

    Args:
        source: a file, or its bytes.
        name: what errors call it; by default the file's name.
        limits: what it may cost.

    Returns:
        Upright, 8-bit sRGB; mode RGBA if some pixel is not opaque, else RGB.

    Raises:
        PictureError: it cannot be used; `.reason` says why in a few words.
    """
    try:
        container = take_apart(read_bounded(source, limits), limits.text_bytes)
        _check_size(container, limits)
        image = to_srgb(_decoded(container), container.icc)
    except Refused as refused:
        raise PictureError(name or _name_of(source), refused.reason) from None
    turn = _UPRIGHT.get(orientation(container.exif))
    return image if turn is None else image.transpose(turn)


def open_container(source: Path | bytes, *, name: str = "", limits: Limits = LIMITS) -> Container:
    """The parts of a picture file (its texts, for one) without decoding it.

    Raises:
        PictureError: as `open_picture`.
    """
    try:
        return take_apart(read_bounded(source, limits), limits.text_bytes)
    except Refused as refused:
        raise PictureError(name or _name_of(source), refused.reason) from None


def read_bounded(source: Path | bytes, limits: Limits) -> bytes:
    if isinstance(source, bytes):
        data = source
    else:
        try:
            if not source.is_file():
                raise Refused("no such file" if not source.exists() else "not a file")
            with open(source, "rb") as file:
                data = file.read(limits.file_bytes + 1)
        except (OSError, ValueError):
            raise Refused("file cannot be read") from None
    if len(data) > limits.file_bytes:
        raise Refused("file too large")
    return data


def _name_of(source: Path | bytes) -> str:
    return source.name if isinstance(source, Path) else ""


def _check_size(container: Container, limits: Limits) -> None:
    width, height = container.size
    if width == 0 or height == 0:
        raise Refused("no pixels")
    copies = 2 if container.format == "WEBP" else 1
    if width * height * copies > limits.pixels:
        raise Refused("too many pixels")
    if max(width, height) > limits.edge_px:
        raise Refused("too wide or too high")


def _decoded(container: Container) -> Image.Image:
    try:
        with warnings.catch_warnings(action="ignore"):  # what is merely odd is no news to the owner
            image = _DECODERS[container.format](io.BytesIO(container.picture))
            if image.size == container.size:
                image.load()
                return image
    except Exception:  # a decoder meets damage with nearly any exception, and its text must not travel further
        raise Refused("damaged") from None
    raise Refused("damaged")
