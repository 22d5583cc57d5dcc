"""The page of trainings: start one, watch it, stop it, go on with it, and draw with what it has learnt."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import gradio as gr
from markupsafe import Markup

from mindseye.errors import MindseyeError
from mindseye.imagine.families import NAMES
from mindseye.imagine.imaginer import load
from mindseye.serve.studio.drawing import png_uri
from mindseye.serve.studio.form import Choice, Updates
from mindseye.serve.studio.parts import shown
from mindseye.serve.studio.rooms import QUICK, Rooms, filled, refused, said

TICK_SECONDS = 2.0  # between looks at a run
WIDTH, HEIGHT = 400, 120  # of a curve
POINTS = 200


@dataclass(frozen=True)
class TrainPage:
    """Handles of the page.

    Attributes:
        shown: what is to be looked at when the page is opened, as updates.
        parts: what that changes.
    """

    shown: Callable[[str | None], Updates]
    which: gr.Dropdown
    parts: list[Any]


def train_page(rooms: Rooms, choice: Choice) -> TrainPage:
    """Builds the page.

    Args:
        rooms: what is behind it.
        choice: the model to draw with, which a training's may become.
    """
    collections = list(rooms.library.collections)
    with gr.Row(elem_classes="work"):
        with gr.Column(scale=1, min_width=260, elem_classes="settings"):
            name = gr.Textbox(label="Name of the training", placeholder="my-first", max_lines=1, max_length=64)
            collection = gr.Dropdown(
                collections, value=collections[0] if collections else None, label="Collection", interactive=True
            )
            family = gr.Dropdown(
                list(NAMES),
                value="diffusion",
                label="Family",
                info="the way to draw; diffusion suits most",
                interactive=True,
            )
            minutes = gr.Number(45, label="Minutes", minimum=0.1, maximum=100_000)
            preset = gr.Dropdown(
                ["the collection's own", "tiny", "small"], value="the collection's own", label="Size", interactive=True
            )
            go = gr.Button("Start", variant="primary")
        with gr.Column(scale=3, min_width=300, elem_classes="gallery"):
            which = gr.Dropdown([], label="Training", interactive=True, visible=False)
            status, report = shown(), shown()
            with gr.Row(elem_classes="acts"):
                stop = gr.Button("Stop", size="sm", visible=False)
                on = gr.Button("Continue", size="sm", visible=False)
                use = gr.Button("Draw with it", size="sm", variant="primary", visible=False)
    timer = gr.Timer(TICK_SECONDS, active=False)
    parts: list[Any] = [which, report, stop, on, use, timer]

    def look(run: str | None, *, choose: str = "") -> Updates:
        names = rooms.trainings.names()
        run = choose or (run if run in names or _is_awaited(rooms, run) else names[-1] if names else None)
        if run is None:
            empty = filled("nothing.html", title="No training yet", text="Give it a name and a collection, and start.")
            return {which: gr.update(choices=[], value=None, visible=False), report: empty}
        going = rooms.trainings.is_at_it(run)
        if run not in names:  # it was started, and has written nothing so far
            return {
                which: gr.update(choices=[*names, run], value=run, visible=True),
                report: _starting(rooms, run),
                stop: gr.update(visible=going),
                on: gr.update(visible=False),
                use: gr.update(visible=False),
                timer: gr.Timer(active=going),
            }
        facts = rooms.trainings.facts(run)
        going = going or facts["state"] == "running"
        return {
            which: gr.update(choices=names, value=run, visible=True),
            report: _report(rooms, run, facts),
            stop: gr.update(visible=going),
            on: gr.update(visible=not going and facts["state"] != "finished"),
            use: gr.update(visible=facts["model"]),
            timer: gr.Timer(active=going),
        }

    def shown_now(run: str | None) -> Updates:
        try:
            return look(run)
        except MindseyeError as error:
            return {report: refused(error)}

    def started(called: str, by: str, of: str, during: float, size: str, request: gr.Request) -> Updates:
        try:
            rooms.check_may_change(request)
            settings = {} if size not in ("tiny", "small") else {"preset": size}
            rooms.trainings.start(called.strip(), by, of or None, during, settings)
        except MindseyeError as error:
            return {status: refused(error)}
        return {
            status: said(f"{called.strip()} is being started"),
            **look(None, choose=called.strip()),
            timer: gr.Timer(active=True),
        }

    def stopped(run: str, request: gr.Request) -> Updates:
        try:
            rooms.check_may_change(request)
            rooms.trainings.stop(run)
        except MindseyeError as error:
            return {status: refused(error)}
        return {status: said(f"{run} saves what it has learnt, and stops")}

    def continued(run: str, request: gr.Request) -> Updates:
        try:
            rooms.check_may_change(request)
            rooms.trainings.start(run)
        except MindseyeError as error:
            return {status: refused(error)}
        return {status: said(f"{run} goes on"), timer: gr.Timer(active=True)}

    async def drawn_with(run: str, before: str, request: gr.Request) -> Updates:
        try:
            rooms.check_may_change(request)
            imaginer = await asyncio.to_thread(load, rooms.trainings.run(run).path)
            await asyncio.to_thread(rooms.service.add, run, imaginer)
        except MindseyeError as error:
            return {status: refused(error)}
        return {status: said(f"{run} is open, and chosen above"), **choice.made(run, before)}

    go.click(started, [name, family, collection, minutes, preset], [status, *parts], **QUICK)
    stop.click(stopped, which, status, **QUICK)
    on.click(continued, which, [status, timer], **QUICK)
    use.click(drawn_with, [which, choice.model], [status, *choice.parts], show_progress="hidden")
    which.input(shown_now, which, parts, **QUICK)
    timer.tick(shown_now, which, parts, **QUICK)
    return TrainPage(shown_now, which, parts)


def _report(rooms: Rooms, name: str, facts: dict[str, Any]) -> Markup:
    """How a training is, to read."""
    run = rooms.trainings.run(name)
    last: dict[str, Any] = next((each for each in reversed(run.events.read()) if each["event"] == "progress"), {})
    sheets = sorted(run.samples.glob("*.png"))
    return filled(
        "training.html",
        facts=facts,
        share=last.get("progress"),
        left=duration(last["eta_seconds"]) if facts["state"] == "running" and "eta_seconds" in last else "",
        curve=curve(facts["losses"]),
        sheet=png_uri(sheets[-1].read_bytes()) if sheets else "",
        last_words=rooms.trainings.last_words(name) if facts["state"] in ("interrupted", "stopped by error") else "",
    )


def _is_awaited(rooms: Rooms, name: str | None) -> bool:
    """Whether a training was started here and has not begun so far, or has failed before it did."""
    return name is not None and (rooms.trainings.is_at_it(name) or bool(rooms.trainings.last_words(name)))


def _starting(rooms: Rooms, name: str) -> Markup:
    words = rooms.trainings.last_words(name)
    if words:
        return said(f"{name} has ended before it began", words, kind="refused")
    return said("it reads the collection and measures the machine; the first figures come within a minute")


def duration(seconds: float) -> str:
    """Seconds as people say them."""
    if seconds < 90:
        return f"{round(seconds)} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"


def curve(losses: list[float]) -> Markup:
    """A curve as SVG: the means of equal stretches, between the lowest and the highest; nothing for less than two."""
    if len(losses) < 2:
        return Markup()
    count = min(POINTS, len(losses))
    edges = [index * len(losses) // count for index in range(count + 1)]
    means = [sum(losses[a:b]) / (b - a) for a, b in zip(edges, edges[1:], strict=False)]
    low, high = min(means), max(means)
    points = " ".join(
        f"{WIDTH * at / (count - 1):.1f},{HEIGHT - 4 - (HEIGHT - 8) * (mean - low) / ((high - low) or 1):.1f}"
        for at, mean in enumerate(means)
    )
    return filled("curve.html", points=points, width=WIDTH, height=HEIGHT, first=losses[0], last=losses[-1])
