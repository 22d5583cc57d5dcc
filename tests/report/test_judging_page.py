from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.report.test_inspect import Page

from mindseye.collection.collection import Collection
from mindseye.report.judging import headline
from mindseye.report.judging_page import render

VERDICT: dict[str, Any] = {
    "picture": "drawn/a <b>cat.png",
    "model": "emoji",
    "imagined": 0.834,
    "shows": "perhaps a cat, or a <fox>",
    "captions": [["a cat", 0.42], ["a <fox>", 0.0004]],
    "description": "a smiling <cat>",
    "prompt": "a cat with a <hat>",
    "match": 0.61,
    "nearest": [
        {"file_name": "red1.png", "caption": "a red square", "row": 0, "distance": 0.0512},
        {"file_name": "blue.png", "caption": "", "row": 3, "distance": 0.4},
    ],
    "notes": ["looked at it as 16 x 16 px, not 64 x 64"],
}
PIXELS = np.full((16, 16, 4), 255, np.uint8)


def text_of(html: str) -> str:
    return " ".join(Page(html).text.split())


def test_the_verdict_stands_on_the_page_in_words_and_bars(collection: Collection) -> None:
    html = render(VERDICT, PIXELS, collection)
    text = text_of(html)
    for expected in (
        "Imagined, with a probability of 83%",
        "What does it show? Perhaps a cat, or a <fox> a cat 42%",
        "In words of its own: perhaps “a smiling <cat>”.",
        "61% for “a cat with a <hat>”",
        "under 0.1%",
        "distance 0.051",
        "looked at it as 16 x 16 px, not 64 x 64.",
    ):
        assert expected in text, expected
    assert [float(width) for width in re.findall(r"width:([\d.]+)%", html)[-4:]] == [83.4, 42.0, 0.0, 61.0]
    assert html.count("<img ") == 2 + 2  # itself, large and beside the two nearest


@pytest.mark.parametrize(
    ("captions", "line"),
    [
        ([], ""),
        ([("a cat", 0.1)], "a cat"),
        ([("a cat", 0.5), ("a fox", 0.2)], "a cat"),
        ([("a cat", 0.49), ("a fox", 0.2), ("a dog", 0.1)], "perhaps a cat, or a fox"),
    ],
)
def test_the_headline_is_the_best_caption_and_names_the_next_where_it_is_not_sure(
    captions: list[tuple[str, float]], line: str
) -> None:
    assert headline(captions) == line


def test_a_real_picture_is_called_real(collection: Collection) -> None:
    assert "Real, with a probability of 97%" in text_of(render({**VERDICT, "imagined": 0.03}, PIXELS, collection))


def test_the_page_needs_nothing_else_and_shows_no_text_as_markup(collection: Collection) -> None:
    html = render(VERDICT, PIXELS, collection)
    page = Page(html)
    assert not {"script", "link", "iframe", "object", "embed", "form"} & set(page.tags)
    assert all(target.startswith("data:image/png;base64,") for target in page.targets)
    assert not re.search(r"url\(|@import|https?://", html)
    assert "<hat>" not in html and "<cat>" not in html and "<fox>" not in html and "<script" not in html


def test_the_collection_may_be_given_by_its_folder(collection: Collection) -> None:
    assert render(VERDICT, PIXELS, collection.path) == render(VERDICT, PIXELS, collection)


@pytest.mark.parametrize("nowhere", [None, Path("missing")])
def test_what_the_thinker_cannot_say_is_said_to_be_so(nowhere: Path | None) -> None:
    said: dict[str, Any] = {"imagined": None, "shows": "", "captions": [], "description": "", "prompt": None}
    nothing = {**said, "match": None, "nearest": [], "notes": []}
    text = text_of(render({**VERDICT, **nothing}, PIXELS, nowhere))
    assert "this thinker has no detector" in text and "this thinker has no captioner" in text
    assert "this thinker knows no captions" in text and "no collection was named" in text
    assert "Does it fit its prompt?" not in text
