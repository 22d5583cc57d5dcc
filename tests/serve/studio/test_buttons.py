"""The buttons of the pages to search, to look and to correct, in a real browser."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from tests.serve.conftest import begun, interrupted
from tests.serve.studio.browsing import Page, opened
from tests.serve.studio.conftest import XSS

from mindseye.collection.collection import Collection
from mindseye.collection.opening import open_collection
from mindseye.imagine.request import Request
from mindseye.pictures.story import read_story
from mindseye.report.inspect import inspect
from mindseye.serve.trainings import Trainings

pytestmark = pytest.mark.timeout(300)

LONGER = "least => document.querySelector('.training polyline')?.getAttribute('points').split(' ').length > least"
# In place of a training: it begins late, as one does, reports, stops when it is asked to, and ends the second time.
ACTOR = """
import shutil, signal, sys, time
from pathlib import Path
from mindseye.train.run import RunFolder

run, like = RunFolder(sys.argv[1]), Path(sys.argv[2])
signal.signal(signal.SIGTERM, lambda *how: sys.exit(143))
time.sleep(0.4)
with run.lease():
    again = run.begun
    shutil.copy(like / "run.toml", run.path)
    run.event("started", pictures_seen=0)
    for step in range(1, 10 if again else 1000):
        run.event("progress", pictures_seen=step, seconds=step, loss=1 / step, progress=step / 1000, eta_seconds=300)
        run.samples.mkdir(exist_ok=True)
        shutil.copy(like / "sheet.png", run.samples / "000000001.png")
        time.sleep(0.05)
    run.event("finished")
