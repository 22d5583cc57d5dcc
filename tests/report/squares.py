"""A collection of known concepts, at least five of them on every side of few-shot recognition."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from PIL import Image

from mindseye.collection.collection import Collection, Example, write_collection
from mindseye.collection.concepts import BASE, TEST_NOVEL, VALIDATION_NOVEL, side_of


def squares(destination: Path, *, named: bool = True) -> Collection:
    """Some kinds of squares, four drawings of each; at least five kinds on every side.

    Args:
        named: whether the column `concept` says what a picture shows, and not a name of its own for each.
    """
    counts, examples, number = dict.fromkeys((BASE, VALIDATION_NOVEL, TEST_NOVEL), 0), [], 0
    while min(counts.values()) < 5:
        concept, number = f"square {number}", number + 1
        counts[side_of(concept)] += 1
        rng = np.random.default_rng(number)
        colour, edge = rng.integers(0, 200, 3), int(rng.integers(4, 12))
        for drawing in range(4):
            picture = np.full((16, 16, 3), 255, np.uint8)
            left, top = np.random.default_rng([number, drawing]).integers(0, 16 - edge, 2)
            picture[top : top + edge, left : left + edge] = colour
            file = io.BytesIO()
            Image.fromarray(picture).save(file, "PNG")
            name = f"{number}-{drawing}.png"
            examples.append(
                Example(file.getvalue(), name, (f"some, {concept}",), concept if named else name, name, "drawn")
            )
    return write_collection(destination, {"train": examples}, {"size_px": 16, "transparent": False, "pixel_art": True})
