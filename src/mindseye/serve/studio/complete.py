"""The page to complete a picture: paint over what is to be drawn anew; every other pixel stays."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

import gradio as gr
from gradio.components import Component
from markupsafe import Markup

from mindseye.errors import BadInput, MindseyeError
from mindseye.imagine.imaginer import Imaginer
from mindseye.pictures.opener import open_picture
from mindseye.pictures.story import png_bytes
from mindseye.pictures.tensors import fit
from mindseye.serve.asked import Asked
from mindseye.serve.studio.draw import Sheets, told
from mindseye.serve.studio.drawing import Kept, png_uri
from mindseye.serve.studio.form import Form, Updates, form
from mindseye.serve.studio.parts import canvas, drop, picture_in, place_of, shown
from mindseye.serve.studio.rooms import DRAWING, QUICK, Rooms, refused


@dataclass(frozen=True)
class CompletePage:
    """Handles of the page.

    Attributes:
        form: its fields.
        canvas: what is painted on.
    """

    form: Form
    canvas: gr.HTML


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
            sheets = Sheets(rooms)
            story = shown()
            with gr.Accordion("How to draw", open=False):
                fields = form(prompt, rooms.service.imaginer(None), rooms.limits)

    async def draw(values: dict[Component, Any], request: gr.Request) -> AsyncGenerator[Updates, None]:
        imaginer = rooms.service.imaginer(values[model])

        def asked() -> Asked:
            return fields.asked(values, imaginer, **_given(values[painted]))

        yield {go: gr.update(visible=False), halt: gr.update(visible=True), story: ""}
        async with aclosing(sheets.draw(asked, values[sheets.kept], request.session_hash)) as updates:
            async for update in updates:
                yield update
        yield {go: gr.update(visible=True), halt: gr.update(visible=False)}

    def fitted(value: str, name: str) -> Updates:
        if not value:
            return {painted: None, sheets.status: ""}
        try:
            return {painted: to_paint_on(picture_in(value), rooms.service.imaginer(name)), sheets.status: ""}
        except MindseyeError as error:
            return {painted: None, sheets.status: refused(error)}

    def pick(event: gr.EventData, kept: list[Kept]) -> Markup:
        return told(kept[place_of(event, kept)])

    shows: list[Component] = [go, halt, story, *sheets.parts]
    gr.on(
        [go.click, prompt.submit], draw, {*fields.parts, model, painted, sheets.kept}, shows,
        **DRAWING,
    )  # fmt: skip
    halt.click(sheets.stop, None, None, **QUICK)
    dropped.given(fitted, [dropped, model], [painted, sheets.status], **QUICK)
    for each in (sheets.now, sheets.earlier):
        each.pick(pick, sheets.kept, story, **QUICK)
    return CompletePage(fields, painted)


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
