"""The page to teach words, in a real browser."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from tests.serve.studio.browsing import Page, opened

from mindseye.imagine.imaginer import load
from mindseye.imagine.request import Request

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def page(browser: Any, studio: Any) -> Iterator[Page]:
    with opened(browser, studio.url) as page:
        page.tab("Teach")
        page.page.get_by_text("tiny was taught no word yet").wait_for()
        yield page


def disc(colour: tuple[int, int, int]) -> dict[str, Any]:
    row, column = np.mgrid[:16, :16]
    inside = (row - 8) ** 2 + (column - 8) ** 2 < 30
    file = io.BytesIO()
    Image.fromarray(np.where(inside[..., None], np.array((*colour, 255)), 0).astype(np.uint8)).save(file, "PNG")
    return {"name": "disc.png", "mimeType": "image/png", "buffer": file.getvalue()}


def add(page: Page, count: int, colour: tuple[int, int, int] = (200, 20, 20)) -> None:
    page.page.get_by_label("Add a picture of it").set_input_files(disc(colour))
    page.page.wait_for_function(
        "count => document.querySelectorAll(\"[aria-label='pictures of the word'] .card\").length === count", arg=count
    )


def drawn(imaginer: Any, prompt: str) -> Any:
    return imaginer.imagine(Request(prompt=prompt, steps=2))[0].pixels


def test_a_word_is_taught_drawn_recognised_and_taken_back(page: Page, studio: Any, runs: Path) -> None:
    tiny = studio.service.imaginer("tiny")
    add(page, 1)
    add(page, 2, (20, 20, 200))
    page.page.locator("[aria-label='pictures of the word'] .card").nth(1).click()
    page.page.wait_for_function("document.querySelectorAll(\"[aria-label='pictures of the word'] .card\").length === 1")
    page.page.get_by_label("The new word").fill("zorble")
    page.page.get_by_label("It is something like").fill("a cat")
    page.set("Learn for", "80")
    page.page.get_by_role("button", name="Teach", exact=True).click()
    page.page.get_by_text("tiny-taught knows zorble now").wait_for()
    assert page.page.locator(".ledger:visible td").all_inner_texts() == ["zorble", "cat", "1", "1"]
    assert page.page.get_by_role("combobox", name="Model", exact=True).input_value() == "tiny-taught"
    knowing = studio.service.imaginer("tiny-taught")
    assert np.array_equal(drawn(knowing, "a zorble"), drawn(load(runs / "tiny-taught"), "a zorble"))
    assert not np.array_equal(drawn(knowing, "a zorble"), drawn(tiny, "a zorble"))
    assert [edit.name for edit in knowing.edits] == ["zorble"], "so that a picture's story tells it"

    page.page.get_by_label("What does this picture show?").set_input_files(disc((200, 20, 20)))
    assert page.page.locator(".verdict:visible .big-words").inner_text() == "zorble"

    page.page.get_by_role("button", name="Take it back").locator("visible=true").click()
    page.page.get_by_text("tiny-taught was taught no word yet").wait_for()
    assert not (runs / "tiny-taught" / "edits").exists()
    again = studio.service.imaginer("tiny-taught")
    assert again.edits == () and np.array_equal(drawn(again, "a zorble"), drawn(tiny, "a zorble"))


def test_what_cannot_be_taught_is_refused_with_a_next_step(page: Page) -> None:
    page.page.get_by_label("The new word").fill("<img src=x onerror=window.ran=1>")
    page.page.get_by_role("button", name="Teach", exact=True).click()
    page.page.locator(".said.refused:visible", has_text="cannot be taught").wait_for()
    given = {"name": "x.png", "mimeType": "image/png", "buffer": b"\x89PNG\r\n\x1a\nnothing"}
    page.page.get_by_label("Add a picture of it").set_input_files(given)
    page.page.locator(".said.refused:visible", has_text="the picture").wait_for()
    assert page.page.evaluate("window.ran") is None


def test_a_teaching_that_is_stopped_leaves_no_model(page: Page, studio: Any, runs: Path) -> None:
    page.choose("small")  # another family, which the button must say
    add(page, 1)
    page.page.get_by_label("The new word").fill("zorble")
    page.page.get_by_role("button", name="Teach", exact=True).click()
    page.page.locator(".said.refused:visible", has_text="small cannot be taught words").wait_for()
    page.choose("tiny")
    page.page.get_by_label("The new word").fill("blick")
    page.page.get_by_role("button", name="Teach", exact=True).click()
    page.page.get_by_role("button", name="Stop", exact=True).locator("visible=true").click()
    page.page.get_by_text("stopped; the model is what it was").wait_for()
    assert page.page.get_by_role("button", name="Teach", exact=True).is_visible()
    assert not (runs / "tiny-taught" / "edits").exists()
