"""The first page: words in, pictures out, each with its story."""

from __future__ import annotations

import asyncio
import logging
import shlex
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

import gradio as gr
from gradio.components import Component
from markupsafe import Markup

from mindseye.errors import BadInput, MindseyeError
from mindseye.imagine.imaginer import Imaginer
from mindseye.pictures.story import read_story
from mindseye.serve.asked import Asked, Lost
from mindseye.serve.studio.drawing import Kept, Sheet, drawing
from mindseye.serve.studio.form import OWN, Form, Updates, form
from mindseye.serve.studio.parts import cards, drop, kept_cards, picture_in, place_of, shown
from mindseye.serve.studio.rooms import DRAWING, QUICK, Rooms, filled, refused, said

MOST_KEPT = 96  # pictures that a page remembers
STRENGTH = 0.6  # of a variation
VARIATIONS = 4
EXAMPLES = ("a smiling cat", "a red heart", "a slice of pizza", "a rocket", "a blue bird", "a birthday cake")

log = logging.getLogger(__name__)


class Sheets:
    """The part of a page that pictures come to: being drawn, drawn just now, drawn earlier; and a button that stops.

    Attributes:
        status: how far it is, or why not.
        now, earlier: cards.
        kept: what is drawn, newest first; the places of the cards are places in it.
    """

    def __init__(self, rooms: Rooms) -> None:
        self._rooms = rooms
        self._stops: dict[str, asyncio.Event] = {}
        self.status, self.now, self.earlier = shown(), cards(), cards()
        self.now.value = filled("nothing.html", title="Nothing drawn yet", text="Say what you would like to see.")
        self.kept = gr.State([])
        self.parts: list[Component] = [self.status, self.now, self.earlier, self.kept]

    async def draw(
        self, asked: Callable[[], Asked], before: Sequence[Kept], session: str | None
    ) -> AsyncGenerator[Updates, None]:
        """Draws, telling the parts meanwhile what to show."""
        stop = self._stops[session or ""] = asyncio.Event()
        sheet = Sheet([])
        try:
            yield {self.status: progress(sheet), self.now: Markup(), self.earlier: _earlier(before, 0)}
            what = await asyncio.to_thread(asked)
            async with aclosing(drawing(self._rooms.service, what, stop, story=self._rooms.story)) as sheets:
                async for sheet in sheets:
                    yield {self.status: progress(sheet), self.now: filled("sheet.html", places=sheet.places)}
            yield {self.status: noted(sheet, stopped=stop.is_set()), **self._whole(sheet.kept, before)}
        except MindseyeError as error:
            yield {self.status: refused(error), **self._whole(sheet.kept, before)}
        except Exception:  # a mistake of ours: the page must not wait for ever
            log.exception("a drawing was lost")
            lost = Lost("the drawing was lost", why="a mistake of the server", next_step="ask again")
            yield {self.status: refused(lost), **self._whole(sheet.kept, before)}
        finally:
            self._stops.pop(session or "", None)

    def _whole(self, new: Sequence[Kept], before: Sequence[Kept]) -> Updates:
        every = [*new, *before][:MOST_KEPT]
        return {
            self.now: kept_cards(new, label="just drawn", kind="big") if new else Markup(),
            self.earlier: _earlier(every, len(new)),
            self.kept: every,
        }

    def stop(self, request: gr.Request) -> None:
        """Stops what this page draws."""
        if event := self._stops.get(request.session_hash or ""):
            event.set()


def _earlier(kept: Sequence[Kept], first: int) -> Markup:
    if not kept[first:]:
        return Markup()
    return filled("earlier.html", cards=kept_cards(kept[first:], label="drawn earlier", first=first))


def progress(sheet: Sheet) -> Markup:
    """How far a drawing is."""
    if not sheet.places:
        words = "reading the words"
    else:
        words = f"{sheet.done} of {len(sheet.places)} drawn"
        if sheet.seconds_left is not None and sheet.share < 1:
            words += f", about {max(1, round(sheet.seconds_left))} s to go"
    return filled("progress.html", share=sheet.share, words=words)


def noted(sheet: Sheet, *, stopped: bool) -> Markup:
    """What a person should know of what was drawn."""
    notes = list(dict.fromkeys(note for each in sheet.kept for note in each.notes))
    if stopped:
        notes.insert(0, f"stopped with {sheet.done} of {len(sheet.places)} drawn" if sheet.places else "stopped")
    return Markup("").join(said(note) for note in notes)


