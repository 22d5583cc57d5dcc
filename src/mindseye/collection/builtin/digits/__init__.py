"""`digits`: one or two written digits with a sentence that says where; it measures generalisation to what was banned.

scene.py     what is where, the eight sentences, the banned digits, and the endless stream of scenes
pen.py       a scene as pixels
decode.py    a picture, drawn by whomever, back to which digit is where
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

from PIL import Image

from mindseye.collection.builtin.digits.pen import draw
from mindseye.collection.builtin.digits.scene import DIGITS, banned, scene_at
from mindseye.collection.builtin.world import PICTURES, SEED, SIZE_PX, UNSEEN, open_world, scene_example, write_world
from mindseye.collection.collection import Collection, Example
from mindseye.randomness import rng_at

VERSION = 1  # of the world; another one is prepared anew


def open_digits() -> Collection:
    """The collection as it is named directly: 10,000 pictures of 32 px to train on, prepared once."""
    return open_world("digits", VERSION, write_digits)


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
    return write_world(
        destination,
        partial(_example, seed=seed, size_px=size_px),
        pictures,
        size_px,
        seed=seed,
        banned=[f"{DIGITS[digit]}, {place}" for place, digit in banned(seed).items()],
    )


def _example(split: str, index: int, *, seed: int, size_px: int) -> Example:
    scene = scene_at(seed, split, index, unseen=split == UNSEEN)
    pixels = draw(scene, size_px, rng_at(seed, f"digits {split} hand", index))
    return scene_example(split, index, Image.fromarray(pixels), [scene.caption], scene.truth())
