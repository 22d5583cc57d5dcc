"""The page that shows where a picture looked at each word while it was drawn, and the stages of one drawn in stages."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator
from functools import partial

import gradio as gr
from PIL import Image

from mindseye.errors import MindseyeError
from mindseye.imagine.imaginer import Imaginer
from mindseye.imagine.request import Request
from mindseye.report.attention import attention_sheet
from mindseye.serve.studio.drawing import png_uri
from mindseye.serve.studio.form import Updates
from mindseye.serve.studio.parts import shown
from mindseye.serve.studio.rooms import Rooms, filled, refused, said

MOST = 4  # pictures


def attention_page(rooms: Rooms, model: gr.Dropdown) -> None:
    """Builds the page."""
    with gr.Row(elem_classes="prompt-row"):
        prompt = gr.Textbox(
            label="Which words?", placeholder="a cat with a red hat", max_lines=1, max_length=2000, scale=5
        )
        seed = gr.Number(0, label="Seed", precision=0, minimum=0, maximum=2**32 - 1, scale=1, min_width=110)
        count = gr.Number(2, label="Pictures", precision=0, minimum=1, maximum=MOST, scale=1, min_width=90)
        go = gr.Button("Look", variant="primary", scale=1, min_width=110)
    status, sheet = shown(), shown()
    todo = "Say some words: each is shown with where a picture looked at it while it was drawn."
    sheet.value = filled("nothing.html", title="Nothing looked at yet", text=todo)

    async def look(words: str, first: float | None, pictures: float | None, name: str) -> AsyncIterator[Updates]:
        try:
            imaginer = rooms.service.imaginer(name)
            request = Request.of(prompt=words or "", seed=int(first or 0), count=int(pictures or 1))
            yield {status: said("drawing, and watching where it looks"), sheet: ""}
            drawn = await asyncio.wrap_future(rooms.library.look(partial(_sheet, imaginer, request)))
            words_for = f"where {imaginer.name} looked at each word of {words}"
            yield {status: "", sheet: filled("picture.html", uri=png_of(drawn), title=words_for)}
        except MindseyeError as error:
            yield {status: refused(error), sheet: ""}

    gr.on([go.click, prompt.submit], look, [prompt, seed, count, model], [status, sheet], show_progress="hidden")


def _sheet(imaginer: Imaginer, request: Request) -> Image.Image:
    return attention_sheet(imaginer.attention(request), request.prompt)


def png_of(image: Image.Image) -> str:
    """A sheet as a data URI."""
    file = io.BytesIO()
    image.save(file, "PNG")
    return png_uri(file.getvalue())
