"""The pictures of `docs/studio.md`, drawn by the model that comes with mindseye.

MINDSEYE_SCREENSHOTS=docs/pictures pytest -m slow tests/serve/studio/test_screenshots.py
"""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from tests.serve.studio.browsing import Page

from mindseye.collection.opening import open_collection
from mindseye.imagine.imaginer import load
from mindseye.serve.library import Library

WHERE = os.environ.get("MINDSEYE_SCREENSHOTS", "")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(900),
    pytest.mark.skipif(not WHERE, reason="MINDSEYE_SCREENSHOTS names no folder for them"),
]

PATIENCE_MS = 400_000
MOST_BYTES = 150_000


def saved(page: Any, name: str) -> None:
    """Keeps what the page looks like, in a palette of 192 colours."""
    page.wait_for_timeout(700)  # for what fades and slides
    image = Image.open(io.BytesIO(page.screenshot())).convert("RGB").quantize(192, dither=Image.Dither.NONE)
    path = Path(WHERE) / f"studio_{name}.png"
    image.save(path, optimize=True)
    assert path.stat().st_size < MOST_BYTES


def test_the_studio_looks_like_this(browser: Any, serving: Any, tmp_path: Path) -> None:
    library = Library({"emoji": open_collection("emoji")})
    served = serving.start({"emoji": load("emoji")}, None, library, tmp_path, {"emoji": "emoji"}, studio=True)
    light = Page(browser, served.url, patience_ms=PATIENCE_MS)
    light.draw("a smiling cat", 4, seed="0", steps="12")
    light.cards.nth(0).click()
    light.picked.get_by_text("a smiling cat").first.wait_for()
    saved(light.page, "draw")

    light.picked.get_by_role("button", name="Complete").click()
    light.page.get_by_text("Paint over what is to be drawn anew.").wait_for()
    light.page.get_by_role("button", name="Lower half").click()
    light.page.get_by_label("What shall it show?").fill("a crying cat")
    light.page.get_by_role("button", name="Complete", exact=True).locator("visible=true").last.click()
    light.page.locator("[aria-label='just drawn'] .card:visible").nth(3).wait_for()
    saved(light.page, "complete")
    light.page.close()

    phone = Page(
        browser, served.url, viewport={"width": 390, "height": 844}, color_scheme="dark", patience_ms=PATIENCE_MS
    )
    phone.draw("a smiling cat", 4, seed="0", steps="12")
    phone.page.evaluate("window.scrollTo(0, 0)")
    saved(phone.page, "phone")
    phone.page.close()
