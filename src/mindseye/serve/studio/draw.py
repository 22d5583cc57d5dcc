"""The first page: words in, pictures out, each with its story."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

import gradio as gr
from gradio.components import Component
from markupsafe import Markup

from mindseye.errors import BadInput, MindseyeError
from mindseye.imagine.imaginer import Imaginer
from mindseye.pictures.story import read_story
from mindseye.serve.service import Service
from mindseye.serve.studio.form import Form, Updates, form
from mindseye.serve.studio.parts import drop, picture_in, shown
from mindseye.serve.studio.picked import Bar
from mindseye.serve.studio.rooms import DRAWING, QUICK, Rooms, refused, said
from mindseye.serve.studio.sheets import Sheets

EXAMPLES = ("a smiling cat", "a red heart", "a slice of pizza", "a rocket", "a blue bird", "a birthday cake")


@dataclass(frozen=True)
class DrawPage:
    """Handles of the page, for what other pages send to it.

    Attributes:
        form: its fields.
        sheets: where its pictures come to.
        bar: the picture that is picked.
    """

    form: Form
    sheets: Sheets
    bar: Bar


def draw_page(rooms: Rooms, model: gr.Dropdown) -> DrawPage:
    """Builds the page.

    Args:
        rooms: what is behind it.
        model: the name of the model to draw with.
    """
    with gr.Row(elem_classes="prompt-row"):
        prompt = gr.Textbox(
            label="What shall it draw?", placeholder="a smiling cat", max_lines=1, max_length=2000, autofocus=True,
            scale=5, elem_id="prompt",
        )  # fmt: skip
        go = gr.Button("Draw", variant="primary", scale=1, min_width=110, elem_id="draw")
        halt = gr.Button("Stop", scale=1, min_width=110, visible=False, elem_id="stop")
    with gr.Row(elem_classes="examples"):
        examples = [gr.Button(text, size="sm", elem_classes="example") for text in examples_for(rooms)]
    with gr.Row(elem_classes="work"):
        with gr.Column(scale=1, min_width=260, elem_classes="settings"):
            with gr.Accordion("How to draw", open=True):
                fields = form(prompt, rooms.service.imaginer(None), rooms.limits)
            dropped = drop("Draw a picture again")
            restored = shown()
        with gr.Column(scale=3, min_width=300, elem_classes="gallery"):
            sheets = Sheets(rooms, go, halt, ("Nothing drawn yet", "Say what you would like to see."))
            bar = Bar(rooms, sheets, name="picked")
    bar.wire(fields, model)

    async def draw(values: dict[Component, Any], request: gr.Request) -> AsyncGenerator[Updates, None]:
        imaginer = rooms.service.imaginer(values[model])
        updates = sheets.draw(lambda: fields.asked(values, imaginer), values[sheets.kept], request.session_hash)
        async with aclosing(updates):
            async for update in updates:
                yield update

    def read(value: str, name: str) -> Updates:
        if not value:
            return {restored: ""}
        try:
            about = read_story(picture_in(value))
            imaginer = drawn_by(about, rooms.service) or rooms.service.imaginer(name)
            note = story_of(about, imaginer)
        except MindseyeError as error:
            return {restored: refused(error)}
        return {restored: note, model: imaginer.name, **fields.told(about, imaginer)}

    asking: set[Any] = {*fields.parts, model, sheets.kept}
    gr.on([go.click, prompt.submit], draw, asking, sheets.parts, **DRAWING)
    dropped.given(read, [dropped, model], [restored, model, *fields.parts], **QUICK)
    for example in examples:
        example.click(lambda text: text, example, prompt, **QUICK).then(draw, asking, sheets.parts, **DRAWING)
    return DrawPage(fields, sheets, bar)


def drawn_by(about: Mapping[str, Any], service: Service) -> Imaginer | None:
    """The model here that drew a picture, by what the picture tells: the same weights under any name before others
    under the same name; None where there is neither."""
    named = service.imaginers.get(about.get("model", ""))
    weights = about.get("model_sha256")
    if not weights or (named is not None and named.sha256 == weights):
        return named
    return next((each for each in service.imaginers.values() if each.sha256 == weights), named)


def story_of(about: Mapping[str, Any], imaginer: Imaginer) -> Markup:
    """A note for people on what a picture tells of its making.

    Args:
        about: as of `read_story`.
        imaginer: what would draw it again.

    Raises:
        BadInput: it tells nothing.
    """
    if not about.get("prompt") and "seed" not in about:
        raise BadInput("this picture does not tell how it was made", next_step="drop one that was drawn here")
    notes = [f"settings of a picture made with {about['tool']}"]
    weights = about.get("model_sha256", "")
    if weights and weights != imaginer.sha256 and about.get("model") == imaginer.name:
        notes.append(f"{imaginer.name} has changed since, so it will draw another one")
    elif weights != imaginer.sha256 and about.get("model", imaginer.name) != imaginer.name:
        notes.append(f"it was drawn by {about['model']}, so {imaginer.name} will draw another one")
    if about.get("given_sha256"):
        notes.append("it went on from another picture, which is not in it, so words alone will draw another one")
    return Markup("").join(said(note) for note in notes)


def examples_for(rooms: Rooms) -> list[str]:
    """Prompts to begin with: short captions of what the first model was trained on, where that is at hand."""
    imaginer = rooms.service.imaginer(None)
    if imaginer.about is None or imaginer.about.collection.name == "emoji":
        return list(EXAMPLES)
    collection = rooms.library.collections.get(imaginer.about.collection.name)
    if collection is None:
        return []
    captions = sorted({texts[0] for texts in collection.splits["train"].captions if texts and len(texts[0]) < 32})
    return captions[:: max(1, len(captions) // len(EXAMPLES))][: len(EXAMPLES)]
