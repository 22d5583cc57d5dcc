"""The studio as a whole: which pages there are, what goes from one to another, and how they come to the server."""

from __future__ import annotations

import os
from collections.abc import Callable

os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"  # read when gradio is imported
os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"

import gradio as gr
from fastapi import FastAPI

from mindseye.errors import MindseyeError
from mindseye.serve.studio.attention import attention_page
from mindseye.serve.studio.collection import collection_page
from mindseye.serve.studio.complete import complete_page, to_paint_on
from mindseye.serve.studio.correct import correct_page
from mindseye.serve.studio.door import PATH, Door, sign_in
from mindseye.serve.studio.draw import draw_page
from mindseye.serve.studio.drawing import Kept
from mindseye.serve.studio.evaluate import evaluate_page
from mindseye.serve.studio.explore import explore_page
from mindseye.serve.studio.form import Choice, Updates
from mindseye.serve.studio.judge import judge_page
from mindseye.serve.studio.look import theme
from mindseye.serve.studio.parts import page_file
from mindseye.serve.studio.rooms import QUICK, Rooms, filled, refused
from mindseye.serve.studio.search import search_page
from mindseye.serve.studio.teach import teach_page
from mindseye.serve.studio.train import train_page


def pages(rooms: Rooms) -> tuple[str, Callable[[FastAPI], None]]:
    """What `make_app` takes: under which path the studio is, and what adds it to the application."""
    return PATH, lambda app: add(app, rooms)


def add(app: FastAPI, rooms: Rooms) -> None:
    """Adds the studio to an application."""
    app.include_router(sign_in(rooms.access))
    app.add_middleware(Door)
    gr.mount_gradio_app(
        app,
        studio(rooms),
        PATH,
        server_name=rooms.access.host,
        server_port=rooms.access.port,
        root_path=PATH,
        footer_links=[],
        run_history=False,
        show_error=False,
        ssr_mode=False,
        enable_monitoring=False,
        pwa=False,
        mcp_server=False,
        max_file_size=1,  # byte: nothing is uploaded beside a page
        theme=theme(),
        css=page_file("studio.css"),
    )


def studio(rooms: Rooms) -> gr.Blocks:
    """The pages, and what goes from one to another."""
    names = list(rooms.service.imaginers)
    blocks = gr.Blocks(title="mindseye studio", analytics_enabled=False)

    with blocks:
        with gr.Row(elem_classes="head"):
            gr.HTML(filled("head.html", icon=page_file("icon.svg")), js_on_load=None, apply_default_css=False)
            model = gr.Dropdown(
                names, value=names[0], label="Model", elem_id="model", min_width=140, interactive=True, filterable=False
            )
        with gr.Tabs(elem_classes="pages") as tabs:
            with gr.Tab("Draw", id="draw"):
                draw = draw_page(rooms, model)
            with gr.Tab("Complete", id="complete"):
                complete = complete_page(rooms, model)
            choice = Choice(rooms.service, model, (draw.form, complete.form))
            # Before what other pages do then: those wait for each other, and the fields must not wait for them.
            model.change(
                lambda name, *of: choice.fitted(name, of), [model, *(form.of for form in choice.forms)], choice.parts,
                **QUICK,
            )  # fmt: skip
            search = None
            if rooms.library.collections:
                with gr.Tab("Search", id="search"):
                    search = search_page(rooms)
                with gr.Tab("Collection", id="collection"):
                    collection_page(rooms)
            with gr.Tab("Judge", id="judge"):
                judge = judge_page(rooms, model)
            with gr.Tab("Attention", id="attention"):
                attention_page(rooms, model)
            with gr.Tab("Explore", id="explore") as exploring:
                explore = explore_page(rooms, model)
                exploring.select(explore.opened, explore.asks, explore.parts, **QUICK)
            with gr.Tab("Correct", id="correct") as correcting:
                correct = correct_page(rooms, model)
            if rooms.library.collections:
                with gr.Tab("Evaluate", id="evaluate") as evaluating:
                    evaluate = evaluate_page(rooms, model)
                    evaluating.select(evaluate.listed, model, evaluate.parts, **QUICK)
            if rooms.trainings.allowed:
                with gr.Tab("Teach", id="teach") as teaching:
                    teach = teach_page(rooms, choice)
                    teaching.select(teach.listed, model, teach.parts, **QUICK)
                with gr.Tab("Train", id="train") as training:
                    train = train_page(rooms, choice)
                    training.select(train.shown, train.which, train.parts, **QUICK)

        def opened() -> Updates:
            first = rooms.service.imaginer(None)
            edits = {part: update for form in choice.forms for part, update in form.corrected(first).items()}
            return {model: gr.update(choices=list(rooms.service.imaginers), value=first.name), **edits}

        def corrected(name: str) -> Updates:
            imaginer = rooms.service.imaginer(name)
            return {part: update for form in choice.forms for part, update in form.corrected(imaginer).items()}

        def to_complete(one: Kept, name: str) -> Updates:
            try:
                on = to_paint_on(one.png, rooms.service.imaginer(name))
            except MindseyeError as error:
                return {each.sheets.status: refused(error) for each in (draw, complete)}
            return {complete.canvas: on, complete.form.prompt: one.story.prompt, tabs: gr.Tabs(selected="complete")}

        def to_judge(one: Kept) -> Updates:
            return {judge.picture: one.uri, judge.prompt: one.story.prompt, tabs: gr.Tabs(selected="judge")}

        blocks.load(opened, None, [model, *(form.edits for form in choice.forms)], **QUICK)
        correcting.select(correct.listed, model, correct.parts, **QUICK)
        correct.ledger.change(corrected, model, [form.edits for form in choice.forms], **QUICK)
        on_canvas = [complete.canvas, complete.form.prompt, tabs, draw.sheets.status, complete.sheets.status]
        for bar in (draw.bar, complete.bar):
            bar.complete.click(to_complete, [bar.one, model], on_canvas, **QUICK)
            bar.judge.click(to_judge, bar.one, [judge.picture, judge.prompt, tabs], **QUICK)
            if search is not None:
                bar.search.click(
                    lambda one: (one.uri, gr.Tabs(selected="search")), bar.one, [search.picture, tabs], **QUICK
                ).then(search.find, [search.picture, search.collection], search.parts, show_progress="hidden")
    return blocks
