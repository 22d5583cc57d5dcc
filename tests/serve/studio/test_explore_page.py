"""The page to move what is in a model's codes, in a real browser."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from PIL import Image
from tests.serve.studio.browsing import Page, opened

from mindseye.imagine.request import Request
from mindseye.report.explore import walk

pytestmark = pytest.mark.timeout(300)

PICTURE = ".explored img"
ANOTHER = "before => document.querySelector('.explored img')?.src !== before"


@pytest.fixture(scope="module")
def page(browser: Any, studio: Any) -> Iterator[Page]:
    with opened(browser, studio.url) as page:
        page.tab("Explore")
        yield page


def pixels(page: Page) -> Any:
    return np.asarray(Image.open(io.BytesIO(page.file_of(page.page.locator(PICTURE)))).convert("RGBA"))


def after(page: Page, act: Any) -> Any:
    """The picture that comes in place of the one that is there."""
    before = page.page.locator(PICTURE).get_attribute("src")
    act()
    page.page.wait_for_function(ANOTHER, arg=before)
    return pixels(page)


def test_a_model_without_codes_says_which_one_has_some(page: Page) -> None:
    page.page.get_by_text("tiny has no sliders").wait_for()
    assert "choose small" in page.page.locator(".nothing:visible", has_text="no sliders").inner_text()
    assert not page.page.get_by_role("button", name="By chance").is_visible()


def test_a_slider_that_is_moved_draws_what_the_model_makes_of_that_code(page: Page, studio: Any) -> None:
    imaginer = studio.service.imaginer("small")
    page.choose("small")
    page.page.locator(PICTURE).wait_for()
    code = np.zeros((1, 4), np.float32)
    assert np.array_equal(pixels(page), imaginer.decode(code)[0])
    # what says most comes first, and what says nothing has no slider
    named = page.page.get_by_role("slider", name="Dimension").locator("visible=true")
    assert [each.get_attribute("aria-label") for each in named.all()] == [
        f"range slider for Dimension {dimension}" for dimension in (2, 0, 3)
    ]

    def move() -> None:
        named.first.focus()
        for _ in range(3):
            page.page.keyboard.press("PageUp")

    moved = after(page, move)
    page.page.wait_for_timeout(300)  # for the last of three moves
    code[0, 2] = float(named.first.input_value())
    assert code[0, 2] > 0
    moved = pixels(page)
    assert np.array_equal(moved, imaginer.decode(code)[0])
    back = after(page, page.page.get_by_role("button", name="Back to the start").click)
    assert np.array_equal(back, imaginer.decode(np.zeros((1, 4), np.float32))[0])
    assert float(named.first.input_value()) == 0


def test_sliders_begin_at_a_seed_and_at_a_picture(page: Page, studio: Any) -> None:
    imaginer = studio.service.imaginer("small")
    page.page.get_by_role("tabpanel").get_by_label("Seed", exact=True).locator("visible=true").fill("7")
    at_seed = after(page, page.page.get_by_role("button", name="Begin at this seed").click)
    [picture] = imaginer.imagine(Request.of(prompt="", seed=7))
    assert np.array_equal(at_seed, imaginer.decode(imaginer.encode(picture.pixels[None]))[0])

    red = Image.new("RGBA", (16, 16), (200, 0, 0, 255))
    file = io.BytesIO()
    red.save(file, "PNG")
    given = {"name": "red.png", "mimeType": "image/png", "buffer": file.getvalue()}
    at_red = after(page, lambda: page.page.get_by_label("Begin at a picture").set_input_files(given))
    assert np.array_equal(at_red, imaginer.decode(imaginer.encode(np.array(red)[None]))[0])
    mean = after(page, page.page.get_by_role("button", name="Mean of all").click)
    assert np.array_equal(mean, imaginer.decode(np.zeros((1, 4), np.float32))[0])
    after(page, page.page.get_by_role("button", name="By chance").click)


def test_what_is_no_picture_is_refused(page: Page) -> None:
    given = {"name": "x.png", "mimeType": "image/png", "buffer": b"\x89PNG\r\n\x1a\nnothing"}
    page.page.get_by_label("Begin at a picture").set_input_files(given)
    page.page.locator(".said.refused:visible").wait_for()


def strip(page: Page, label: str) -> list[Any]:
    """The pictures of a strip, once it is there."""
    shown = page.page.locator(f"ol[aria-label='{label}'] img")
    shown.first.wait_for()
    return [np.asarray(Image.open(io.BytesIO(page.file_of(each)))) for each in shown.all()]


def test_a_walk_goes_from_words_and_a_seed_to_others(page: Page, studio: Any) -> None:
    page.choose("tiny")
    page.page.get_by_label("From words").fill("a cat")
    page.page.get_by_label("to words").fill("a smiling cat")
    page.page.get_by_label("to seed").fill("9")
    page.set("Pictures of the walk", "3")
    page.press("Walk")
    imaginer = studio.service.imaginer("tiny")
    assert not page.page.get_by_label("From your picture").is_visible(), "it has no codes"
    expected = imaginer.between(Request.of(prompt="a cat"), Request.of(prompt="a smiling cat", seed=9), 3)
    assert np.array_equal(strip(page, "the walk"), expected)


def test_a_walk_goes_through_the_codes_of_two_pictures(page: Page, studio: Any) -> None:
    page.choose("small")
    page.page.get_by_label("to seed").wait_for(state="hidden")  # it does not go from one seed to another
    files = []
    for label, colour in (("From your picture", (200, 0, 0, 255)), ("to your picture", (0, 0, 200, 255))):
        file = io.BytesIO()
        Image.new("RGBA", (16, 16), colour).save(file, "PNG")
        files.append(file.getvalue())
        given = {"name": "x.png", "mimeType": "image/png", "buffer": files[-1]}
        page.page.get_by_label(label).set_input_files(given)
    page.page.locator(".part .drop img:visible").nth(1).wait_for()
    page.press("Walk")
    page.page.get_by_alt_text("your picture to walk to").wait_for()
    gone = walk(studio.service.imaginer("small"), *files, prompt="a cat", steps=3)
    assert np.array_equal(strip(page, "the walk"), [gone.ends[0], *gone.pictures, gone.ends[1]])


def test_a_walk_that_lacks_an_end_is_refused(page: Page) -> None:
    page.page.locator(".part .drop:visible").first.get_by_role("button", name="Remove").click()
    page.press("Walk")
    page.page.locator(".said.refused:visible", has_text="there is no picture for from").wait_for()


def test_the_stages_of_a_picture_are_shown_the_rough_one_first(page: Page, studio: Any) -> None:
    assert not page.page.get_by_label("Words to draw in stages").is_visible()
    page.choose("staged")
    page.page.get_by_label("Words to draw in stages").fill("a cat")
    page.press("Draw the stages")
    [attended] = studio.service.imaginer("staged").attention(Request.of(prompt="a cat"))
    shown = strip(page, "the stages")
    assert [len(each) for each in shown] == [4, 8, 16]
    for each, stage in zip(shown, attended.stages, strict=True):
        assert np.array_equal(each, stage.pixels)
