"""The picture that is picked: its story, and buttons for what can be done with it."""

from __future__ import annotations

import secrets
import shlex
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace

import gradio as gr
from gradio.components import Component
from markupsafe import Markup

from mindseye.errors import BadInput
from mindseye.imagine.imaginer import Imaginer
from mindseye.randomness import SEED_LIMIT
from mindseye.serve.asked import Asked
from mindseye.serve.studio.drawing import Kept
from mindseye.serve.studio.form import OWN, Form, Updates
from mindseye.serve.studio.parts import place_of, shown
from mindseye.serve.studio.rooms import DRAWING, QUICK, Rooms, filled
from mindseye.serve.studio.sheets import Sheets

STRENGTH = 0.6  # of a variation
VARIATIONS = 4


class Bar:
    """The part of a page that shows the picture which is picked among its sheets.

    Args:
        rooms: what is behind it.
        sheets: the pictures.
        name: of the part, for style sheets.
        complete: what the button to complete it says.

    Attributes:
        one: the picture as it is kept; None before one is picked.
        complete, judge, search: buttons that send it elsewhere.
    """

    def __init__(self, rooms: Rooms, sheets: Sheets, *, name: str, complete: str = "Complete") -> None:
        self._rooms, self._sheets = rooms, sheets
        self.one = gr.State(None)
        with gr.Column(visible=False, elem_id=name, elem_classes="picked") as self._whole:
            self._story = shown()
            with gr.Row(elem_classes="acts"):
                self._again = gr.Button("Make again", size="sm")
                self._vary = gr.Button("Vary", size="sm")
                self.complete = gr.Button(complete, size="sm")
                self.judge = gr.Button("Judge", size="sm")
                self.search = gr.Button("Find alike", size="sm", visible=bool(rooms.library.collections))
                self._use = gr.Button("Use settings", size="sm")
                self._close = gr.Button("Close", size="sm")

    def wire(self, fields: Form, model: gr.Dropdown) -> None:
        """Lets its buttons do what they say, those that stay on its page.

        Args:
            fields: of the page.
            model: the name of the model that is chosen.
        """
        rooms, sheets = self._rooms, self._sheets

        async def again(one: Kept, before: list[Kept], request: gr.Request) -> AsyncGenerator[Updates, None]:
            imaginer = rooms.service.imaginer(one.asked.model)
            updates = sheets.draw(lambda: asked_again(one, imaginer), before, request.session_hash)
            async with aclosing(updates):
                async for update in updates:
                    yield update

        async def vary(one: Kept, before: list[Kept], request: gr.Request) -> AsyncGenerator[Updates, None]:
            count = min(VARIATIONS, rooms.limits.pictures)
            updates = sheets.draw(lambda: variations(one, count), before, request.session_hash)
            async with aclosing(updates):
                async for update in updates:
                    yield update

        def pick(event: gr.EventData, kept: list[Kept], name: str) -> Updates:
            one = kept[place_of(event, kept)]
            return {
                self.one: one,
                self._whole: gr.update(visible=True),
                self._story: told(one),
                self._vary: gr.update(visible=rooms.service.imaginer(one.asked.model).abilities.vary),
                self.complete: gr.update(visible=rooms.service.imaginer(name).abilities.complete),
            }

        def use(one: Kept) -> Updates:
            imaginer = rooms.service.imaginer(one.asked.model)
            return {model: imaginer.name, **fields.told(one.story.model_dump(exclude_none=True), imaginer)}

        shows: list[Component] = [self.one, self._whole, self._story, self._vary, self.complete]
        self._again.click(again, [self.one, sheets.kept], sheets.parts, **DRAWING)
        self._vary.click(vary, [self.one, sheets.kept], sheets.parts, **DRAWING)
        self._use.click(use, self.one, [model, *fields.parts], **QUICK)
        self._close.click(lambda: gr.update(visible=False), None, self._whole, **QUICK)
        for each in (sheets.now, sheets.earlier):
            each.pick(pick, [sheets.kept, model], shows, **QUICK)


def asked_again(one: Kept, imaginer: Imaginer) -> Asked:
    """What draws this very picture.

    Args:
        imaginer: the model of that name as it is now.

    Raises:
        BadInput: it, or a correction, is another one by now.
    """
    then, what = one.story, ""
    if imaginer.sha256 != then.model_sha256:
        what = imaginer.name
    elif gone := set(then.edits) - {edit.label for edit in imaginer.edited(one.asked.request.edits).edits}:
        what = f"the correction {min(gone).partition('@')[0]}"
    if what:
        raise BadInput(
            "this very picture cannot be drawn any more",
            why=f"{what} has changed since",
            next_step="use its settings, which draw another one",
        )
    return one.asked


def variations(one: Kept, count: int) -> Asked:
    """What draws pictures like this one, as it was drawn itself."""
    given = {"picture": one.png, "strength": STRENGTH, "keep": None, "mask": None}
    seeds = tuple(secrets.randbelow(SEED_LIMIT) for _ in range(count))
    return replace(one.asked, request=one.asked.request.model_copy(update=given), seeds=seeds)


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
