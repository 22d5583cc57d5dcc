"""Picture files for the tests: small good ones of every format, and hand-made bad ones."""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any

import numpy as np
from PIL import Image

SIGNATURE = b"\x89PNG\r\n\x1a\n"


def encoded(image: Image.Image, format: str, **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, format, **options)
    return file.getvalue()


def noise(width: int = 24, height: int = 18, channels: int = 3) -> Image.Image:
    return Image.fromarray(np.random.default_rng(7).integers(0, 256, (height, width, channels), dtype=np.uint8))


def smooth(width: int = 24, height: int = 18) -> Image.Image:
    x, y = np.meshgrid(np.linspace(0, 255, width), np.linspace(0, 255, height))
    return Image.fromarray(np.stack([x, y, 255 - x], axis=-1).astype(np.uint8))


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(width: int, height: int, depth: int, colour_type: int, rows: bytes, *extra: tuple[bytes, bytes]) -> bytes:
    """A PNG from its raw rows (without filter bytes), with extra chunks between header and data."""
    pitch = len(rows) // height if height else 0
    filtered = b"".join(b"\0" + rows[i * pitch : (i + 1) * pitch] for i in range(height))
    header = struct.pack(">IIBBBBB", width, height, depth, colour_type, 0, 0, 0)
    parts = [(b"IHDR", header), *extra, (b"IDAT", zlib.compress(filtered)), (b"IEND", b"")]
    return SIGNATURE + b"".join(chunk(kind, body) for kind, body in parts)


def good_files() -> dict[str, bytes]:
    return {
        "PNG": encoded(noise(), "PNG"),
        "PNG with alpha": encoded(noise(channels=4), "PNG"),
        "JPEG": encoded(smooth(), "JPEG"),
        "progressive JPEG": encoded(smooth(), "JPEG", progressive=True),
        "WebP": encoded(noise(12, 9), "WEBP"),
        "lossless WebP": encoded(noise(12, 9, 4), "WEBP", lossless=True),
        "animated WebP": encoded(noise(12, 9), "WEBP", save_all=True, append_images=[smooth(12, 9)]),
        "GIF": encoded(smooth().quantize(32), "GIF"),
        "animated GIF": encoded(smooth(), "GIF", save_all=True, append_images=[noise(), smooth().rotate(9)]),
        "BMP": encoded(smooth(), "BMP"),
        "TIFF": encoded(smooth(), "TIFF"),
        "TIFF with deflate": encoded(smooth(), "TIFF", compression="tiff_deflate"),
        "TIFF with LZW": encoded(smooth(), "TIFF", compression="tiff_lzw"),
    }
