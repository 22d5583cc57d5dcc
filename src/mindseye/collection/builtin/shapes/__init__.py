"""`shapes`: a procedural world whose pictures, captions and truth are exact; it measures prompt-following.

scene.py     what a scene is, and the endless stream of them
picture.py   a scene as pixels
words.py     a scene as captions, captions understood, and whether they are true
decode.py    a picture, drawn by whomever, back to a scene
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

from mindseye.collection.builtin.shapes.picture import draw
from mindseye.collection.builtin.shapes.scene import UNSEEN_PAIRS, UNSEEN_RELATIONS, scene_at
from mindseye.collection.builtin.shapes.words import captions
from mindseye.collection.builtin.world import PICTURES, SEED, SIZE_PX, UNSEEN, open_world, scene_example, write_world
from mindseye.collection.collection import Collection, Example
from mindseye.randomness import rng_at

VERSION = 1  # of the world; another one is prepared anew


def open_shapes() -> Collection:
    """The collection as it is named directly: 10,000 pictures of 32 px to train on, prepared once."""
    return open_world("shapes", VERSION, write_shapes)


def write_shapes(
    destination: Path, *, pictures: int = PICTURES, size_px: int = SIZE_PX, seed: int = SEED
) -> Collection:
    """Prepares any number of scenes as a collection; the first ones are the same whatever their number.

    The splits: `train`, `validation` (other scenes of the same kind), and `unseen_combinations` (scenes with pairs of
    colour and shape, or of shapes in a relation, that the other two never show). The column `truth` has each scene.

    Args:
        destination: the folder to make.
        pictures: in `train`, at least 1; the other splits have a twentieth of it each.
        size_px: edge of the pictures, 32 or more for the small things to be told apart.
        seed: 0 to 2^32 - 1.

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
        unseen_pairs=sorted(" ".join(pair) for pair in UNSEEN_PAIRS),
        unseen_relations=sorted(" ".join(relation) for relation in UNSEEN_RELATIONS),
    )


def _example(split: str, index: int, *, seed: int, size_px: int) -> Example:
    scene = scene_at(seed, split, index, unseen=split == UNSEEN)
    words = captions(scene, rng_at(seed, f"shapes {split} captions", index))
    return scene_example(split, index, draw(scene, size_px), words, scene.truth())