@dataclass(frozen=True)
class DrawPage:
    """Handles of the page, for what other pages send to it.

    Attributes:
        form: its fields.
        sheets: where its pictures come to.
        picked: the picture that is picked; None if none is.
        complete, judge, search: buttons that send it elsewhere.
    """

    form: Form
    sheets: Sheets
    picked: gr.State
    complete: gr.Button
    judge: gr.Button
    search: gr.Button


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
            sheets = Sheets(rooms)
            with gr.Column(visible=False, elem_id="picked") as bar:
                story = shown()
                with gr.Row(elem_classes="acts"):
                    again = gr.Button("Make again", size="sm")
                    vary = gr.Button("Vary", size="sm")
                    complete = gr.Button("Complete", size="sm")
                    judge = gr.Button("Judge", size="sm")
                    search = gr.Button("Find alike", size="sm", visible=bool(rooms.library.collections))
                    use = gr.Button("Use settings", size="sm")
                    close = gr.Button("Close", size="sm")
    picked = gr.State(None)
    buttons: list[Any] = [go, halt]

    async def drawn(values: dict[Component, Any], request: gr.Request, **given: Any) -> AsyncGenerator[Updates, None]:
        imaginer = rooms.service.imaginer(values[model])
        yield {go: gr.update(visible=False), halt: gr.update(visible=True)}
        updates = sheets.draw(
            lambda: fields.asked(values, imaginer, **given), values[sheets.kept], request.session_hash
        )
        async with aclosing(updates):
            async for update in updates:
                yield update
        yield {go: gr.update(visible=True), halt: gr.update(visible=False)}

    async def draw(values: dict[Component, Any], request: gr.Request) -> AsyncGenerator[Updates, None]:
        async with aclosing(drawn(values, request)) as updates:
            async for update in updates:
                yield update

    async def varied(values: dict[Component, Any], request: gr.Request) -> AsyncGenerator[Updates, None]:
        one: Kept = values[picked]
        of_it = {**values, prompt: one.story.prompt, fields.count: VARIATIONS, fields.seed: "", fields.think: 1}
        async with aclosing(drawn(of_it, request, picture=one.png, strength=STRENGTH)) as updates:
            async for update in updates:
                yield update

    def pick(event: gr.EventData, kept: list[Kept], name: str) -> Updates:
        one = kept[place_of(event, kept)]
        able = rooms.service.imaginer(name).abilities
        return {
            picked: one,
            bar: gr.update(visible=True),
            story: told(one),
            vary: gr.update(visible=able.vary),
            complete: gr.update(visible=able.complete),
        }

    def restore(one: Kept, name: str) -> Updates:
        return fields.told(one.story.model_dump(exclude_none=True), rooms.service.imaginer(name))

    def read(value: str, name: str) -> Updates:
        if not value:
            return {restored: ""}
        try:
            imaginer = rooms.service.imaginer(name)
            about, note = story_of(picture_in(value), imaginer)
        except MindseyeError as error:
            return {restored: refused(error)}
        return {restored: note, **fields.told(about, imaginer)}

    asking: set[Any] = {*fields.parts, model, sheets.kept, picked}
    shows: list[Component] = [*buttons, *sheets.parts]
    gr.on([go.click, prompt.submit], draw, asking, shows, **DRAWING)
    halt.click(sheets.stop, None, None, **QUICK)
    vary.click(varied, asking, shows, **DRAWING)
    again.click(restore, [picked, model], list(fields.parts), **QUICK).then(draw, asking, shows, **DRAWING)
    use.click(restore, [picked, model], list(fields.parts), **QUICK)
    close.click(lambda: gr.update(visible=False), None, bar, **QUICK)
    for each in (sheets.now, sheets.earlier):
        each.pick(pick, [sheets.kept, model], [picked, bar, story, vary, complete], **QUICK)
    dropped.given(read, [dropped, model], [restored, *fields.parts], **QUICK)
    for example in examples:
        example.click(lambda text: text, example, prompt, **QUICK).then(draw, asking, shows, **DRAWING)
    return DrawPage(fields, sheets, picked, complete, judge, search)


def story_of(data: bytes, imaginer: Imaginer) -> tuple[dict[str, Any], Markup]:
    """What a picture file tells of its making, and a note on it for people.

    Raises:
        BadInput: it is no picture, or tells nothing.
    """
    about = read_story(data)
    if not about.get("prompt") and "seed" not in about:
        raise BadInput("this picture does not tell how it was made", next_step="drop one that was drawn here")
    notes = [f"settings of a picture made with {about['tool']}"]
    if about.get("model", imaginer.name) != imaginer.name:
        notes.append(f"it was drawn by {about['model']}, so {imaginer.name} will draw another one")
    elif about.get("model_sha256", imaginer.sha256) != imaginer.sha256:
        notes.append(f"{imaginer.name} has changed since, so it will draw another one")
    if about.get("given_sha256"):
        notes.append("it went on from another picture, which is not in it")
    return about, Markup("").join(said(note) for note in notes)


def told(one: Kept) -> Markup:
    """The story of a picture."""
    story = one.story
    facts = {
        "seed": story.seed,
        "model": story.model,
        "size": f"{story.width} px",
        "guidance": None if story.guidance is None else f"{story.guidance:g}",
        "steps": story.steps,
        "sampler": story.sampler,
        "temperature": story.temperature,
        "likeliest share": story.top_p,
        "not": story.negative_prompt,
        "chosen of": story.candidates if story.candidates > 1 else None,
        "corrections": ", ".join(name.partition("@")[0] for name in story.edits),
        "strength": story.strength,
        "completed": "by a mask" if story.masked else None,
    }
    return filled(
        "story.html",
        uri=one.uri,
        story=story,
        notes=one.notes,
        facts={name: value for name, value in facts.items() if value not in (None, "")},
        name=f"mindseye-{story.seed}",
        command=command(one),
    )


def command(one: Kept) -> str:
    """The line for a terminal that draws this picture again; "" for one that went on from another."""
    story = one.story
    if story.given_sha256:
        return ""
    words = ["mindseye", "imagine", "-n", "1"]
    for name in ("model", "seed", *OWN):
        if (value := getattr(story, name)) not in (None, ""):
            words += [f"--{name.removesuffix('_prompt').replace('_', '-')}", str(value)]
    for edit in story.edits:
        words += ["--edit", edit.partition("@")[0]]
    return shlex.join([*words, *(["--"] if story.prompt.startswith("-") else []), story.prompt])


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
