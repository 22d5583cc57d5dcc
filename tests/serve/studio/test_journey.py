"""The first run, in a browser: a folder, its report, a short training, words, a picture, the picture dropped back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.recall.conftest import COLOURS, SHAPES, drawn, png
from tests.serve.studio.browsing import Page

import mindseye
from mindseye.imagine.imaginer import Imaginer
from mindseye.pictures.story import read_story
from mindseye.serve.library import Library

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

TRAINING_MS = 600_000


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Sixty pictures, each with a text beside it."""
    place = tmp_path / "sprites"
    place.mkdir()
    for number in range(5):
        for colour in COLOURS:
            for shape in SHAPES:
                name = place / f"{colour}-{shape}-{number}"
                name.with_suffix(".png").write_bytes(png(drawn(colour, shape, number)))
                name.with_suffix(".txt").write_text(f"a {colour} {shape}")
    return place


def test_from_a_folder_to_a_picture_and_back(
    browser: Any, serving: Any, tiny: Imaginer, folder: Path, tmp_path: Path
) -> None:
    collection = mindseye.collect(folder, tmp_path / "collection")
    runs = tmp_path / "runs"
    library = Library({"sprites": collection})
    served = serving.start({"tiny": tiny}, None, library, runs, {"sprites": str(collection.path)}, studio=True)
    opened = Page(browser, served.url)
    page = opened.page

    opened.tab("Collection")
    page.get_by_role("button", name="Show the report").click()
    assert "60" in page.frame_locator("iframe.framed").locator(".stat").first.inner_text()

    opened.tab("Train")
    page.get_by_label("Name of the training").fill("first")
    page.get_by_label("Minutes").fill("1")
    page.get_by_label("Size").click()
    page.get_by_role("option", name="tiny").click()
    page.get_by_role("button", name="Start", exact=True).click()
    page.locator(".training strong", has_text="running").wait_for(timeout=TRAINING_MS)
    page.locator(".training strong", has_text="finished").wait_for(timeout=TRAINING_MS)
    assert page.locator(".curve").is_visible() and page.locator(".training img").is_visible()
    page.get_by_role("button", name="Draw with it").click()
    page.get_by_text("first is open").wait_for()

    opened.tab("Draw")
    opened.draw("a red circle", 1, seed="4", steps="4")
    opened.cards.first.click()
    picture = opened.file_of(opened.picked.locator(".story img"))
    assert (read_story(picture)["model"], read_story(picture)["seed"]) == ("first", 4)
    opened.prompt.fill("")
    page.get_by_label("Draw a picture again").set_input_files(
        {"name": "picture.png", "mimeType": "image/png", "buffer": picture}
    )
    page.get_by_text("settings of a picture made with mindseye").wait_for()
    assert opened.prompt.input_value() == "a red circle"
    page.close()
    assert not opened.complaints
