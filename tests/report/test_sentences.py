"""Walks between two captions, and the sheet on which their sentences are drawn."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.observe.sentences.small import writer

from mindseye.errors import BadInput
from mindseye.imagine.imaginer import load
from mindseye.report.sentences import WAYS, below_one_another, lerp, sentence_walk, walks_sheet


@pytest.mark.parametrize("way", WAYS)
def test_a_walk_begins_and_ends_with_what_was_asked_and_never_repeats_itself(way: str) -> None:
    walk = sentence_walk(writer(), "A smiling cat!", "a red car", way=way, steps=30)
    assert walk.found_again == (True, True)
    assert walk.sentences[0] == "a smiling cat" and walk.sentences[-1] == "a red car"
    assert all(one != other for one, other in zip(walk.sentences, walk.sentences[1:], strict=False))
    assert len(walk.steps) < 30
    assert [share for share, _ in walk.steps] == sorted(share for share, _ in walk.steps)


def test_a_walk_from_a_sentence_to_itself_stays_there() -> None:
    walk = sentence_walk(writer(), "a red cat", "a red cat")
    assert walk.sentences == ["a red cat"] and walk.steps[0][0] == 0.0


def test_an_end_that_is_not_written_again_is_told() -> None:
    walk = sentence_walk(writer(), "the the the the", "a red car")
    assert walk.found_again == (False, True)
    assert walk.facts["found_again"] == [False, True]


def test_the_straight_way_is_straight() -> None:
    one, other = np.array([0.0, 2.0], "f4"), np.array([4.0, 0.0], "f4")
    assert lerp(one, other, 0.25).tolist() == [1.0, 1.5]


@pytest.mark.parametrize(
    ("changes", "told"), [({"way": "round"}, "linear or spherical"), ({"steps": 1}, "2 to 64"), ({"steps": 65}, "2 to")]
)
def test_mistakes_are_told_with_the_way_out(changes: dict[str, object], told: str) -> None:
    with pytest.raises(BadInput) as raised:
        sentence_walk(writer(), "a red cat", "a red car", **changes)
    assert told in str(raised.value)


def test_a_sheet_has_a_row_for_each_way_and_one_between_the_prompts_themselves(tiny_folder: Path) -> None:
    imaginer = load(tiny_folder)
    walks = [sentence_walk(writer(kind), "a smiling cat", "a red car", steps=3) for kind in ("vae", "autoencoder")]
    one = walks_sheet(imaginer, walks[:1], "a smiling cat", "a red car", steps=3)
    both = walks_sheet(imaginer, walks, "a smiling cat", "a red car", steps=3)
    assert both.height > one.height and both.mode == "RGB"


def test_pages_lie_below_one_another() -> None:
    pages = [Image.new("RGB", (4, 3), "red"), Image.new("RGB", (6, 2), "blue")]
    whole = below_one_another(pages)
    assert whole.size == (6, 5)
    assert whole.getpixel((5, 0)) == (255, 0, 0) and whole.getpixel((0, 4)) == (0, 0, 255)
