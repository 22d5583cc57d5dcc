"""The page to train, and how what was trained is drawn with, in a real browser."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from tests.serve.conftest import interrupted
from tests.serve.studio.browsing import opened

from mindseye.pictures.story import read_story

pytestmark = pytest.mark.timeout(300)


def answered_late(asked: Any) -> None:
    """As a server does that has much to do."""
    asked.request.frame.page.wait_for_timeout(1500)
    asked.continue_()


def test_draw_with_it_chooses_it_each_time_and_what_is_changed_at_once_stays(
    browser: Any, studio: Any, runs: Path, tiny_folder: Path
) -> None:
    run = interrupted(runs / "own", runs)
    shutil.copytree(tiny_folder, run.model)
    with opened(browser, studio.url) as page:
        model = page.page.get_by_role("combobox", name="Model", exact=True)
        page.tab("Train")
        page.press("Draw with it")
        page.page.get_by_text("own is open").wait_for()
        page.choose("tiny")
        page.page.wait_for_timeout(1000)  # its fields have come
        page.page.route("**/run/predict", answered_late)
        page.press("Draw with it")
        page.page.wait_for_function("model => model.value === 'own'", arg=model.element_handle(), timeout=10_000)
        page.tab("Draw")
        page.set("Guidance", "2.5")
        page.page.unroute_all(behavior="wait")
        page.page.wait_for_timeout(1000)  # for whatever comes after them
        assert page.number("Guidance").input_value() == "2.5"
        page.draw("a cat", 1, seed="4")
        page.cards.first.click()
        story = read_story(page.file_of(page.picked.locator(".story img")))
        assert (story["model"], story["guidance"]) == ("own", 2.5)
