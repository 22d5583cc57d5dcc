"""A part of the page to explore: the stages of a picture that is drawn in stages, the rough one first."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from functools import partial

import gradio as gr

from mindseye.errors import MindseyeError
from mindseye.imagine.imaginer import Imaginer
from mindseye.imagine.request import Request
from mindseye.randomness import SEED_LIMIT
from mindseye.report.html import data_uri
from mindseye.serve.studio.form import Updates
from mindseye.serve.studio.parts import Card, Part, heading, in_order, shown
from mindseye.serve.studio.rooms import Rooms, refused, said


def stages_part(rooms: Rooms, model: gr.Dropdown) -> Part:
    """Builds it."""
    with gr.Column(visible=False, elem_classes="part") as whole:
        heading(
            "Drawn in stages",
            "A rough picture first; each later stage looks at the words and adds what they say. Where it looked is on"
            " the page Attention.",
        )
        with gr.Row(elem_classes="prompt-row"):
            prompt = gr.Textbox(
                label="Words to draw in stages",
                placeholder="a red bird",
                max_lines=1,
                max_length=2000,
                scale=5,
            )
            seed = gr.Number(
                0, label="Seed of the stages", precision=0, minimum=0, maximum=SEED_LIMIT - 1, scale=1, min_width=110
            )
            go = gr.Button("Draw the stages", variant="primary", scale=1, min_width=150)
        status, strip = shown(), shown()

    def fitted(imaginer: Imaginer) -> Updates:
        return {whole: gr.update(visible=imaginer.abilities.stages), status: "", strip: ""}

    async def drawn(words: str, number: float | None, of: str) -> AsyncIterator[Updates]:
        try:
            imaginer, request = rooms.service.imaginer(of), Request.of(prompt=words or "", seed=int(number or 0))
            yield {status: said("drawing"), strip: ""}
            stages = await asyncio.wrap_future(rooms.library.look(partial(_stages, imaginer, request)))
            yield {status: "", strip: in_order(stages, label="the stages")}
        except MindseyeError as error:
            yield {status: refused(error)}

    gr.on([go.click, prompt.submit], drawn, [prompt, seed, model], [status, strip], show_progress="hidden")
    return Part(fitted, [whole, status, strip])


def _stages(imaginer: Imaginer, request: Request) -> list[Card]:
    [attended] = imaginer.attention(request)
    edges = [len(stage.pixels) for stage in attended.stages]
    return [
        Card(data_uri(stage.pixels), f"stage {place}, {edge} px", f"{edge} px")
        for place, (stage, edge) in enumerate(zip(attended.stages, edges, strict=True), start=1)
    ]
