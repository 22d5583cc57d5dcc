"""The studio in a real browser: headless Chromium."""

from __future__ import annotations

import io
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from PIL import Image
from tests.serve.studio.browsing import DRAWN, Page
from tests.serve.studio.conftest import XSS
from tests.serve.studio.test_contrast import LEAST, contrast

from mindseye.imagine.request import Request
from mindseye.pictures.story import read_story

pytestmark = pytest.mark.timeout(300)

TOLD = "text => document.querySelector('#picked .story-prompt')?.textContent === text"
PICKED = "([bar, src]) => document.querySelector(`${bar} .story img`)?.src === src"
# What would set `window.ran` if scripts could run: in the page itself, or in the HTML that is given.
WOULD_RUN = """html => {
  const page = html === null ? document : new DOMParser().parseFromString(html, 'text/html');
  const runs = each => (each.localName === 'script' && each.textContent.includes('window.ran'))
    || [...each.attributes].some(({ name, value }) => value.includes('window.ran')
      && (name.startsWith('on') || ['src', 'srcdoc', 'href', 'xlink:href', 'data', 'action'].includes(name)));
  return [...page.querySelectorAll('*')].filter(runs).map(each => each.outerHTML.slice(0, 120));
}"""
PLACEHOLDER = """() => {
  const box = document.querySelector('#prompt input, #prompt textarea');
  const colours = [getComputedStyle(box, '::placeholder').color, getComputedStyle(box).backgroundColor];
  return colours.map(each => each.match(/\\d+/g).slice(0, 3).map(Number));
}"""
MISSED = """([kind, file]) => {
  const data = new DataTransfer();
  if (file) data.items.add(new File([file], 'x.png', { type: 'image/png' }));
  else data.setData('text/plain', 'words');
  const event = new DragEvent(kind, { dataTransfer: data, bubbles: true, cancelable: true });
  return !document.querySelector('h1').dispatchEvent(event);
}"""
CONTROLS = """() => {
  const row = [...document.querySelectorAll('.prompt-row')].find(each => each.checkVisibility());
  const all = row.querySelectorAll(
    '[data-testid=textbox], label > input[type=number], .container > .wrap, button.primary');
  return [...new Set([...all].map(each => [each.getBoundingClientRect()].map(at => `${at.top} ${at.height}`)[0]))];
}"""
ALONE = """() => [...document.querySelectorAll("[aria-label='just drawn'] .card")]
  .filter(each => each.checkVisibility()).length === 1"""
PAGES = (
    "Draw", "Complete", "Search", "Collection", "Judge", "Attention", "Explore", "Correct", "Evaluate", "Teach",
    "Train",
)  # fmt: skip


@pytest.fixture(scope="module")
def page(browser: Any, studio: Any) -> Iterator[Page]:
    """One page for the tests that leave it as it was."""
    opened = Page(browser, studio.url)
    yield opened
    opened.page.close()


def pixels(png: bytes) -> Any:
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGBA"))


def test_words_become_pictures_with_their_story_and_a_picture_restores_its_settings(page: Page, studio: Any) -> None:
    page.set("Guidance", "3.5")
    page.choose_sampler("euler")
    page.draw("a smiling cat", 2, seed="7")
    assert page.cards.count() == 2
    page.cards.nth(1).click()
    page.picked.get_by_text("a smiling cat").first.wait_for()
    png = page.file_of(page.picked.locator(".story img"))
    told = read_story(png)
    asked = {"prompt": "a smiling cat", "seed": 8, "steps": 2, "guidance": 3.5, "sampler": "euler"}
    assert {name: told[name] for name in asked} == asked
    [alone] = studio.service.imaginer(None).imagine(Request.of(**asked))
    assert np.array_equal(pixels(png), pixels_of(alone))  # the picture that it is everywhere else

    page.prompt.fill("something else")
    for label, value in (("Steps", "5"), ("Guidance", "1")):
        page.set(label, value)
    page.choose("small")  # which has none of these settings
    page.number("Guidance").wait_for(state="hidden")
    page.drop("Draw a picture again", png)
    page.page.get_by_text("settings of a picture made with mindseye").wait_for()
    page.page.wait_for_timeout(1000)  # for what follows when another model is chosen
    assert page.page.get_by_role("combobox", name="Model", exact=True).input_value() == "tiny"
    assert page.prompt.input_value() == "a smiling cat"
    assert page.page.get_by_label("Seed").locator("visible=true").first.input_value() == "8"
    assert [page.number(label).input_value() for label in ("Steps", "Guidance")] == ["2", "3.5"]
    assert page.sampler.input_value() == "euler"
    page.prompt.press("Enter")
    page.page.locator("[aria-label='drawn earlier'] .card").nth(1).wait_for()
    assert page.file_of(page.page.locator("[aria-label='just drawn'] img").first) == png
    page.page.get_by_role("button", name="Remove").locator("visible=true").click()
    page.picked.get_by_role("button", name="Close").click()


