from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from mindseye.collection.collection import Collection
from mindseye.report.inspect import inspect


class Page(HTMLParser):
    """What a browser would make of the page: its tags, what they point at, and its text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.targets: list[str] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.targets += [value or "" for name, value in attrs if name in ("src", "href", "action", "data")]

    def handle_data(self, data: str) -> None:
        self.text += data + " "


@pytest.fixture
def html(collection: Collection, tmp_path: Path) -> str:
    inspect(collection, page=tmp_path / "report.html")
    return (tmp_path / "report.html").read_text(encoding="utf-8")


def test_the_counts_are_those_of_the_collection(collection: Collection) -> None:
    facts = inspect(collection)
    assert (facts["pictures"], facts["captioned"], facts["captions"]) == (5, 4, 5)
    assert facts["splits"] == {"train": 4, "validation": 1}
    assert facts["excluded"][0] == {"file": "broken.png", "reason": "truncated"}
    assert facts["duplicate_groups"] == [["red1.png", "red2.png", "copy.png"]]
    assert facts["sources"] == {"sidecar .txt": 4}


def test_shapes_are_counted(collection: Collection) -> None:
    facts = inspect(collection)
    assert facts["sizes"] == {"16×16": 4, "32×16": 1}
    assert facts["aspects"] == {"tall": 0, "upright": 0, "square": 4, "landscape": 1, "wide": 0}
    assert facts["modes"] == {"transparent (RGBA)": 4, "opaque (RGB)": 1}


def test_words_are_counted_over_all_captions(collection: Collection) -> None:
    facts = inspect(collection)
    assert facts["words"]["red"] == 4 and facts["words"]["wide"] == 1
    assert facts["caption_lengths"] == {"3": 3, "4": 2}
    assert facts["vocabulary"] == 8


def test_the_palette_leaves_out_what_is_transparent(collection: Collection) -> None:
    shares = {entry["colour"]: entry["share"] for entry in inspect(collection)["palette"]}
    assert set(shares) == {"#ff0000", "#0000ff"}
    assert sum(shares.values()) == pytest.approx(1, abs=1e-3)
    assert shares["#ff0000"] > shares["#0000ff"]


def test_a_caption_on_more_than_a_third_of_the_pictures_is_flagged(collection: Collection) -> None:
    assert inspect(collection)["flood"] == {"caption": "a red square", "pictures": 2, "share": 0.4}


def test_figures_are_plain_json(collection: Collection) -> None:
    facts = inspect(collection)
    assert json.loads(json.dumps(facts)) == facts


def test_a_collection_may_be_given_by_its_folder(collection: Collection) -> None:
    assert inspect(collection.path) == inspect(collection)


def test_the_page_needs_nothing_else(html: str) -> None:
    page = Page(html)
    assert not {"script", "link", "iframe", "object", "embed", "form"} & set(page.tags)
    assert all(target.startswith("data:image/png;base64,") for target in page.targets)
    assert not re.search(r"url\(|@import|https?://", html)


def test_captions_are_text_on_the_page_and_never_markup(html: str) -> None:
    assert "<script>alert('blue')</script>" in Page(html).text
    assert "<script" not in html


def test_the_page_tells_everything_that_was_found(html: str) -> None:
    text = " ".join(Page(html).text.split())
    for expected in (
        "5 pictures",
        "80% captioned",
        "One caption covers 40% of the pictures",
        "1 pictures have no caption",
        "1 × truncated",
        "the same as copy.png",
        "a caption was cut",
        "32×16",
        "Pixel art with transparency",
    ):
        assert expected in text, expected


def test_pixel_art_is_shown_with_hard_edges(html: str) -> None:
    assert '<main class="pixel-art">' in html
