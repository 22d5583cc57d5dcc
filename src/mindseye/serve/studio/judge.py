"""The page to judge a picture: real or imagined, what it shows, does it fit its prompt, what is it near."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from functools import partial

import gradio as gr

from mindseye.errors import MindseyeError
from mindseye.report.judging import NEAREST, judge
from mindseye.serve.studio.form import Updates
from mindseye.serve.studio.parts import drop, picture_in, shown
from mindseye.serve.studio.rooms import Rooms, filled, refused, said


@dataclass(frozen=True)
class JudgePage:
    """Handles of the page.

    Attributes:
        picture, prompt: what is judged.
    """

    picture: gr.HTML
    prompt: gr.Textbox


def judge_page(rooms: Rooms, model: gr.Dropdown) -> JudgePage:
    """Builds the page."""
    with gr.Row(elem_classes="work"):
        with gr.Column(scale=1, min_width=260, elem_classes="settings"):
            picture = drop("Picture to judge")
            prompt = gr.Textbox(label="What it should show", placeholder="as the picture says itself", max_lines=1)
            nearest = gr.Checkbox(label="Look for the nearest training pictures (minutes, the first time)")
            go = gr.Button("Judge", variant="primary")
        with gr.Column(scale=3, min_width=300, elem_classes="gallery"):
            status, verdict = shown(), shown()
            todo = "Give a picture: is it real or imagined, what does it show, does it fit its words?"
            verdict.value = filled("nothing.html", title="Nothing judged yet", text=todo)

    async def judged(value: str, text: str, near: bool, name: str) -> AsyncIterator[Updates]:
        try:
            data = picture_in(value)
            imaginer = rooms.service.imaginer(name)
            yield {status: said("thinking"), verdict: ""}
            thinker = await asyncio.to_thread(rooms.service.thinker, imaginer.name)
            look = partial(
                judge, data, prompt=text.strip() or None, model=imaginer, thinker=thinker,
                collection=rooms.library.trained_on(imaginer), nearest=NEAREST if near else 0,
            )  # fmt: skip
            answer = await asyncio.wrap_future(rooms.library.look(look))
            yield {status: "", verdict: filled("verdict.html", verdict=answer, picture=value)}
        except MindseyeError as error:
            yield {status: refused(error), verdict: ""}

    gr.on(
        [go.click, prompt.submit], judged, [picture, prompt, nearest, model], [status, verdict],
        show_progress="hidden",
    )  # fmt: skip
    return JudgePage(picture, prompt)
