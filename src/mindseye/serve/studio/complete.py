"""The page to complete a picture: paint over what is to be drawn anew; every other pixel stays."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

import gradio as gr
from gradio.components import Component

from mindseye.errors import BadInput, MindseyeError
from mindseye.imagine.imaginer import Imaginer
from mindseye.pictures.opener import open_picture
from mindseye.pictures.story import png_bytes
from mindseye.pictures.tensors import fit
from mindseye.serve.asked import Asked
from mindseye.serve.studio.drawing import png_uri
from mindseye.serve.studio.form import Form, Updates, form
from mindseye.serve.studio.parts import canvas, drop, picture_in
from mindseye.serve.studio.picked import Bar
from mindseye.serve.studio.rooms import DRAWING, QUICK, Rooms, refused
from mindseye.serve.studio.sheets import Sheets


@dataclass(frozen=True)
class CompletePage:
    """Handles of the page.

    Attributes:
        form: its fields.
        canvas: what is painted on.
        sheets: where its pictures come to.
        bar: the picture that is picked.
    """

    form: Form
    canvas: gr.HTML
    sheets: Sheets
    bar: Bar


def complete_page(rooms: Rooms, model: gr.Dropdown) -> CompletePage:
    """Builds the page.

    Args:
        rooms: what is behind it.
        model: the name of the model to draw with.
    """
    with gr.Row(elem_classes="work"):
        with gr.Column(scale=2, min_width=300):
            dropped = drop("Picture to complete")
            painted = canvas()
        with gr.Column(scale=3, min_width=300):
            with gr.Row(elem_classes="prompt-row"):
                prompt = gr.Textbox(
                    label="What shall it show?", placeholder="a cat with a hat", max_lines=1, max_length=2000, scale=5
                )
                go = gr.Button("Complete", variant="primary", scale=1, min_width=110)
                halt = gr.Button("Stop", scale=1, min_width=110, visible=False)
            todo = "Give a picture, paint over what is to be drawn anew, and say what it shall show."
            sheets = Sheets(rooms, go, halt, ("Nothing completed yet", todo))
            bar = Bar(rooms, sheets, name="completed", complete="Complete again")
            with gr.Accordion("How to draw", open=False):
                fields = form(prompt, rooms.service.imaginer(None), rooms.limits)
    bar.wire(fields, model)

    async def draw(values: dict[Component, Any], request: gr.Request) -> AsyncGenerator[Updates, None]:
        imaginer = rooms.service.imaginer(values[model])

        def asked() -> Asked:
            return fields.asked(values, imaginer, **_given(values[painted]))

        async with aclosing(sheets.draw(asked, values[sheets.kept], request.session_hash)) as updates:
            async for update in updates:
                yield update

    def fitted(value: str, name: str) -> Updates:
        if not value:
            return {painted: None, sheets.status: ""}
        try:
            return {painted: to_paint_on(picture_in(value), rooms.service.imaginer(name)), sheets.status: ""}
        except MindseyeError as error:
            return {painted: None, sheets.status: refused(error)}

    asking: set[Any] = {*fields.parts, model, painted, sheets.kept}
    gr.on([go.click, prompt.submit], draw, asking, sheets.parts, **DRAWING)
    dropped.given(fitted, [dropped, model], [painted, sheets.status], **QUICK)
    return CompletePage(fields, painted, sheets, bar)


def to_paint_on(data: bytes, imaginer: Imaginer) -> dict[str, str]:
    """A picture as the model sees it, for the canvas.

    Raises:
        BadInput: it is no picture, or the model completes none.
    """
    if not imaginer.abilities.complete:
        raise BadInput(f"{imaginer.kind} models do not complete pictures", next_step="choose another model above")
    at = imaginer.picture_format
    pixels = fit(open_picture(data, name="the picture"), at.size_px, at.channels, at.pixel_art)
    return {"picture": png_uri(png_bytes(pixels, None))}


def _given(value: Any) -> dict[str, bytes]:
    """The picture and the mask of a canvas, for a request.

    Raises:
        BadInput: there is none.
    """
    value = value if isinstance(value, dict) else {}
    picture = picture_in(value.get("picture"))
    if not value.get("mask"):
        raise BadInput("nothing is painted", next_step="paint over what is to be drawn anew")
    return {"picture": picture, "mask": picture_in(value["mask"], "the mask")}
