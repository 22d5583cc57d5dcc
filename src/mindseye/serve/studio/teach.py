"""The page to teach a model a word from a few pictures, to take it back, and to ask what a picture shows."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing
from dataclasses import dataclass
from functools import partial
from typing import Any

import gradio as gr
from markupsafe import Markup

from mindseye.correct.ledger import edits
from mindseye.correct.teach.making import MOST_PICTURES, PICTURES_SEEN, STRONGEST, Taught, teach, unteach
from mindseye.correct.teach.recognising import Recognised, recognise
from mindseye.errors import BadInput, MindseyeError
from mindseye.imagine.edits import STRENGTH
from mindseye.imagine.imaginer import Imaginer, load
from mindseye.pictures.opener import open_picture
from mindseye.serve.studio.attention import png_of
from mindseye.serve.studio.form import Choice, Updates
from mindseye.serve.studio.parts import Card, as_cards, cards, drop, picture_in, place_of, shown
from mindseye.serve.studio.rooms import QUICK, Rooms, filled, refused, said
from mindseye.serve.studio.working import Stopped, Working, progress

ENDING = "-taught"  # of the name of a model that knows words besides its own
MOST_SEEN = 1600


@dataclass(frozen=True)
class TeachPage:
    """Handles of the page.

    Attributes:
        listed: the words of a model by name, as updates.
        parts: what these change.
    """

    listed: Callable[[str], Updates]
    parts: list[Any]


def teach_page(rooms: Rooms, choice: Choice) -> TeachPage:
    """Builds the page.

    Args:
        rooms: what is behind it.
        choice: the model that is taught, and the one that knows the word then.
    """
    model = choice.model
    working = Working(rooms.library)
    with gr.Row(elem_classes="work"):
        with gr.Column(scale=1, min_width=260, elem_classes="settings"):
            word = gr.Textbox(label="The new word", placeholder="zorble", max_lines=1, max_length=32)
            like = gr.Textbox(
                label="It is something like", placeholder="as the pictures look", max_lines=1, max_length=200,
                info="words that the model knows",
            )  # fmt: skip
            added = drop(f"Add a picture of it, up to {MOST_PICTURES}")
            pictures = cards()
            strength = gr.Slider(
                0, STRONGEST, value=1, step=0.05, label="Strength", info="0 is what it is like, 1 is what was learnt",
                buttons=[],
            )  # fmt: skip
            seen = gr.Slider(
                80, MOST_SEEN, value=PICTURES_SEEN, step=80, label="Learn for",
                info="moved and noised pictures that it sees", buttons=[],
            )  # fmt: skip
            mirror = gr.Checkbox(True, label="They may be seen mirrored", info="not so for letters")
            go = gr.Button("Teach", variant="primary")
            halt = gr.Button("Stop", visible=False)
        with gr.Column(scale=3, min_width=300, elem_classes="gallery"):
            status, sheet, words = shown(), shown(), shown()
            with gr.Row(elem_classes="prompt-row", visible=False) as taking:
                which = gr.Dropdown([], label="Take a word back", scale=3, interactive=True)
                back = gr.Button("Take it back", scale=1, min_width=140)
            asked = drop("What does this picture show?")
            answer = shown()
    given = gr.State([])

    def listed(of: str) -> Updates:
        try:
            names, html = _words(rooms.service.imaginer(of))
        except MindseyeError as error:
            return {words: refused(error), which: gr.update(), taking: gr.update()}
        return {
            words: html,
            which: gr.update(choices=names, value=names[0] if names else None),
            taking: gr.update(visible=bool(names)),
        }

    def add(value: str, before: list[str], request: gr.Request) -> Updates:
        if not value:
            return {status: ""}
        try:
            rooms.check_may_change(request)
            if len(before) >= MOST_PICTURES:
                raise BadInput(f"{MOST_PICTURES} pictures are the most", next_step="click one to take it away")
            open_picture(picture_in(value), name="the picture")
        except MindseyeError as error:
            return {status: refused(error), added: ""}
        return {status: "", added: "", **held([*before, value])}

    def take_away(event: gr.EventData, before: list[str]) -> Updates:
        place = place_of(event, before)
        return {status: "", **held([*before[:place], *before[place + 1 :]])}

    def held(uris: list[str]) -> Updates:
        shown_as = [Card(uri, f"picture {place}; take it away") for place, uri in enumerate(uris, 1)]
        line = Markup('<p class="quiet">Click one to take it away.</p>') if uris else ""
        return {given: uris, pictures: as_cards(shown_as, label="pictures of the word") + line}

    async def taught(
        text: str, known: str, uris: list[str], share: float, many: int, turned: bool, of: str, request: gr.Request
    ) -> AsyncGenerator[Updates, None]:
        yield {go: gr.update(visible=False), halt: gr.update(visible=True), sheet: ""}
        try:
            rooms.check_may_change(request)
            imaginer = rooms.service.imaginer(of)
            name = imaginer.name.removesuffix(ENDING) + ENDING
            out, shows = rooms.trainings.beside(name), [picture_in(uri) for uri in uris]
            work = partial(
                teach, imaginer, text.strip(), shows, out, like=known.strip(), strength=share, mirror=turned,
                pictures_seen=int(many),
            )  # fmt: skip
            done: list[Taught] = []
            yield {status: progress("it waits for its turn", "teaching")}
            async with aclosing(working.lines(lambda log: work(log=log), done, request.session_hash)) as lines:
                async for line in lines:
                    yield {status: progress(line, "teaching")}
            await asyncio.to_thread(lambda: rooms.service.add(name, load(out)))
            yield {
                status: _about(done[0], name), sheet: _sheet(done[0]), **choice.made(name, of), **listed(name),
                **held([]),
            }  # fmt: skip
        except Stopped:
            yield {status: said("stopped; the model is what it was")}
        except MindseyeError as error:
            yield {status: refused(error)}
        yield {go: gr.update(visible=True), halt: gr.update(visible=False)}

    async def taken_back(text: str, of: str, request: gr.Request) -> Updates:
        try:
            rooms.check_may_change(request)
            imaginer = rooms.service.imaginer(of)
            unteach(imaginer, text or "")
            await asyncio.to_thread(lambda: rooms.service.add(of, load(imaginer.path)))
        except MindseyeError as error:
            return {status: refused(error)}
        return {status: said(f"{text} is taken back; {of} draws as before it was taught"), sheet: "", **listed(of)}

    async def recognised(value: str, of: str) -> AsyncIterator[Updates]:
        if not value:
            yield {answer: ""}
            return
        try:
            data, imaginer = picture_in(value), rooms.service.imaginer(of)
            yield {answer: said("looking")}
            found = await asyncio.wrap_future(rooms.library.look(partial(_recognised, rooms, imaginer, data)))
            yield {answer: filled("recognised.html", found=found)}
        except MindseyeError as error:
            yield {answer: refused(error)}

    lists: list[Any] = [words, which, taking]
    holds: list[Any] = [status, given, pictures]
    added.given(add, [added, given], [*holds, added], **QUICK)
    pictures.pick(take_away, given, holds, **QUICK)
    go.click(
        taught, [word, like, given, strength, seen, mirror, model],
        [go, halt, status, sheet, given, pictures, *lists, *choice.parts], show_progress="hidden",
    )  # fmt: skip
    halt.click(working.stop, None, None, **QUICK)
    back.click(taken_back, [which, model], [status, sheet, *lists], show_progress="hidden")
    asked.given(recognised, [asked, model], answer, show_progress="hidden")
    model.change(listed, model, lists, **QUICK)
    return TeachPage(listed, lists)


def _words(imaginer: Imaginer) -> tuple[list[str], Markup]:
    """The taught words of a model, and the list to read."""
    records = [edit.record for edit in edits(imaginer) if edit.lesson] if imaginer.about else []
    rows = [
        {"word": word, "stands_in": stands_in, "settings": record.settings, "strength": record.settings[STRENGTH]}
        for record in records
        for word, stands_in in record.pairs
    ]
    return [record.name for record in records], filled("taught.html", model=imaginer.name, rows=rows)


def _about(done: Taught, name: str) -> Markup:
    record = done.edit.record
    [(word, stands_in)] = record.pairs
    lines = [
        f"{name} knows {word} now, and is chosen above; it began with what “{stands_in}” says, and took"
        f" {max(1, round(record.seconds))} s",
        f"it lies beside the runs; another time, name its folder: mindseye studio {done.model.parent.name}/{name}",
    ]
    return Markup("").join(map(said, lines))


def _sheet(done: Taught) -> Markup:
    if done.sheet is None:
        return Markup()
    return filled("picture.html", uri=png_of(done.sheet), title=f"{done.edit.record.name}: shown, and drawn")


def _recognised(rooms: Rooms, imaginer: Imaginer, data: bytes) -> Recognised:
    of = imaginer.about.collection if imaginer.about else None
    collection = rooms.library.collections.get(of.name) if of else None
    if collection is not None and of is not None and collection.fingerprint != of.fingerprint:
        collection = None
    return recognise(imaginer, data, collection=collection, taught_only=collection is None)
