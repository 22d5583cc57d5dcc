"""The studio as a whole: which pages there are, what goes from one to another, and how they come to the server."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"  # read when gradio is imported
os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"

import gradio as gr
from fastapi import FastAPI
from gradio.components import Component

from mindseye.errors import MindseyeError
from mindseye.serve.studio.complete import complete_page, to_paint_on
from mindseye.serve.studio.door import PATH, Door, sign_in
from mindseye.serve.studio.draw import draw_page
from mindseye.serve.studio.drawing import Kept
from mindseye.serve.studio.form import Updates
from mindseye.serve.studio.look import theme
from mindseye.serve.studio.parts import page_file
from mindseye.serve.studio.rooms import Rooms, filled, refused


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
    """The pages."""
    names = list(rooms.service.imaginers)
    with gr.Blocks(title="mindseye studio", analytics_enabled=False, fill_width=True) as blocks:
        with gr.Row(elem_classes="head"):
            gr.HTML(filled("head.html"), js_on_load=None, apply_default_css=False)
            model = gr.Dropdown(
                names, value=names[0], label="Model", elem_id="model", scale=0, min_width=180, interactive=True
            )
        with gr.Tabs() as tabs:
            with gr.Tab("Draw", id="draw"):
                draw = draw_page(rooms, model)
            with gr.Tab("Complete", id="complete"):
                complete = complete_page(rooms, model)
        quick: dict[str, Any] = {"queue": False, "show_progress": "hidden"}

        def chosen(name: str) -> Updates:
            imaginer = rooms.service.imaginer(name)
            return {**draw.form.fitted(imaginer), **complete.form.fitted(imaginer)}

        def opened(name: str) -> Updates:
            imaginer = rooms.service.imaginer(name)
            return {**draw.form.corrected(imaginer), **complete.form.corrected(imaginer)}

        def to_complete(one: Kept, name: str) -> Updates:
            try:
                on = to_paint_on(one.png, rooms.service.imaginer(name))
            except MindseyeError as error:
                return {draw.sheets.status: refused(error)}
            return {complete.canvas: on, complete.form.prompt: one.story.prompt, tabs: gr.Tabs(selected="complete")}

        of_model: list[Component] = [*draw.form.parts, *complete.form.parts]
        model.change(chosen, model, of_model, **quick)
        blocks.load(opened, model, [draw.form.edits, complete.form.edits], **quick)
        draw.complete.click(
            to_complete,
            [draw.picked, model],
            [complete.canvas, complete.form.prompt, tabs, draw.sheets.status],
            **quick,
        )
    return blocks
