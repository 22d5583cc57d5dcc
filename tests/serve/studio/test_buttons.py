"""The buttons of the pages to search, to look and to correct, in a real browser."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from tests.serve.studio.browsing import Page

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def page(browser: Any, studio: Any) -> Iterator[Page]:
    opened = Page(browser, studio.url)
    yield opened
    opened.page.close()


def press(page: Page, name: str) -> None:
    page.page.get_by_role("button", name=name, exact=True).locator("visible=true").click()


def test_look_shows_where_each_word_was_looked_at(page: Page) -> None:
    page.tab("Attention")
    page.page.get_by_label("Which words?").fill("a smiling cat")
    press(page, "Look")
    sheet = page.page.locator(".sheet img:visible")
    assert sheet.get_attribute("alt") == "where tiny looked at each word of a smiling cat"
    page.page.get_by_label("Which words?").fill("")
    press(page, "Look")
    page.page.locator(".said.refused:visible", has_text="there is no word to look at").wait_for()


def test_search_finds_by_words_and_a_found_picture_finds_more(page: Page) -> None:
    page.tab("Search")
    page.page.get_by_label("What shall they show?").fill("a red circle")
    press(page, "Search")
    page.page.get_by_text("of shapes, best first").wait_for()
    assert page.cards.count() == 24
    seventh = page.cards.nth(6).locator("img").get_attribute("src")
    page.cards.nth(6).click()
    page.page.wait_for_function("src => document.querySelector(\"[aria-label='found'] img\").src === src", arg=seventh)
    assert page.page.evaluate("window.ran") is None  # some captions would like to be run


def test_correct_says_what_is_missing(page: Page) -> None:
    page.tab("Correct")
    page.page.get_by_text("tiny has no corrections yet").wait_for()
    press(page, "Correct")
    page.page.locator(".said.refused:visible", has_text="what is to be corrected").wait_for()
    assert not page.complaints
