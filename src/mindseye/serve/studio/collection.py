"""The page of a collection: its report, with what was left out and why, and which pictures are the same; and to clean
it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from functools import lru_cache, partial

import gradio as gr

from mindseye.collection.collection import Collection
from mindseye.errors import MindseyeError
from mindseye.report.inspect import inspect
from mindseye.report.page import render
from mindseye.serve.studio.cleaning import cleaning_part
from mindseye.serve.studio.form import Updates
from mindseye.serve.studio.parts import shown
from mindseye.serve.studio.rooms import Rooms, filled, framed, refused, said


def collection_page(rooms: Rooms) -> None:
    """Builds the page."""
    names = list(rooms.library.collections)
    with gr.Row(elem_classes="prompt-row"):
        collection = gr.Dropdown(names, value=names[0], label="Collection", scale=4, interactive=True)
        go = gr.Button("Show the report", variant="primary", scale=1, min_width=160)
    status, page = shown(), shown()
    page.value = filled("nothing.html", title="No report yet", text="It says what is in it, what was left out and why.")
    cleaning_part(rooms, collection)
    report = lru_cache(8)(_report)  # of a collection as it was opened: one that changes is another one

    async def show(name: str) -> AsyncIterator[Updates]:
        yield {status: said("every picture is being looked at; a large collection takes a minute"), page: ""}
        try:
            html = await asyncio.wrap_future(rooms.library.look(partial(report, rooms.library.collection(name))))
            yield {status: "", page: framed(html, f"report on {name}")}
        except MindseyeError as error:
            yield {status: refused(error)}

    go.click(show, collection, [status, page], show_progress="hidden")


def _report(collection: Collection) -> str:
    return render(collection, inspect(collection))
