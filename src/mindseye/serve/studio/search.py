"""The page to find pictures: by words, by a picture, or by one that was found."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from functools import partial

import gradio as gr
from gradio.components import Component

from mindseye.collection.collection import Collection
from mindseye.errors import MindseyeError
from mindseye.pictures.opener import open_picture
from mindseye.recall.search import Found, Hit, Searcher
from mindseye.report.html import data_uri
from mindseye.serve.studio.form import Updates
from mindseye.serve.studio.parts import Card, as_cards, cards, drop, picture_in, place_of, shown
from mindseye.serve.studio.rooms import Rooms, filled, ready, refused, said

FOUND = 24
LARGEST_PX = 128  # of a picture that is shown

Look = Callable[[Searcher], Found]


@dataclass(frozen=True)
class SearchPage:
    """Handles of the page.

    Attributes:
        picture: what is looked for.
        collection: where.
        find: looks for the picture there.
        parts: what it changes.
    """

    picture: gr.HTML
    collection: gr.Dropdown
    find: Callable[[str, str], AsyncIterator[Updates]]
    parts: list[Component]


def search_page(rooms: Rooms) -> SearchPage:
    """Builds the page."""
    names = list(rooms.library.collections)
    with gr.Row(elem_classes="prompt-row"):
        words = gr.Textbox(
            label="What shall they show?",
            placeholder="something round and green",
            max_lines=1,
            max_length=2000,
            scale=5,
        )
        collection = gr.Dropdown(names, value=names[0], label="Collection", scale=2, min_width=160, interactive=True)
        go = gr.Button("Search", variant="primary", scale=1, min_width=110)
    with gr.Row(elem_classes="work"):
        with gr.Column(scale=1, min_width=260, elem_classes="settings"):
            picture = drop("Or find pictures like this one")
        with gr.Column(scale=3, min_width=300, elem_classes="gallery"):
            status, found = shown(), cards()
            todo = "Say what the pictures shall show, or give one that they shall be like."
            found.value = filled("nothing.html", title="Nothing searched yet", text=todo)
    hits = gr.State([])

    async def look(name: str, at: Look) -> AsyncIterator[Updates]:
        try:
            yield {status: said("looking")}
            async for searcher in ready(rooms, name):
                if searcher is None:
                    yield {status: said("every picture of it is looked at once, which takes minutes the first time")}
                    continue
                answer = await asyncio.wrap_future(rooms.library.look(partial(at, searcher)))
                card_of = [_card(hit, rooms.library.collection(name)) for hit in answer.hits]
                yield {
                    status: said(f"{len(answer.hits)} of {name}, best first; pick one to find more like it"),
                    found: as_cards(card_of, label="found"),
                    hits: [(hit.split, hit.row) for hit in answer.hits],
                }
        except MindseyeError as error:
            yield {status: refused(error), found: "", hits: []}

    async def by_words(text: str, name: str) -> AsyncIterator[Updates]:
        async for update in look(name, lambda searcher: searcher.by_words(text, FOUND)):
            yield update

    async def by_picture(value: str, name: str) -> AsyncIterator[Updates]:
        if value:
            async for update in look(name, lambda searcher: _like(searcher, value)):
                yield update

    async def like(event: gr.EventData, places: Sequence[tuple[str, int]], name: str) -> AsyncIterator[Updates]:
        split, row = places[place_of(event, places)]
        image = rooms.library.collection(name).splits[split].image(row)
        async for update in look(name, lambda searcher: searcher.by_picture(image, FOUND)):
            yield update

    shows: list[Component] = [status, found, hits]
    gr.on([go.click, words.submit], by_words, [words, collection], shows, show_progress="hidden")
    picture.given(by_picture, [picture, collection], shows, show_progress="hidden")
    found.pick(like, [hits, collection], shows, show_progress="hidden")
    return SearchPage(picture, collection, by_picture, shows)


def _like(searcher: Searcher, value: str) -> Found:
    return searcher.by_picture(open_picture(picture_in(value), name="the picture"), FOUND)


def _card(hit: Hit, collection: Collection) -> Card:
    uri = data_uri(collection.splits[hit.split].image(hit.row), LARGEST_PX)
    return Card(uri, hit.caption or hit.path, hit.caption or hit.path)
