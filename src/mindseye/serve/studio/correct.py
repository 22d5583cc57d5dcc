"""The page to correct what a model believes, and to take that back: its ledger of edits."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from functools import partial

import gradio as gr
from gradio.components import Component
from markupsafe import Markup

from mindseye.correct.changes import METHODS
from mindseye.correct.ledger import conflicts, edits, remove
from mindseye.correct.making import Corrected, correct
from mindseye.errors import BadInput, MindseyeError
from mindseye.imagine.imaginer import Imaginer
from mindseye.serve.studio.attention import png_of
from mindseye.serve.studio.form import Updates
from mindseye.serve.studio.parts import shown
from mindseye.serve.studio.rooms import QUICK, Rooms, filled, refused, said


@dataclass(frozen=True)
class CorrectPage:
    """Handles of the page.

    Attributes:
        ledger: what changes when there is another edit, or one less.
        listed: the ledger of a model by name, as updates.
        parts: what these change.
    """

    ledger: gr.HTML
    listed: Callable[[str], Updates]
    parts: list[Component]


def correct_page(rooms: Rooms, model: gr.Dropdown) -> CorrectPage:
    """Builds the page."""
    with gr.Row(elem_classes="work"):
        with gr.Column(scale=1, min_width=260, elem_classes="settings"):
            source = gr.Textbox(label="When somebody says", placeholder="a rose", max_lines=1, max_length=200)
            destination = gr.Textbox(label="it shall mean", placeholder="a blue rose", max_lines=1, max_length=200)
            name = gr.Textbox(label="Name of the correction", placeholder="blue-rose", max_lines=1, max_length=64)
            method = gr.Radio(
                METHODS, value=METHODS[0], label="Method",
                info="TIME where the new words say all of the old ones, and more; else UCE or, in any family, ReFACT",
            )  # fmt: skip
            go = gr.Button("Correct", variant="primary")
        with gr.Column(scale=3, min_width=300, elem_classes="gallery"):
            status, sheet, ledger = shown(), shown(), shown()
            with gr.Row(elem_classes="prompt-row", visible=False) as taking:
                which = gr.Dropdown([], label="Take back", scale=3, interactive=True)
                back = gr.Button("Take it back", scale=1, min_width=140)

    def listed(of: str) -> Updates:
        try:
            imaginer = rooms.service.imaginer(of)
            names, html = _ledger(imaginer)
        except MindseyeError as error:
            return {ledger: refused(error), which: gr.update(), taking: gr.update()}
        return {
            ledger: html,
            which: gr.update(choices=names, value=names[0] if names else None),
            taking: gr.update(visible=bool(names)),
        }

    async def made(says: str, means: str, called: str, by: str, of: str, request: gr.Request) -> AsyncIterator[Updates]:
        try:
            rooms.check_may_change(request)
            if not (says.strip() and called.strip()):
                raise BadInput("what is to be corrected, and what shall it be called?", next_step="fill both in")
            imaginer = rooms.service.imaginer(of)
            yield {status: said("correcting, and drawing before and after; a minute or two"), sheet: ""}
            work = partial(correct, imaginer, by, [(says.strip(), means.strip())], called.strip())
            answer = await asyncio.wrap_future(rooms.library.look(work))
            yield {status: _about(answer), sheet: _before_after(answer), **listed(of)}
        except MindseyeError as error:
            yield {status: refused(error)}

    def taken_back(called: str, of: str, request: gr.Request) -> Updates:
        try:
            rooms.check_may_change(request)
            remove(rooms.service.imaginer(of), called or "")
        except MindseyeError as error:
            return {status: refused(error)}
        return {status: said(f"{called} is taken back; the model is what it was"), sheet: "", **listed(of)}

    shows: list[Component] = [ledger, which, taking]
    go.click(made, [source, destination, name, method, model], [status, sheet, *shows], show_progress="hidden")
    back.click(taken_back, [which, model], [status, sheet, *shows], **QUICK)
    return CorrectPage(ledger, listed, shows)


def _ledger(imaginer: Imaginer) -> tuple[list[str], Markup]:
    """The names of a model's edits, and the ledger to read."""
    every = edits(imaginer)
    html = filled(
        "ledger.html", model=imaginer.name, records=[edit.record for edit in every], conflicts=conflicts(every)
    )
    return [edit.name for edit in every], html


def _about(answer: Corrected) -> Markup:
    record = answer.edit.record
    lines = [
        f"{record.name} is made, in {record.seconds:.2f} s; it changes {record.share_of_weights:.2%} of the weights"
        " where it is chosen under Corrections, and nothing elsewhere"
    ]
    return Markup("").join(map(said, [*lines, *map(str, answer.conflicts)]))


def _before_after(answer: Corrected) -> Markup:
    if answer.sheet is None:
        return Markup()
    return filled("picture.html", uri=png_of(answer.sheet), title=f"before and after {answer.edit.name}")
