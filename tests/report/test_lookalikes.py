"""Near-duplicates by meaning: pairs that cleaning keeps apart, found by a limit that the collection itself sets."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tests.recall.conftest import drawn, png
from tests.report.test_inspect import Page

from mindseye.collection.collection import Collection, Example, write_collection
from mindseye.report import lookalikes as module
from mindseye.report.inspect import inspect
from mindseye.report.lookalikes import lookalikes, moved, pairs_within

INFO = {"size_px": 32, "transparent": False, "pixel_art": True, "excluded": [], "duplicate_groups": [], "notes": []}


def on_a_circle(*degrees: float) -> np.ndarray:
    angles = np.radians(degrees)
    return np.stack([np.cos(angles), np.sin(angles)], axis=1)


def test_pairs_are_counted_once_nearest_first_and_not_within_a_group(monkeypatch: pytest.MonkeyPatch) -> None:
    directions, groups = on_a_circle(0, 90, 3, 180, 91, 2), np.array([0, 1, 2, 3, 4, 2])
    within_ten_degrees = 1 - np.cos(np.radians(10))
    for block in (1024, 2):
        monkeypatch.setattr(module, "_BLOCK", block)
        count, pairs = pairs_within(directions, groups, within_ten_degrees)
        assert count == 3  # 2 and 3 degrees are of one group
        assert [pair[:2] for pair in pairs] == [(1, 4), (0, 5), (0, 2)]
        assert [far for _, _, far in pairs] == pytest.approx([1 - np.cos(np.radians(angle)) for angle in (1, 2, 3)])


def test_of_too_many_pairs_the_nearest_are_kept_and_all_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_PAIRS", 2)
    count, pairs = pairs_within(on_a_circle(0, 8, 9, 11), np.arange(4), 1.0)
    assert (count, [pair[:2] for pair in pairs]) == (6, [(1, 2), (2, 3)])


def test_a_picture_is_moved_by_a_sixteenth_and_its_border_goes_on() -> None:
    picture = np.arange(32 * 32, dtype=np.int64).reshape(1, 32, 32, 1).astype(np.uint8)
    again = moved(picture)
    assert np.array_equal(again[:, 2:, 2:], picture[:, :-2, :-2])
    assert np.array_equal(again[:, 0], again[:, 2]) and np.array_equal(again[:, :, 0], again[:, :, 2])


@pytest.fixture
def drawings(tmp_path: Path) -> Collection:
    """A circle, the same again but for a pixel, once in its group and once not, and two other things."""
    again = drawn("red", "circle", 5)
    again.putpixel((0, 0), (250, 250, 250))
    rows = [
        ("circle.png", drawn("red", "circle", 5), "g1"),
        ("copy.png", again, "g1"),
        ("redrawn.png", again, "g2"),
        ("square.png", drawn("blue", "square", 0), "g3"),
        ("triangle.png", drawn("yellow", "triangle", 15), "g4"),
    ]
    examples = [Example(png(image), name, ("a thing",), name, group, "drawn") for name, image, group in rows]
    return write_collection(tmp_path / "drawings", {"train": examples[:2], "validation": examples[2:]}, INFO)


def test_what_was_drawn_anew_is_found_across_the_splits_and_other_things_are_not(
    drawings: Collection, tmp_path: Path
) -> None:
    found = lookalikes(drawings)
    assert {pair[:2] for pair in found.pairs} == {("circle.png", "redrawn.png"), ("copy.png", "redrawn.png")}
    assert found.count == 2 and 0 <= found.pairs[0][2] < found.limit < 1
    facts = inspect(drawings, alike=True, page=tmp_path / "report.html")
    assert facts["alike"] == found.as_json()
    text = " ".join(Page((tmp_path / "report.html").read_text(encoding="utf-8")).text.split())
    assert "2 pairs of pictures whose pixels differ" in text and "distance 0.0" in text


def test_it_is_not_looked_for_unless_asked(drawings: Collection, tmp_path: Path) -> None:
    assert inspect(drawings, page=tmp_path / "report.html")["alike"] is None
    assert "Alike by meaning" not in (tmp_path / "report.html").read_text(encoding="utf-8")