"""


@pytest.fixture(scope="module")
def page(browser: Any, studio: Any) -> Iterator[Page]:
    with opened(browser, studio.url) as page:
        yield page


def test_look_shows_where_each_word_was_looked_at(page: Page) -> None:
    page.tab("Attention")
    page.page.get_by_label("Which words?").fill("a smiling cat")
    page.press("Look")
    sheet = page.page.locator(".sheet img:visible")
    assert sheet.get_attribute("alt") == "where tiny looked at each word of a smiling cat"
    page.page.get_by_label("Which words?").fill("")
    page.press("Look")
    page.page.locator(".said.refused:visible", has_text="there is no word to look at").wait_for()


def test_search_finds_by_words_and_a_found_picture_finds_more(page: Page) -> None:
    page.tab("Search")
    page.page.get_by_label("What shall they show?").fill("a red circle")
    page.press("Search")
    page.page.get_by_text("of shapes, best first").wait_for()
    assert page.cards.count() == 24
    seventh = page.cards.nth(6).locator("img").get_attribute("src")
    page.cards.nth(6).click()
    page.page.wait_for_function("src => document.querySelector(\"[aria-label='found'] img\").src === src", arg=seventh)
    assert page.page.evaluate("window.ran") is None  # some captions would like to be run


def test_correct_says_what_is_missing(page: Page) -> None:
    page.tab("Correct")
    page.page.get_by_text("tiny has no corrections yet").wait_for()
    page.press("Correct")
    page.page.locator(".said.refused:visible", has_text="what is to be corrected").wait_for()


def drawn(page: Page, before: int) -> bytes:
    """The file of a picture that is drawn anew, after so many others."""
    page.tab("Draw")
    page.draw("a cat", 1, seed="5")
    page.page.wait_for_function(
        "count => document.querySelectorAll(\"[aria-label='drawn earlier'] .card\").length === count", arg=before
    )
    page.page.get_by_role("button", name="Draw", exact=True).wait_for()  # it is Stop until all is drawn
    just = page.page.locator("[aria-label='just drawn'] img")
    just.first.wait_for()
    return page.file_of(just.first)


def test_a_correction_is_made_drawn_with_and_taken_back_to_the_byte(page: Page, studio: Any) -> None:
    tiny = studio.service.imaginer("tiny")
    before = drawn(page, 0)
    page.tab("Correct")
    page.page.get_by_label("When somebody says").fill("a cat")
    page.page.get_by_label("it shall mean").fill("a blue cat")
    page.page.get_by_label("Name of the correction").fill("blue")
    page.press("Correct")
    page.page.get_by_text("blue is made").wait_for()
    assert page.page.get_by_alt_text("before and after blue").is_visible()
    assert page.page.locator(".ledger:visible td").all_inner_texts()[:3] == ["blue", "TIME", "a cat → a blue cat"]

    assert drawn(page, 1) == before, "it is in force only where it is chosen"
    page.page.get_by_role("checkbox", name="blue").check()
    corrected = drawn(page, 2)
    assert read_story(corrected)["edits"] == [tiny.edited(["blue"]).edits[0].label]
    [alone] = tiny.imagine(Request.of(prompt="a cat", seed=5, steps=2, edits=("blue",)))
    assert np.array_equal(pixels(corrected), alone.pixels) and not np.array_equal(pixels(corrected), pixels(before))

    page.tab("Correct")
    page.press("Take it back")
    page.page.get_by_text("tiny has no corrections yet").wait_for()
    assert not list((tiny.path / "edits").glob("*"))
    page.tab("Draw")
    page.page.get_by_role("checkbox", name="blue").wait_for(state="detached")
    assert drawn(page, 3) == before


def pixels(png: bytes) -> Any:
    return np.asarray(Image.open(io.BytesIO(png)))


def test_a_training_that_begin_made_can_be_gone_on_with(page: Page, runs: Path) -> None:
    begun(runs / "My Sprites-mindseye", pictures=runs / "nowhere")
    page.tab("Train")
    page.page.locator(".training strong", has_text="interrupted").wait_for()
    page.press("Continue")  # which it would do, were its pictures there
    page.page.locator(".said.refused:visible", has_text="there is no collection 'sprites' here").wait_for()


def test_a_training_is_watched_stopped_and_gone_on_with(
    page: Page, runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = interrupted(tmp_path / "like this", tmp_path)
    Image.new("RGB", (32, 16), (200, 0, 0)).save(run.path / "sheet.png")
    monkeypatch.setattr(
        Trainings, "command", lambda self, name, *how: [sys.executable, "-c", ACTOR, str(runs / name), str(run.path)]
    )
    training = page.page.locator(".training:visible")

    def has_become(state: str) -> None:
        training.locator("strong", has_text=state).wait_for()

    page.tab("Train")
    page.page.get_by_label("Name of the training").fill("watched")
    page.press("Start")
    has_become("running")
    for least in (2, 6):  # it grows by itself
        page.page.wait_for_function(LONGER, arg=least)
    assert training.get_by_text("5 min").is_visible() and training.get_by_text("to go").is_visible()
    sheet = training.get_by_alt_text("the newest sheet of samples of watched")
    sheet.wait_for()
    assert page.file_of(sheet) == (run.path / "sheet.png").read_bytes()
    assert not page.page.get_by_role("button", name="Continue").is_visible()
    page.press("Stop")
    has_become("interrupted")
    page.page.get_by_role("button", name="Stop").locator("visible=true").wait_for(state="hidden")
    assert not training.get_by_text("to go").is_visible()
    page.press("Continue")
    has_become("finished")  # which it was not; that it runs may pass between two looks of the page
    assert not page.page.get_by_role("button", name="Continue").is_visible()


def test_what_cannot_be_evaluated_is_refused_with_the_reason(page: Page) -> None:
    page.tab("Evaluate")
    page.page.get_by_text("Nothing measured yet").wait_for()
    page.page.get_by_role("combobox", name="Measured against").click()
    page.page.get_by_role("option", name="bare", exact=True).click()
    page.press("Evaluate")
    page.page.locator(".said.refused:visible", has_text="bare has no captions to draw from").wait_for()
    assert page.page.get_by_role("button", name="Evaluate", exact=True).is_visible(), "it can be tried again"


def test_pictures_are_left_out_captioned_anew_and_taken_back(page: Page, studio: Any, captioned: Collection) -> None:
    page.tab("Collection")
    words = page.page.get_by_label("Which pictures?")
    words.fill("red-circle")
    words.press("Enter")
    page.page.get_by_text("4 of 48 pictures").wait_for()
    page.cards.first.click()
    page.page.locator("#cleaned").get_by_text("red-circle-0.png").wait_for()
    page.press("Leave out")
    page.page.locator(".card.faded:visible").wait_for()
    assert "red-circle-0.png" not in open_collection(captioned.path).splits["train"].file_names
    facts = inspect(open_collection(captioned.path))
    assert facts["pictures"] == 47 and facts["excluded"][-1]["reason"] == "left out by hand"

    page.cards.nth(1).click()
    page.page.locator("#cleaned").get_by_text("red-circle-1.png").wait_for()
    page.page.get_by_label("Captions, one a line").fill(f"a red ball\n{XSS[1]}")
    page.press("Save captions")
    page.page.locator("#cleaned").get_by_text("captioned anew").wait_for()
    train = open_collection(captioned.path).splits["train"]
    assert train.captions[train.file_names.index("red-circle-1.png")] == ("a red ball", XSS[1])
    assert page.page.evaluate("window.ran") is None

    for name in ("red-circle-0.png", "red-circle-1.png"):
        page.cards.nth(int(name[-5])).click()
        page.page.locator("#cleaned").get_by_text(name).wait_for()
        page.press("Take back")
        page.page.locator("#cleaned").get_by_text("as it was collected").wait_for()
    assert open_collection(captioned.path).fingerprint == captioned.fingerprint
    page.press("Close")
