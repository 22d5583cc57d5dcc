"""Captions for the pictures of a folder that have none: those of the pictures of a collection that look most alike."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image
from tests.recall.conftest import drawn, shapes
from tests.report.test_inspect import Page

from mindseye.cli.inspect import summary
from mindseye.collection.collection import Collection
from mindseye.errors import BadInput
from mindseye.recall.search import Found, Hit
from mindseye.report.inspect import inspect
from mindseye.report.suggest import different_captions, suggest

__all__ = ["shapes"]  # a fixture


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two pictures without a caption, one with, and a file that is no picture."""
    source = tmp_path / "source"
    source.mkdir()
    drawn("green", "circle", 5).resize((128, 128), Image.Resampling.NEAREST).save(source / "one.png")
    drawn("red", "square", 2).save(source / "two.png")
    drawn("blue", "square", 2).save(source / "told.png")
    (source / "told.txt").write_text("a blue square")
    (source / "torn.png").write_bytes(b"\x89PNG\r\n\x1a\nnothing")
    return source


def test_each_text_is_suggested_once_with_the_picture_that_is_most_like() -> None:
    hits = [
        Hit(f"{place}.png", caption, place, 0.9 - place / 10, "train", place)
        for place, caption in enumerate(["a cat", "a cat", "", "a dog", "a fox", "an owl"])
    ]
    best = different_captions(Found("a picture", hits, 0.0, 0.0))
    assert [(caption, like) for caption, like, _ in best] == [
        ("a cat", "0.png"),
        ("a dog", "3.png"),
        ("a fox", "4.png"),
    ]
    assert [score for _, _, score in best] == pytest.approx([0.9, 0.6, 0.5])


def test_pictures_without_a_caption_get_those_of_their_like(shapes: Collection, folder: Path, tmp_path: Path) -> None:
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    facts = inspect(shapes, suggest=folder, page=tmp_path / "report.html")
    suggestions = json.loads(json.dumps(facts["suggestions"]))
    best = {one["file_name"]: one["captions"][0] for one in suggestions}
    assert {name: row["caption"] for name, row in best.items()} == {
        "one.png": "a green circle",
        "two.png": "a red square",
    }
    assert best["one.png"]["like"] == "green-circle-5.png" and best["one.png"]["score"] == pytest.approx(1, abs=1e-3)
    assert all(len({row["caption"] for row in one["captions"]}) == len(one["captions"]) for one in suggestions)
    assert "captions for 2 pictures without one" in summary(facts) and "one.png  a green circle" in summary(facts)
    page = Page((tmp_path / "report.html").read_text(encoding="utf-8"))
    assert "a green circle 1.00, as green-circle-5.png" in " ".join(page.text.split())
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before, "nothing is written beside them"


def test_where_every_picture_has_a_caption_none_is_suggested(shapes: Collection, folder: Path) -> None:
    for name in ("one.png", "two.png", "torn.png"):
        (folder / name).unlink()
    assert suggest(shapes, folder) == []


def test_a_folder_that_is_not_there_is_named(shapes: Collection, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="absent"):
        suggest(shapes, tmp_path / "absent")
