"""The page to measure models, in a real browser: a report, two models side by side, and a stop."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.serve.studio.browsing import Page, opened

from mindseye.collection.builtin.shapes import write_shapes
from mindseye.imagine.imaginer import Imaginer, load
from mindseye.serve.library import Library

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]  # real pictures are looked at once, by a large network

MINUTES_MS = 1_500_000


@pytest.fixture(scope="module")
def page(browser: Any, serving: Any, tiny: Imaginer, tiny_folder: Path, tmp_path_factory: Any) -> Iterator[Page]:
    shapes = write_shapes(tmp_path_factory.mktemp("evaluate") / "shapes", pictures=120, size_px=32)
    models = {"tiny": tiny, "twin": load(tiny_folder, device="cpu")}
    models["twin"].name = "twin"
    served = serving.start(models, None, Library({"shapes": shapes}), studio=True)
    with opened(browser, served.url) as page:
        page.tab("Evaluate")
        page.set("Seconds to draw", "10")
        yield page


def test_a_model_is_measured_and_its_report_can_be_read_and_saved(page: Page) -> None:
    page.press("Evaluate")
    page.page.locator(".progress:visible").first.wait_for()
    report = page.page.frame_locator("iframe.framed:visible")
    report.locator("h1").wait_for(timeout=MINUTES_MS)
    assert "tiny" in report.locator("h1").inner_text() and report.locator("svg").count() > 3
    with page.page.expect_download() as saved:
        page.page.get_by_role("link", name="Save the report").click()
    assert "</html>" in Path(saved.value.path()).read_text(encoding="utf-8")


def test_two_models_are_put_side_by_side(page: Page) -> None:
    page.page.get_by_role("combobox", name="Beside it").click()
    page.page.get_by_role("option", name="twin", exact=True).click()
    page.press("Evaluate")
    report = page.page.frame_locator("iframe[title='evaluation of tiny beside twin']")
    report.locator("h1").wait_for(timeout=MINUTES_MS)
    assert "no difference" in report.locator("body").inner_text(), "they are the same"


def test_a_stop_ends_it_and_it_can_be_begun_again(page: Page) -> None:
    page.set("Seconds to draw", "600")
    page.press("Evaluate")
    page.press("Stop")
    page.page.get_by_text("stopped; nothing was kept of it").wait_for(timeout=MINUTES_MS)
    assert page.page.get_by_role("button", name="Evaluate", exact=True).is_visible()
