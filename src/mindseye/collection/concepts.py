"""Which pictures show the same thing, and which things are kept from learning: base, validation-novel, test-novel.

What a picture shows is told in one of three ways, the first that there is:

- by its scene, in the world of `shapes`, where one kind of thing is in it: "small red star on black";
- by the collection's column `concept`, where its source filled it (`concept` in metadata.jsonl);
- by the last part of its first caption between commas: "giant newt, animals" is of the animals, "cat" is a cat.

The side of a concept is decided by a hash of its name alone, so that no other concept, collection or setting moves it.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mindseye.collection.collection import Collection, Example, Split, write_collection

BASE, VALIDATION_NOVEL, TEST_NOVEL = "base", "validation-novel", "test-novel"

_GROUP_KEY = re.compile(r"[0-9a-f]{16}")  # what `collect` writes into `concept` where nothing was said

Place = tuple[str, int]


def concepts_of(collection: Collection, fewest: int = 2) -> dict[str, list[Place]]:
    """The pictures of each concept, as (split, row); concepts in the order of the alphabet.

    Args:
        collection: any.
        fewest: pictures that a concept must have to be told.
    """
    found: dict[str, list[Place]] = {}
    for name, split in collection.splits.items():
        for row in range(len(split)):
            if concept := _concept(split, row):
                found.setdefault(concept, []).append((name, row))
    return {concept: places for concept, places in sorted(found.items()) if len(places) >= fewest}


def side_of(concept: str) -> str:
    """`BASE`, `VALIDATION_NOVEL` or `TEST_NOVEL`: half, a quarter and a quarter of all names."""
    at = int.from_bytes(hashlib.sha256(f"concept {concept}".encode()).digest()[:8], "big") / 2**64
    return BASE if at < 0.5 else VALIDATION_NOVEL if at < 0.75 else TEST_NOVEL


def base_of(collection: Collection) -> dict[str, list[Example]]:
    """The splits of a collection without its novel concepts: base ones to train on, validation-novel ones to watch.

    Test-novel ones are left out, and so is every picture of which no single concept is told, since it may show one.
    """
    concepts = concepts_of(collection, fewest=1)
    return {
        split: [
            collection.splits[of][row]
            for name, places in concepts.items()
            if side_of(name) == side
            for of, row in places
        ]
        for split, side in {"train": BASE, "validation": VALIDATION_NOVEL}.items()
    }


def write_base(collection: Collection, destination: Path) -> Collection:
    """Writes `base_of` a collection, to train a model on that is to meet novel concepts for the first time.

    Args:
        collection: any.
        destination: the folder to make; one that exists is replaced only if it is a prepared collection.

    Raises:
        BadInput: it has no base concept, or `destination` is something else.
        Unavailable: the disk refuses.
    """
    kept = ("size_px", "transparent", "pixel_art", "licence", "attribution")
    info = {key: value for key, value in collection.info.items() if key in kept}
    return write_collection(destination, base_of(collection), info)


def _concept(split: Split, row: int) -> str:
    if truth := split.truths[row]:
        scene = json.loads(truth)
        if "background" in scene:
            return _of_scene(scene)
    concept = split.concepts[row]
    if concept and not (concept == split.groups[row] and _GROUP_KEY.fullmatch(concept)):
        return concept
    captions = split.captions[row]
    return captions[0].rpartition(",")[2].strip() if captions else ""


def _of_scene(scene: Mapping[str, Any]) -> str:
    kinds = {f"{thing['size']} {thing['colour']} {thing['shape']}" for thing in scene["things"]}
    return f"{kinds.pop()} on {scene['background']}" if len(kinds) == 1 else ""
