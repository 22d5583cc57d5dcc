"""What the built-in worlds share: scenes without end, the first of which are written as a collection, once."""

from __future__ import annotations

import io
import json
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from PIL import Image

from mindseye.collection.collection import Collection, Example, is_prepared, open_prepared, write_collection
from mindseye.files import cache_folder

SEED = 0
PICTURES = 10_000
SIZE_PX = 32
UNSEEN = "unseen_combinations"  # the split of scenes with what the other two never show
_HELD_BACK = 20  # one picture of so many more for validation, and as many for the unseen combinations


def open_world(name: str, version: int | str, write: Callable[[Path], Any]) -> Collection:
    """The collection of a world as it is named directly, prepared once.

    It is kept in the cache folder (`$MINDSEYE_CACHE` or `~/.cache/mindseye`).

    Args:
        name: of the world.
        version: of the world; another one is prepared anew.
        write: prepares it in a folder.
    """
    folder = cache_folder() / f"{name}-{version}"
    if not is_prepared(folder):
        write(folder)
    return open_prepared(folder, name=name)


def scene_example(
    split: str, index: int, picture: Image.Image, captions: Sequence[str], truth: Mapping[str, Any]
) -> Example:
    """A scene as a collection has it: of a concept and a look-alike group of its own.

    Args:
        split, index: which scene it is.
        picture: of it.
        captions: of it.
        truth: what it shows, in JSON values.
    """
    stored, name = io.BytesIO(), f"{split}-{index:06d}"
    picture.save(stored, "PNG")
    return Example(
        picture=stored.getvalue(),
        file_name=f"{name}.png",
        captions=tuple(captions),
        concept=name,
        group=name,
        source="scene",
        truth=json.dumps(truth),
    )


def write_world(
    destination: Path,
    example: Callable[[str, int], Example],
    pictures: int,
    size_px: int,
    *,
    splits: Sequence[str] = ("train", "validation", UNSEEN),
    **facts: Any,
) -> Collection:
    """Prepares any number of a world's scenes as a collection; the first ones are the same whatever their number.

    Args:
        destination: the folder to make.
        example: the picture of a split with an index in it.
        pictures: in `train`, at least 1; the other splits have a twentieth of it each.
        size_px: edge of the pictures.
        splits: their names, `train` first.
        facts: for the collection's record: the seed, and what is unseen.

    Raises:
        BadInput: `destination` is something else than a collection.
        Unavailable: the disk refuses.
    """
    started = time.perf_counter()
    held_back = max(1, pictures // _HELD_BACK)
    counts = dict.fromkeys(splits, held_back) | {"train": pictures}
    examples = {split: [example(split, index) for index in range(count)] for split, count in counts.items()}
    info = {
        "size_px": size_px,
        "transparent": False,
        "pixel_art": False,
        "sources": {"scene": sum(counts.values())},
        "licence": "CC0-1.0",
        **facts,
        "seconds": {"draw": round(time.perf_counter() - started, 3)},
    }
    return write_collection(destination, examples, info)