def pixels_of(picture: Any) -> Any:
    return np.asarray(picture.image.convert("RGBA"))


def story_of(page: Page, place: int, bar: str = "#picked") -> bytes:
    """The file of a picture that was just drawn, by its place, once its story is shown."""
    card = page.page.locator("[aria-label='just drawn'] .card:visible").nth(place)
    card.click()
    page.page.wait_for_function(PICKED, arg=[bar, card.locator("img").get_attribute("src")])
    return page.file_of(page.page.locator(f"{bar} .story img"))


def drawn_alone(page: Page) -> bytes:
    """The file of the one picture that was just drawn."""
    page.page.wait_for_function(ALONE)
    return page.file_of(page.page.locator("[aria-label='just drawn'] img:visible"))


def test_make_again_draws_a_variation_again_to_the_byte_whatever_the_form_says(page: Page, studio: Any) -> None:
    page.choose_sampler("heun")
    page.draw("a cat", 1, seed="3")
    before = story_of(page, 0)
    page.set("Steps", "5")
    page.picked.get_by_role("button", name="Vary").click()
    page.page.wait_for_function(DRAWN, arg=["a cat", 4])
    varied = story_of(page, 2)
    told = read_story(varied)
    assert (told["steps"], told["strength"]) == (2, 0.6), "as the picture itself was drawn"
    [alone] = studio.service.imaginer(None).imagine(
        Request.of(prompt="a cat", seed=told["seed"], steps=2, guidance=told["guidance"], picture=before, strength=0.6)
    )
    assert np.array_equal(pixels(varied), pixels_of(alone))
    page.choose("small")
    page.prompt.fill("something else")
    page.picked.get_by_role("button", name="Make again").click()
    assert drawn_alone(page) == varied
    page.choose("tiny")
    page.picked.get_by_role("button", name="Close").click()


def test_a_picture_goes_to_the_canvas_and_what_is_not_painted_stays(page: Page) -> None:
    page.draw("a cat", 1, seed="3")
    page.cards.first.click()
    before = pixels(page.file_of(page.picked.locator(".story img")))
    page.picked.get_by_role("button", name="Complete").click()
    page.paint_lowest_fifth()
    page.page.get_by_role("tabpanel").get_by_role("button", name="Complete", exact=True).locator("visible=true").click()
    page.page.locator("[aria-label='just drawn'] .card:visible").first.wait_for()
    after = pixels(page.file_of(page.page.locator("[aria-label='just drawn'] img:visible").first))
    anew = (before != after).any(axis=2)
    assert anew.any() and not anew[: int(0.75 * len(anew))].any()

    completed = story_of(page, 1, "#completed")
    bar = page.page.locator("#completed")
    bar.get_by_role("button", name="Make again").click()
    assert drawn_alone(page) == completed
    bar.get_by_role("button", name="Judge").click()
    page.page.get_by_role("button", name="Judge", exact=True).locator("visible=true").wait_for()
    assert page.file_of(page.page.locator(".drop img:visible")) == completed
    page.tab("Complete")
    bar.get_by_role("button", name="Close").click()
    page.tab("Draw")
    page.picked.get_by_role("button", name="Close").click()


def test_a_mask_is_painted_with_the_keys_alone(page: Page) -> None:
    page.tab("Complete")
    page.page.get_by_role("button", name="Clear").click()
    page.page.locator(".paint-mask").focus()
    for key in ("ArrowDown", "ArrowRight", "Space", "Shift+ArrowRight", "Space"):
        page.page.keyboard.press(key)
    share = page.page.locator(".paint-share").inner_text()
    assert share.startswith("2 of 256 pixels")
    page.page.keyboard.press("Backspace")
    assert page.page.locator(".paint-share").inner_text().startswith("1 of 256 pixels")
    page.tab("Draw")


