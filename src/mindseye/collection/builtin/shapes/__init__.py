"""`shapes`: a procedural world whose pictures, captions and truth are exact; it measures prompt-following.

scene.py     what a scene is, and the endless stream of them
picture.py   a scene as pixels
words.py     a scene as captions, captions understood, and whether they are true
decode.py    a picture, drawn by whomever, back to a scene
"""

from __future__ import annotations

import io
import json
import time
from pathlib import Path

from mindseye.collection.builtin.shapes.picture import draw
from mindseye.collection.builtin.shapes.scene import UNSEEN_PAIRS, UNSEEN_RELATIONS, scene_at
from mindseye.collection.builtin.shapes.words import captions
from mindseye.collection.collection import Collection, Example, is_prepared, open_prepared, write_collection
from mindseye.files import cache_folder
from mindseye.randomness import rng_at

VERSION = 1  # of the world; another one is prepared anew
SEED = 0
PICTURES = 10_000
SIZE_PX = 32
_HELD_BACK = 20  # one picture of so many more for validation, and as many for the unseen combinations


def open_shapes() -> Collection:
    """The collection as it is named directly: 10,000 pictures of 32 px to train on, prepared once.

    It is kept in the cache folder (`$MINDSEYE_CACHE` or `~/.cache/mindseye`).
    """
    folder = cache_folder() / f"shapes-{VERSION}"
    if not is_prepared(folder):
        write_shapes(folder)
    return open_prepared(folder, name="shapes")


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
        "unseen_pairs": sorted(" ".join(pair) for pair in UNSEEN_PAIRS),
        "unseen_relations": sorted(" ".join(relation) for relation in UNSEEN_RELATIONS),
        "seconds": {"draw": round(time.perf_counter() - started, 3)},
    }
    return write_collection(destination, examples, info)


def _example(seed: int, split: str, index: int, size_px: int) -> Example:
    scene = scene_at(seed, split, index, unseen=split == "unseen_combinations")
    stored = io.BytesIO()
    draw(scene, size_px).save(stored, "PNG")
    name = f"{split}-{index:06d}"
    return Example(
        picture=stored.getvalue(),
        file_name=f"{name}.png",
        captions=captions(scene, rng_at(seed, f"shapes {split} captions", index)),
        concept=name,
        group=name,
        source="scene",
        truth=json.dumps(scene.truth()),
    )
