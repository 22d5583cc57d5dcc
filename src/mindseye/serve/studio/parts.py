"""Parts of pages that gradio has none of. A script each, in `page/`; what they send is text: a place, or a data URI.

A word of warning: gradio fills an `html_template` with `{{names}}` first and then evaluates all of it as JavaScript, so
there text would be code. Ours hold nothing but `${value}`, which is not, and what stands in the value was escaped here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import gradio as gr
from markupsafe import Markup

from mindseye.errors import BadInput
from mindseye.imagine.imaginer import Imaginer
from mindseye.serve.http.bodies import decoded
from mindseye.serve.studio.drawing import Kept
from mindseye.serve.studio.form import Updates
from mindseye.serve.studio.rooms import filled

DROP_BYTES = 8 * 2**20  # of a picture that is dropped into a page


@cache
def page_file(name: str) -> str:
    """A style sheet or a script."""
    return files("mindseye.serve.studio").joinpath("page", name).read_text(encoding="utf-8")


def cards() -> gr.HTML:
    """Cards that can be picked: `.pick` tells the `index` of one, and what it is for (`act`), where it says so."""
    return gr.HTML("", html_template="${value}", js_on_load=page_file("cards.js"), apply_default_css=False)


def drop(label: str) -> gr.HTML:
    """A place for a picture, by dropping, pasting or choosing: `.given` is when there is another one, or none any more.

    Its value is a data URI, or "".
    """
    return gr.HTML(
        "",
        label=label,
        html_template=page_file("drop.html"),
        js_on_load=page_file("drop.js"),
        apply_default_css=False,
        most_bytes=DROP_BYTES,
    )


def canvas() -> gr.HTML:
    """A picture to paint on. Its value is {"picture": data URI, "mask": data URI}, or None.

    The mask is a PNG of the picture's size, transparent where it is painted; there is none where nothing is.
    """
    return gr.HTML(
        None, html_template=page_file("canvas.html"), js_on_load=page_file("canvas.js"), apply_default_css=False
    )


def shown() -> gr.HTML:
    """Something to read."""
    return gr.HTML("", js_on_load=None, apply_default_css=False)


def heading(title: str, text: str) -> gr.HTML:
    """What a part of a page is, above it."""
    return gr.HTML(filled("part.html", title=title, text=text), js_on_load=None, apply_default_css=False)


def picture_in(value: Any, what: str = "the picture") -> bytes:
    """The bytes that a page sent as a data URI.

    Raises:
        BadInput: there is none, or it is something else.
    """
    if not isinstance(value, str) or not value.startswith("data:"):
        raise BadInput(f"there is no picture for {what}", next_step="drop one in, or choose a file")
    return decoded(value, what, DROP_BYTES)


def place_of(event: gr.EventData, among: Sequence[Any]) -> int:
    """Which card was picked.

    Raises:
        BadInput: there is none of that place.
    """
    place = event.index
    if not isinstance(place, int) or not 0 <= place < len(among):
        raise BadInput("there is no such picture")
    return place


@dataclass(frozen=True)
class Part:
    """A part of a page that not every model has.

    Attributes:
        fitted: as it is for a model, as updates.
        parts: what these change.
    """

    fitted: Callable[[Imaginer], Updates]
    parts: list[Any]


@dataclass(frozen=True)
class Card:
    """A picture that can be picked.

    Attributes:
        uri: the picture.
        title: what is said of it to those who do not see it.
        line: below it.
        faded: whether it is one that does not count.
    """

    uri: str
    title: str
    line: str = ""
    faded: bool = False


def as_cards(pictures: Sequence[Card], *, label: str, first: int = 0, kind: str = "") -> Markup:
    """A grid of cards.

    Args:
        pictures: what is on them.
        label: what they are together.
        first: index of the first one.
        kind: "big" for large ones.
    """
    return filled("cards.html", cards=pictures, first=first, label=label, kind=kind)


def in_order(pictures: Sequence[Card], *, label: str) -> Markup:
    """Pictures that follow one another, to be looked at.

    Args:
        label: what they are together.
    """
    return filled("in_order.html", cards=pictures, label=label)


def kept_cards(pictures: Sequence[Kept], *, label: str, first: int = 0, kind: str = "") -> Markup:
    """Drawn pictures as cards."""
    return as_cards(
        [Card(each.uri, f"{each.story.prompt or 'a picture'}, seed {each.story.seed}") for each in pictures],
        label=label,
        first=first,
        kind=kind,
    )