def test_what_is_painted_is_taken_back_change_by_change(page: Page) -> None:
    page.tab("Complete")
    share, undo = page.page.locator(".paint-share"), page.page.get_by_role("button", name="Undo")
    page.page.get_by_role("button", name="Clear").click()
    page.page.get_by_role("button", name="Lower half").click()
    page.page.locator(".paint-mask").focus()
    page.page.keyboard.press("Space")
    page.page.keyboard.press("ArrowLeft")
    page.page.keyboard.press("Space")
    assert share.inner_text().startswith("128 of 256 pixels"), "the middle was painted already"
    page.page.get_by_role("button", name="Turn round").click()
    place = page.page.locator(".paint-mask").bounding_box()
    page.page.mouse.click(place["x"] + 0.5 * place["width"], place["y"] + 0.9 * place["height"])
    assert share.inner_text().startswith("129 of 256 pixels")
    page.page.keyboard.press("Control+z")
    assert share.inner_text().startswith("128 of 256 pixels")
    for _ in range(4):  # turned round, two dabs, the lower half
        undo.click()
    assert share.inner_text() == "Paint over what is to be drawn anew."
    page.page.get_by_role("tabpanel").get_by_role("button", name="Complete", exact=True).locator("visible=true").click()
    page.page.locator(".said.refused:visible", has_text="nothing is painted").wait_for()  # it is what is sent, too
    while undo.get_attribute("aria-disabled") == "false":
        undo.click()
    page.page.keyboard.press("Control+z")
    page.tab("Draw")


def test_a_file_that_misses_its_box_does_not_take_the_place_of_the_page(page: Page) -> None:
    kinds = ["dragover", "drop"]
    assert [page.page.evaluate(MISSED, [kind, "a file"]) for kind in kinds] == [True, True]
    assert not page.page.evaluate(MISSED, ["drop", ""]), "words can still be dropped into a field"


def test_before_anything_is_done_a_page_says_what_to_do(browser: Any, studio: Any) -> None:
    fresh = Page(browser, studio.url)
    for name, title in (
        ("Draw", "Nothing drawn yet"), ("Complete", "Nothing completed yet"), ("Search", "Nothing searched yet"),
        ("Judge", "Nothing judged yet"), ("Attention", "Nothing looked at yet"), ("Explore", "Nothing walked yet"),
    ):  # fmt: skip
        fresh.tab(name)
        fresh.page.locator(".nothing:visible", has_text=title).wait_for()
    assert fresh.page.get_by_label("From words").bounding_box()["y"] < 400, "first what the model can do"
    for name in ("Search", "Attention"):  # their prompts have fields beside them
        fresh.tab(name)
        fresh.page.wait_for_timeout(300)
        assert len(fresh.page.evaluate(CONTROLS)) == 1, "one height, on one line"
    fresh.page.close()


def test_the_story_of_a_picture_and_its_buttons_stay_in_sight(page: Page) -> None:
    page.page.set_viewport_size({"width": 1200, "height": 620})
    page.draw("a cat", 4, seed="3")
    page.page.evaluate("window.scrollTo(0, 0)")
    page.page.locator("[aria-label='just drawn'] .card").first.click(position={"x": 20, "y": 20})
    page.picked.locator(".story").wait_for()
    for _ in range(2):
        place = page.picked.bounding_box()
        assert place["y"] >= 0 and place["y"] + place["height"] <= 620
        page.page.mouse.wheel(0, 200)
        page.page.wait_for_timeout(200)
    page.page.set_viewport_size({"width": 1200, "height": 900})
    page.picked.get_by_role("button", name="Close").click()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_what_a_field_says_before_it_is_filled_can_be_read(page: Page, scheme: Any) -> None:
    page.page.emulate_media(color_scheme=scheme)
    page.page.wait_for_function("dark => document.body.classList.contains('dark') === dark", arg=scheme == "dark")
    page.page.wait_for_timeout(300)  # for colours that fade
    letters, ground = ("".join(f"{channel:02x}" for channel in each) for each in page.page.evaluate(PLACEHOLDER))
    page.page.emulate_media(color_scheme="light")
    assert contrast(letters, ground) >= LEAST


