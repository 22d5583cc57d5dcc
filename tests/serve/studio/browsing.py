"""The studio as a person sees it, for tests."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

PATIENCE_MS = 60_000

USABLE = "button, input, textarea, select, img, iframe, [role=slider], canvas[tabindex]"
NAMELESS = """usable => [...document.querySelectorAll(usable)]
  .filter(each => each.checkVisibility() && each.getAttribute('aria-hidden') !== 'true')
  .filter(each => {
    const labels = each.labels ? [...each.labels].map(one => one.textContent) : [];
    const ids = (each.getAttribute('aria-labelledby') || '').split(' ');
    const by = ids.map(id => document.getElementById(id)?.textContent || '');
    const inside = each.tagName === 'BUTTON' ? each.textContent : '';
    const own = [each.getAttribute('aria-label'), each.title, each.alt, inside];
    const decoration = each.tagName === 'IMG' && each.alt === '' && each.closest('[aria-label]');
    return !decoration && ![...labels, ...by, ...own].some(text => text && text.trim());
  }).map(each => each.outerHTML.slice(0, 120))"""

DRAWN = """([words, count]) => [...document.querySelectorAll("[aria-label='just drawn'] .card")]
  .filter(each => each.getAttribute('aria-label').startsWith(`${words}, seed`)).length === count"""

DROPPED = """(box, base64) => {
  const data = new DataTransfer();
  const bytes = Uint8Array.from(atob(base64), letter => letter.charCodeAt(0));
  data.items.add(new File([bytes], 'picture.png', { type: 'image/png' }));
  for (const kind of ['dragover', 'drop'])
    box.dispatchEvent(new DragEvent(kind, { dataTransfer: data, bubbles: true, cancelable: true }));
}"""


class Page:
    """The studio as a person sees it."""

    def __init__(self, browser: Any, url: str, *, patience_ms: int = PATIENCE_MS, **options: Any) -> None:
        self.page = browser.new_page(viewport=options.pop("viewport", {"width": 1200, "height": 900}), **options)
        self.page.set_default_timeout(patience_ms)
        self.addresses: list[str] = []
        self.complaints: list[str] = []
        self.page.on("request", lambda request: self.addresses.append(request.url))
        self.page.on(
            "console",
            lambda said: self.complaints.append(f"{said.text} {said.location}") if said.type == "error" else None,
        )
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.goto(url)
        self.prompt = self.page.get_by_label("What shall it draw?")
        self.prompt.wait_for()

    @property
    def cards(self) -> Any:
        return self.page.locator("button.card:visible")

    @property
    def picked(self) -> Any:
        return self.page.locator("#picked")

    @property
    def sampler(self) -> Any:
        return self.page.get_by_role("combobox", name="Sampler").locator("visible=true").first

    def choose_sampler(self, name: str) -> None:
        self.sampler.click()
        self.page.get_by_role("option", name=name, exact=True).click()

    def number(self, label: str) -> Any:
        return self.page.get_by_role("spinbutton", name=f"number input for {label}").locator("visible=true").first

    def set(self, label: str, value: str) -> None:
        box = self.number(label)
        box.fill(value)
        box.blur()

    def draw(self, words: str, count: int, seed: str = "", steps: str = "2") -> None:
        """Draws by the enter key, and waits for the pictures."""
        self.page.get_by_label("Seed").locator("visible=true").first.fill(seed)
        self.set("Pictures", str(count))
        self.set("Steps", steps)
        self.prompt.fill(words)
        self.prompt.press("Enter")
        self.page.wait_for_function(DRAWN, arg=[words, count])

    def tab(self, name: str) -> None:
        self.page.get_by_role("tab", name=name, exact=True).click()

    def choose(self, model: str) -> None:
        self.page.get_by_role("combobox", name="Model", exact=True).click()
        self.page.get_by_role("option", name=model, exact=True).click()

    def press(self, name: str) -> None:
        self.page.get_by_role("button", name=name, exact=True).locator("visible=true").click()

    def nameless(self) -> list[str]:
        """What can be used and has no name for those who do not see it."""
        found: list[str] = self.page.evaluate(NAMELESS, USABLE)
        return found

    def width(self, width: int) -> int:
        """How wide the page becomes in a window of this width."""
        self.page.set_viewport_size({"width": width, "height": 844})
        self.page.wait_for_timeout(200)
        return int(self.page.evaluate("document.documentElement.scrollWidth"))

    def drop(self, label: str, picture: bytes) -> None:
        """Drops a PNG, as the mouse would, on the box of this label."""
        box = self.page.locator(".drop").filter(has=self.page.get_by_label(label)).locator("visible=true")
        box.evaluate(DROPPED, base64.b64encode(picture).decode())

    def paint_lowest_fifth(self) -> None:
        """Paints with the mouse over what is to be drawn anew."""
        self.page.get_by_text("Paint over what is to be drawn anew.").wait_for()
        place = self.page.locator(".paint-mask").bounding_box()
        self.page.mouse.move(place["x"] + 4, place["y"] + 0.9 * place["height"])
        self.page.mouse.down()
        self.page.mouse.move(place["x"] + place["width"] - 4, place["y"] + 0.9 * place["height"], steps=6)
        self.page.mouse.up()
        self.page.get_by_text("of the picture, are drawn anew").wait_for()

    def file_of(self, image: Any) -> bytes:
        return base64.b64decode(image.get_attribute("src").partition(",")[2])


@contextmanager
def opened(browser: Any, url: str) -> Iterator[Page]:
    """A page, that must not have complained when it is closed."""
    page = Page(browser, url)
    yield page
    page.page.close()
    assert not page.complaints
