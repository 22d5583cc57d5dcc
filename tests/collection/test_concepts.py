from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
from PIL import Image

from mindseye.collection.builtin.shapes.scene import Scene, Thing
from mindseye.collection.collection import Collection, Example, write_collection
from mindseye.collection.concepts import BASE, TEST_NOVEL, VALIDATION_NOVEL, concepts_of, side_of, write_base


def collection(tmp_path: Path, rows: list[tuple[str, str, str, str]]) -> Collection:
    """Pictures with these concepts, groups, captions and truths."""
    file = io.BytesIO()
    Image.fromarray(np.zeros((16, 16, 3), np.uint8)).save(file, "PNG")
    examples = [
        Example(file.getvalue(), f"{number}.png", (caption,) if caption else (), concept, group, "drawn", truth)
        for number, (concept, group, caption, truth) in enumerate(rows)
    ]
    info = {"size_px": 16, "transparent": False, "pixel_art": True}
    return write_collection(tmp_path / "some", {"train": examples[:-1], "validation": examples[-1:]}, info)


def test_sides_are_what_they_have_always_been() -> None:
    """A hash of the name alone: a change here would let test concepts into training."""
    names = ("cat", "dog", "1f408", "red star on black", "latin small letter a", "wand", "potion", "scroll")
    assert [side_of(name) for name in names] == SIDES
    counts = [[side_of(f"thing {number}") for number in range(4000)].count(side) for side in SHARES]
    for count, share in zip(counts, SHARES.values(), strict=True):
        assert abs(count / 4000 - share) < 0.03


SHARES = {BASE: 0.5, VALIDATION_NOVEL: 0.25, TEST_NOVEL: 0.25}
SIDES = [VALIDATION_NOVEL, VALIDATION_NOVEL, TEST_NOVEL, BASE, BASE, BASE, BASE, VALIDATION_NOVEL]


def test_the_concept_column_tells_unless_it_is_the_key_of_a_group(tmp_path: Path) -> None:
    key = "0123456789abcdef"
    rows = [
        ("1f408", "1f408", "a cat", ""),
        ("1f408", "1f408", "cat, tabby", ""),
        (key, key, "giant newt, animals", ""),
        ("fedcba9876543210", "fedcba9876543210", "bat, animals", ""),
        ("alone", "alone", "alone", ""),
        (key, key, "", ""),
    ]
    assert concepts_of(collection(tmp_path, rows)) == {
        "1f408": [("train", 0), ("train", 1)],
        "animals": [("train", 2), ("train", 3)],
    }


def test_scenes_tell_where_all_things_are_of_one_kind(tmp_path: Path) -> None:
    star, ring = Thing("star", "red", 0.3, 0.5, 0.12), Thing("ring", "red", 0.7, 0.5, 0.12)
    scenes = [(star,), (star, star), (star, ring), (ring,)]
    rows = [("n", "n", "words", json.dumps(Scene("black", things).truth())) for things in scenes]
    found = concepts_of(collection(tmp_path, rows), fewest=1)
    assert found == {
        "small red star on black": [("train", 0), ("train", 1)],
        "small red ring on black": [("validation", 0)],
    }


def test_a_collection_without_what_is_novel(tmp_path: Path) -> None:
    names = [f"thing {number}" for number in range(40)]
    whole = collection(tmp_path, [(name, name, "words", "") for name in (*names, *names)])
    base = write_base(whole, tmp_path / "base")
    for split, side in (("train", BASE), ("validation", VALIDATION_NOVEL)):
        wanted = sorted(name for name in names if side_of(name) == side)
        assert sorted(base.splits[split].concepts) == sorted(wanted * 2)
    assert list(base.splits) == ["train", "validation"]
    assert base.info["size_px"] == 16
