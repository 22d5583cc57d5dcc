"""The first run, in a browser: a folder, its report, a short training that is stopped and gone on with, words, a
picture, the picture dropped back, and a part of it painted over and drawn anew."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from tests.recall.conftest import COLOURS, SHAPES, drawn, png
from tests.serve.studio.browsing import Page

import mindseye
from mindseye.imagine.imaginer import Imaginer
from mindseye.pictures.story import read_story
from mindseye.serve.library import Library

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

TRAINING_MS = 600_000
LONGER = "least => document.querySelector('.training polyline')?.getAttribute('points').split(' ').length > least"


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
    page.get_by_label("Minutes").fill("2")
    page.get_by_label("Size").click()
    page.get_by_role("option", name="tiny").click()
    page.get_by_role("button", name="Start", exact=True).click()
    has_become(page, "running")
    for least in (1, 2):  # the curve grows by itself
        page.wait_for_function(LONGER, arg=least, timeout=TRAINING_MS)
    assert page.locator(".training").get_by_text("to go").is_visible()
    opened.press("Stop")
    has_become(page, "interrupted")
    seen = pictures_seen(page)
    assert seen > 0 and not page.locator(".training").get_by_text("to go").is_visible()
    opened.press("Continue")
    has_become(page, "running")
    has_become(page, "finished")
    assert pictures_seen(page) > seen
    page.get_by_alt_text("the newest sheet of samples of first").wait_for()
    page.get_by_role("button", name="Draw with it").click()
    page.get_by_text("first is open").wait_for()

    opened.tab("Draw")
    opened.set("Guidance", "2.5")
    opened.draw("a red circle", 1, seed="4", steps="4")
    opened.cards.first.click()
    picture = opened.file_of(opened.picked.locator(".story img"))
    asked = {"model": "first", "prompt": "a red circle", "seed": 4, "steps": 4, "guidance": 2.5}
    assert {name: read_story(picture)[name] for name in asked} == asked
    opened.prompt.fill("")
    page.get_by_label("Seed").locator("visible=true").first.fill("9")
    for label, value in (("Steps", "7"), ("Guidance", "1")):
        opened.set(label, value)
    opened.choose("tiny")
    opened.drop("Draw a picture again", picture)
    page.get_by_text("settings of a picture made with mindseye").wait_for()
    settled(page)
    assert page.get_by_role("combobox", name="Model", exact=True).input_value() == "first"
    assert opened.prompt.input_value() == "a red circle"
    assert page.get_by_label("Seed").locator("visible=true").first.input_value() == "4"
    assert [opened.number(label).input_value() for label in ("Steps", "Guidance")] == ["4", "2.5"]

    opened.picked.get_by_role("button", name="Complete").click()
    opened.paint_lowest_fifth()
    page.get_by_role("tabpanel").get_by_role("button", name="Complete", exact=True).locator("visible=true").click()
    page.locator("[aria-label='just drawn'] .card:visible").first.wait_for()
    anew = opened.file_of(page.locator("[aria-label='just drawn'] img:visible").first)
    assert read_story(anew)["masked"]  # what was painted over may well come out as it was: a white ground
    kept = slice(int(0.75 * len(pixels(picture))))
    assert np.array_equal(pixels(picture)[kept], pixels(anew)[kept])
    page.close()
    assert not opened.complaints


def settled(page: Any) -> None:
    """Waits for what follows when another model is chosen: its own settings take the place of those before."""
    page.wait_for_timeout(1000)


def has_become(page: Any, state: str) -> None:
    """Waits until the page of trainings says so."""
    page.locator(".training strong", has_text=state).wait_for(timeout=TRAINING_MS)


def pictures_seen(page: Any) -> int:
    return int(page.locator(".training .stats strong").nth(1).inner_text().replace(",", ""))


def pixels(png: bytes) -> Any:
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGBA"))
