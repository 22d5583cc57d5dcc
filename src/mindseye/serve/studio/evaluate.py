"""The page to measure a model, or to put two side by side: it draws for a while, then shows the report."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from functools import partial
from typing import Any

import gradio as gr

from mindseye.collection.collection import Collection
from mindseye.errors import BadInput, MindseyeError
from mindseye.imagine.imaginer import Imaginer
from mindseye.report.compare import drawn_and_compared
from mindseye.report.evaluate import BUDGET_SECONDS, evaluate
from mindseye.report.evaluation_page import render, render_comparison
from mindseye.serve.studio.form import Updates
from mindseye.serve.studio.parts import shown
from mindseye.serve.studio.rooms import QUICK, Rooms, filled, framed, refused, said
from mindseye.serve.studio.working import Log, Stopped, Working, progress

ALONE = "no other model"
SECONDS = (10, 600)  # to draw, least and most


@dataclass(frozen=True)
class EvaluatePage:
    """Handles of the page.

    Attributes:
        listed: what a model, by its name, is measured with and put beside, as updates.
        parts: what these change.
    """

    listed: Callable[[str], Updates]
    parts: list[Any]


def evaluate_page(rooms: Rooms, model: gr.Dropdown) -> EvaluatePage:
    """Builds the page."""
    working = Working(rooms.library)
    names = list(rooms.library.collections)
    with gr.Row(elem_classes="work"):
        with gr.Column(scale=1, min_width=260, elem_classes="settings"):
            collection = gr.Dropdown(
                names, value=names[0], label="Measured against", info="what it was trained on, to find copies",
                interactive=True,
            )  # fmt: skip
            beside = gr.Dropdown([ALONE], value=ALONE, label="Beside it", interactive=True)
            budget = gr.Slider(
                *SECONDS, value=BUDGET_SECONDS, step=10, label="Seconds to draw", buttons=[],
                info="each; more pictures make narrower intervals",
            )  # fmt: skip
            go = gr.Button("Evaluate", variant="primary")
            halt = gr.Button("Stop", visible=False)
        with gr.Column(scale=3, min_width=300, elem_classes="gallery"):
            status, report = shown(), shown()
    report.value = filled(
        "nothing.html", title="Nothing measured yet",
        text="It draws what the collection shows, and says how real that looks, whether it fits the words, and how"
        " often it copies. Every figure has its interval.",
    )  # fmt: skip

    def listed(of: str) -> Updates:
        imaginer = rooms.service.imaginer(of)
        trained_on = rooms.library.trained_on(imaginer)
        others = [name for name in rooms.service.imaginers if name != of]
        return {
            collection: gr.update(value=trained_on.name) if trained_on else gr.update(),
            beside: gr.update(choices=[ALONE, *others], value=ALONE),
        }

    async def measured(
        of: str, other: str, shows: str, seconds: float, request: gr.Request
    ) -> AsyncGenerator[Updates, None]:
        yield {go: gr.update(visible=False), halt: gr.update(visible=True), report: ""}
        try:
            rooms.check_may_change(request)  # it keeps the machine busy for minutes
            if not SECONDS[0] <= seconds <= SECONDS[1]:
                raise BadInput(f"it cannot draw for {seconds:g} s", next_step=f"{SECONDS[0]} to {SECONDS[1]}")
            if other == of:
                raise BadInput(f"{of} beside itself says nothing", next_step="choose another model")
            imaginers = [rooms.service.imaginer(name) for name in (of, other) if name != ALONE]
            work = partial(_report, imaginers, rooms.library.collection(shows), seconds)
            done: list[str] = []
            yield {status: progress("it waits for its turn", "evaluating")}
            async with aclosing(working.lines(work, done, request.session_hash)) as lines:
                async for line in lines:
                    yield {status: progress(line, "evaluating")}
            title = " beside ".join(imaginer.name for imaginer in imaginers)
            yield {status: "", report: framed(done[0], f"evaluation of {title}", save="evaluation.html")}
        except Stopped:
            yield {status: said("stopped; nothing was kept of it")}
        except MindseyeError as error:
            yield {status: refused(error)}
        yield {go: gr.update(visible=True), halt: gr.update(visible=False)}

    go.click(
        measured, [model, beside, collection, budget], [status, report, go, halt], show_progress="hidden",
        concurrency_limit=None,
    )  # fmt: skip
    halt.click(working.stop, None, None, **QUICK)
    parts: list[Any] = [collection, beside]
    model.change(listed, model, parts, **QUICK)
    return EvaluatePage(listed, parts)


def _report(imaginers: Sequence[Imaginer], collection: Collection, budget: float, log: Log) -> str:
    """The report of one model, or of several side by side, as HTML."""
    if len(imaginers) == 1:
        return render(evaluate(imaginers[0], collection, budget=budget, log=log))
    return render_comparison(*drawn_and_compared(imaginers, collection, budget=budget, log=log))
