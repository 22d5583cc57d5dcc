from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mindseye.collection.collection import Collection, Example, write_collection

RED, BLUE, NOTHING = (255, 0, 0, 255), (0, 0, 255, 255), (0, 0, 0, 0)


def png(width: int, height: int, colour: tuple[int, ...]) -> bytes:
    """A picture of one colour, its left half transparent if it has an alpha channel."""
    pixels = np.full((height, width, len(colour)), colour, dtype=np.uint8)
    if len(colour) == 4:
        pixels[:, : width // 2] = NOTHING
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.fixture
def collection(tmp_path: Path) -> Collection:
    """Five pictures, known to the pixel: four red, one blue; one wide; a pair with a copy; a foul caption."""
    rows = [
        ("red1.png", png(16, 16, RED), ("a red square",), "g1"),
        ("red2.png", png(16, 16, RED), ("a red square", "red and square"), "g1"),
        ("red3.png", png(32, 16, RED), ("a wide red square",), "g2"),
        ("blue.png", png(16, 16, BLUE), ("<script>alert('blue')</script>",), "g3"),
    ]
    train = [Example(data, name, captions, name, group, "sidecar .txt") for name, data, captions, group in rows]
    validation = [Example(png(16, 16, RED[:3]), "bare.png", (), "bare", "g4", "")]
    info = {
        "excluded": [{"file": "broken.png", "reason": "truncated"}, {"file": "copy.png", "reason": "a copy"}],
        "duplicate_groups": [["red1.png", "red2.png", "copy.png"]],
        "notes": [{"file": "red1.png", "note": "a caption was cut"}],
        "size_px": 16,
        "transparent": True,
        "pixel_art": True,
    }
    return write_collection(tmp_path / "squares", {"train": train, "validation": validation}, info)
