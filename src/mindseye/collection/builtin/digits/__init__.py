"""`digits`: one or two written digits with a sentence that says where; it measures generalisation to what was banned.

scene.py     what is where, the eight sentences, the banned digits, and the endless stream of scenes
pen.py       a scene as pixels
decode.py    a picture, drawn by whomever, back to which digit is where
"""

from __future__ import annotations

import io
import json
import time
from pathlib import Path

from PIL import Image

from mindseye.collection.builtin.digits.pen import draw
from mindseye.collection.builtin.digits.scene import DIGITS, banned, scene_at
from mindseye.collection.collection import Collection, Example, is_prepared, open_prepared, write_collection
from mindseye.files import cache_folder
from mindseye.randomness import rng_at

VERSION = 1  # of the world; another one is prepared anew
SEED = 0
PICTURES = 10_000
SIZE_PX = 32
_HELD_BACK = 20  # one picture of so many more for validation, and as many for the unseen combinations


def open_digits() -> Collection:
    """The collection as it is named directly: 10,000 pictures of 32 px to train on, prepared once.

    It is kept in the cache folder (`$MINDSEYE_CACHE` or `~/.cache/mindseye`).
    """
    folder = cache_folder() / f"digits-{VERSION}"
    if not is_prepared(folder):
        write_digits(folder)
    return open_prepared(folder, name="digits")


def write_digits(
    destination: Path, *, pictures: int = PICTURES, size_px: int = SIZE_PX, seed: int = SEED
) -> Collection:
    """Prepares any number of scenes as a collection; the first ones are the same whatever their number.

    The splits: `train`, `validation` (other scenes of the same kind), and `unseen_combinations` (scenes with a digit
    where the other two never show it). The column `truth` has each scene.

    Args:
        destination: the folder to make.
        pictures: in `train`, at least 1; the other splits have a twentieth of it each.
        size_px: edge of the pictures; 24 or more for all digits to be told apart.
        seed: 0 to 2^32 - 1; it decides what is banned, too.

    Raises:
        BadInput: `destination` is something else than a collection.
        Unavailable: the disk refuses.
    """
    started = time.perf_counter()
    held_back = max(1, pictures // _HELD_BACK)
    counts = {"train": pictures, "validation": held_back, "unseen_combinations": held_back}
    examples = {split: [_example(seed, split, index, size_px) for index in range(n)] for split, n in counts.items()}
    info = {
        "size_px": size_px,
        "transparent": False,
        "pixel_art": False,
        "sources": {"scene": sum(counts.values())},
        "licence": "CC0-1.0",
        "seed": seed,
        "banned": [f"{DIGITS[digit]}, {place}" for place, digit in banned(seed).items()],
        "seconds": {"draw": round(time.perf_counter() - started, 3)},
    }
    return write_collection(destination, examples, info)


def _example(seed: int, split: str, index: int, size_px: int) -> Example:
    scene = scene_at(seed, split, index, unseen=split == "unseen_combinations")
    stored = io.BytesIO()
    pixels = draw(scene, size_px, rng_at(seed, f"digits {split} hand", index))
    Image.fromarray(pixels).save(stored, "PNG")
    name = f"{split}-{index:06d}"
    return Example(
        picture=stored.getvalue(),
        file_name=f"{name}.png",
        captions=(scene.caption,),
        concept=name,
        group=name,
        source="scene",
        truth=json.dumps(scene.truth()),
    )