def test_everything_that_can_be_used_has_a_name_and_fits_a_narrow_page(page: Page) -> None:
    assert page.page.locator("html").get_attribute("lang") == "en"
    assert page.page.locator("h1").count() == 1
    nameless, too_wide = {}, {}
    for model in ("staged", "small"):  # which have parts that others lack
        page.choose(model)
        for name in PAGES:
            page.tab(name)
            page.page.wait_for_timeout(400)
            nameless[model, name] = page.nameless()
            too_wide[model, name] = [width for width in (390, 320) if page.width(width) > width]
            page.page.set_viewport_size({"width": 1200, "height": 900})
    page.choose("tiny")
    page.tab("Draw")
    assert not any(nameless.values()), nameless
    assert not any(too_wide.values()), too_wide
    page.width(320)
    for part in (page.page.locator("#model"), page.prompt, page.page.locator("#draw")):
        place = part.bounding_box()
        assert place["x"] >= 0 and place["x"] + place["width"] <= 320
    page.page.set_viewport_size({"width": 1200, "height": 900})


def test_on_a_phone_what_a_button_makes_is_below_it_and_its_words_are_not_cut(page: Page) -> None:
    page.tab("Correct")
    page.width(390)
    button = page.page.get_by_role("button", name="Correct", exact=True).locator("visible=true")
    assert button.bounding_box()["y"] < page.page.locator(".nothing:visible").bounding_box()["y"]
    page.page.set_viewport_size({"width": 1200, "height": 900})
    page.tab("Search")
    page.width(390)
    assert page.page.get_by_label("What shall they show?").bounding_box()["width"] > 300
    page.page.set_viewport_size({"width": 1200, "height": 900})
    page.tab("Draw")


@pytest.mark.parametrize("texts", [XSS[::5], pytest.param(XSS, marks=pytest.mark.slow)], ids=("some", "all"))
def test_what_is_typed_is_never_run(page: Page, texts: tuple[str, ...]) -> None:
    page.draw("a tame dog", 1, steps="1")
    for text in texts:
        text = " ".join(text.split("\n"))  # as a line of the page takes it
        page.prompt.fill(text)
        page.prompt.press("Enter")
        page.page.wait_for_function(DRAWN, arg=[text, 1])
        page.cards.first.click()
        page.page.wait_for_function(TOLD, arg=text)
    page.picked.get_by_role("button", name="Close").click()
    assert page.page.evaluate("window.ran") is None


def test_captions_and_names_in_the_report_are_text_and_scripts_cannot_run_in_it(browser: Any, page: Page) -> None:
    page.tab("Collection")
    page.page.get_by_role("button", name="Show the report").click()
    page.page.frame_locator("iframe.framed").locator("h1").wait_for()
    assert page.page.locator("iframe.framed").get_attribute("sandbox") == "", "nothing is allowed in it"
    frame = page.page.locator("iframe.framed").element_handle().content_frame()
    assert XSS[1] in frame.locator("body").inner_text()
    assert frame.evaluate(WOULD_RUN, None) == []
    blank = browser.new_page()
    assert len(blank.evaluate(WOULD_RUN, "\n".join(XSS))) > 10, "what is not escaped is found"
    blank.close()
    page.tab("Draw")


def test_leaving_stops_the_drawing(browser: Any, studio: Any) -> None:
    leaving = Page(browser, studio.url)
    leaving.set("Pictures", "10")
    leaving.set("Steps", "200")
    leaving.prompt.fill("a cat")
    leaving.prompt.press("Enter")
    leaving.page.locator(".now").wait_for()
    assert studio.service.load[1] > 0
    leaving.page.close()
    until = time.monotonic() + 20
    while studio.service.load[1] and time.monotonic() < until:
        time.sleep(0.2)
    assert studio.service.load[1] == 0


def test_stop_keeps_what_is_drawn(browser: Any, studio: Any) -> None:
    stopping = Page(browser, studio.url)
    stopping.set("Pictures", "10")
    stopping.set("Steps", "200")
    stopping.prompt.fill("a cat")
    stopping.prompt.press("Enter")
    stopping.page.get_by_role("button", name="Stop").click()
    stopping.page.get_by_text("stopped").first.wait_for()
    assert stopping.page.get_by_role("button", name="Draw", exact=True).is_visible()
    assert studio.service.load[1] == 0
    stopping.page.close()


def test_nothing_is_asked_of_anybody_else_and_nothing_fails(page: Page, studio: Any) -> None:
    """Last, so that it judges all of the above."""
    others = [each for each in page.addresses if not each.startswith((f"{studio.url}/", "data:", "blob:", "about:"))]
    assert not others
    assert not page.complaints
