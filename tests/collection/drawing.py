"""Pictures and sources for the tests of this room."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mindseye.randomness import rng_at


def photo(number: int, edge_px: int = 96) -> NDArray[np.uint8]:
    """A smooth colourful picture, other for every number: sums of a few waves."""
    rng = rng_at(0, "test photo", number)
    y, x = np.mgrid[0 : 1 : edge_px * 1j, 0 : 1 : edge_px * 1j]
    pixels: NDArray[np.float64] = np.zeros((edge_px, edge_px, 3))
    for _ in range(12):
        across, down, phase = *rng.uniform(-25, 25, 2), rng.uniform(0, 6)
        pixels += np.sin(across * x + down * y + phase)[..., None] * rng.normal(size=3)
    pixels = (pixels - pixels.min()) / np.ptp(pixels) * 255
    result: NDArray[np.uint8] = pixels.astype(np.uint8)
    return result


def sprite(number: int, edge_px: int = 16) -> NDArray[np.uint8]:
    """A small figure of random pixels on transparent ground, RGBA."""
    rng = rng_at(0, "test sprite", number)
    pixels = np.zeros((edge_px, edge_px, 4), np.uint8)
    inner = edge_px // 2
    pixels[4 : 4 + inner, 4 : 4 + inner, :3] = rng.integers(0, 256, (inner, inner, 3))
    pixels[4 : 4 + inner, 4 : 4 + inner, 3] = 255
    return pixels


def png(pixels: NDArray[np.uint8]) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def write_files(root: Path, files: Mapping[str, bytes | str]) -> Path:
    """Makes a folder of these files."""
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return root


def write_zip(path: Path, files: Mapping[str, bytes | str]) -> Path:
    """Makes a zip file of these files."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path
