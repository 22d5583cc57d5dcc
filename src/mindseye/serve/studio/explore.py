"""The page to look into a model: sliders for what is in its codes, and the picture that they make, drawn anew at every
move; walks from one picture to another; the stages of one that draws in stages."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr
import numpy as np
from gradio.components import Component
from jaxtyping import Float
from markupsafe import Markup

from mindseye.errors import BadInput, MindseyeError
from mindseye.imagine.imaginer import Imaginer
from mindseye.imagine.request import Request
from mindseye.randomness import SEED_LIMIT
from mindseye.report.explore import ACTIVE_NATS, as_seen, ranked, told_nats
from mindseye.report.html import data_uri
from mindseye.serve.studio.form import Updates
from mindseye.serve.studio.parts import drop, picture_in, shown
from mindseye.serve.studio.rooms import QUICK, Rooms, filled, refused, said
from mindseye.serve.studio.stages import stages_part
from mindseye.serve.studio.walk import walk_part

MOST = 8  # sliders
FARTHEST = 3.0  # standard deviations from the mean: 1 picture in 400 lies beyond it, along one dimension

Code = Float[np.ndarray, "code"]
Place = Callable[[Imaginer, str], tuple[Code, str]]  # where sliders begin, and what is said of it


@dataclass(frozen=True)
class Start:
    """Where the sliders of a page begin.

    Attributes:
        model: by its name.
        prompt: what all pictures show; "" where that is left open.
        code: the picture that is begun at.
        said: what that picture is, for people.
        nats: of the dimensions that have a slider, by their numbers: how much each says of a picture.
    """

    model: str
    prompt: str
    code: Code
    said: str
    nats: dict[int, float]

    def home(self, dimension: int) -> float:
        """Where a dimension's slider stands in the beginning."""
        return round(float(np.clip(self.code[dimension], -FARTHEST, FARTHEST)), 2)

    def moved(self, values: Sequence[float]) -> Code:
        """The code at these values of the sliders; a dimension whose slider stands where it began is as it was."""
        code = self.code.copy()
        for dimension, value in zip(self.nats, values, strict=False):
            if value != self.home(dimension):
                code[dimension] = value
        return code


@dataclass(frozen=True)
class ExplorePage:
    """Handles of the page.

    Attributes:
        opened: what a model, by its name, offers, its sliders for words, as updates.
        asks: what these are.
        parts: what they change.
    """

    opened: Callable[[str, str], Coroutine[Any, Any, Updates]]
    asks: list[Component]
    parts: list[Any]


def explore_page(rooms: Rooms, model: gr.Dropdown) -> ExplorePage:
    """Builds the page."""
    with gr.Row(elem_classes="work", visible=False) as work:
        with gr.Column(scale=1, min_width=260, elem_classes="settings"):
            sliders = [gr.Slider(-FARTHEST, FARTHEST, 0, step=0.01, visible=False, buttons=[]) for _ in range(MOST)]
            words = gr.Textbox(
                label="What all of them show", placeholder="left open", max_lines=1, max_length=2000,
                info="Enter begins anew with these words",
            )  # fmt: skip
            seed = gr.Number(0, label="Seed", precision=0, minimum=0, maximum=SEED_LIMIT - 1)
            by_seed = gr.Button("Begin at this seed")
            picture = drop("Begin at a picture")
        with gr.Column(scale=3, min_width=300, elem_classes="gallery"):
            status, drawn = shown(), shown()
            with gr.Row(elem_classes="acts"):
                back = gr.Button("Back to the start", size="sm")
                chance = gr.Button("By chance", size="sm")
                mean = gr.Button("Mean of all", size="sm")
    start = gr.State(None)
    others = [walk_part(rooms, model), stages_part(rooms, model)]
    nothing = shown()  # below what a model without sliders can do

    async def begun_at(place: Place, name: str, text: str) -> Updates:
        try:
            imaginer = rooms.service.imaginer(name)
            if not imaginer.abilities.codes:
                return {work: gr.update(visible=False), nothing: _none(rooms, imaginer), start: None}
            one = await asyncio.to_thread(_begin, imaginer, (text or "").strip(), place)
            uri = await asyncio.to_thread(_drawn, imaginer, one, ())
        except MindseyeError as error:
            return {work: gr.update(visible=True), nothing: "", status: refused(error)}
        return {
            work: gr.update(visible=True),
            nothing: "",
            status: _unknown(imaginer, one.prompt),
            start: one,
            drawn: filled("explored.html", uri=uri, said=one.said),
            **at_home(one),
        }

    def at_home(one: Start) -> Updates:
        dimensions = [*one.nats, *[None] * MOST][:MOST]
        return {
            slider: gr.update(visible=False)
            if dimension is None
            else gr.update(
                visible=True, value=one.home(dimension), label=f"Dimension {dimension}",
                info=f"says {one.nats[dimension]:.2f} nats of a picture",
            )
            for slider, dimension in zip(sliders, dimensions, strict=True)
        }  # fmt: skip

    async def begun(name: str, text: str) -> Updates:
        return await begun_at(_at_the_mean, name, text)

    async def opened(name: str, text: str) -> Updates:
        imaginer = rooms.service.imaginer(name)
        offered = {part: update for other in others for part, update in other.fitted(imaginer).items()}
        return {**await begun(name, text), **offered}

    async def at_seed(number: float | None, name: str, text: str) -> Updates:
        return await begun_at(_at_seed(int(number or 0)), name, text)

    async def by_chance(name: str, text: str) -> Updates:
        number = secrets.randbelow(SEED_LIMIT)
        return {**await begun_at(_at_seed(number), name, text), seed: number}

    async def at_picture(value: str, name: str, text: str) -> Updates:
        return await begun_at(_at_picture(value) if value else _at_the_mean, name, text)

    async def moved(one: Start | None, *values: float) -> Updates:
        try:
            if one is None:
                raise BadInput("there is nothing to move", next_step="choose a model that has sliders")
            uri = await asyncio.to_thread(_drawn, rooms.service.imaginer(one.model), one, values)
        except MindseyeError as error:
            return {status: refused(error)}
        return {drawn: filled("explored.html", uri=uri, said=f"moved from {one.said}")}

    async def set_back(one: Start | None) -> Updates:
        if one is None:
            return {drawn: gr.update()}
        uri = await asyncio.to_thread(_drawn, rooms.service.imaginer(one.model), one, ())
        return {drawn: filled("explored.html", uri=uri, said=one.said), **at_home(one)}

    asks: list[Component] = [model, words]
    shows: list[Any] = [work, nothing, status, start, drawn, *sliders]
    gr.on(
        [each.input for each in sliders], moved, [start, *sliders], [drawn, status], trigger_mode="always_last", **QUICK
    )
    everything = [*shows, *(part for other in others for part in other.parts)]
    gr.on([words.submit, mean.click], begun, asks, shows, **QUICK)
    model.change(opened, asks, everything, **QUICK)
    gr.on([by_seed.click, seed.submit], at_seed, [seed, *asks], shows, **QUICK)
    chance.click(by_chance, asks, [*shows, seed], **QUICK)
    picture.given(at_picture, [picture, *asks], shows, **QUICK)
    back.click(set_back, start, [drawn, *sliders], **QUICK)
    return ExplorePage(opened, asks, everything)


def _begin(imaginer: Imaginer, prompt: str, place: Place) -> Start:
    nats = told_nats(imaginer, prompt)
    active = [dimension for dimension in ranked(nats) if nats[dimension] >= ACTIVE_NATS]
    if not active:
        raise BadInput(
            f"nothing can be moved in the codes of {imaginer.name}",
            why=f"each of the {len(nats)} dimensions says less than {ACTIVE_NATS} nats of a picture",
            next_step="train it longer, or with a lower beta",
        )
    code, what = place(imaginer, prompt)
    return Start(imaginer.name, prompt, code, what, {number: float(nats[number]) for number in active[:MOST]})


def _at_the_mean(imaginer: Imaginer, prompt: str) -> tuple[Code, str]:
    return np.zeros(len(told_nats(imaginer, prompt)), np.float32), "the mean of all codes"


def _at_seed(seed: int) -> Place:
    def place(imaginer: Imaginer, prompt: str) -> tuple[Code, str]:
        [picture] = imaginer.imagine(Request.of(prompt=prompt, seed=seed))
        return imaginer.encode(picture.pixels[None], prompt)[0], f"the code of the picture of seed {seed}"

    return place


def _at_picture(value: str) -> Place:
    def place(imaginer: Imaginer, prompt: str) -> tuple[Code, str]:
        pixels = as_seen(picture_in(value), imaginer)
        return imaginer.encode(pixels[None], prompt)[0], "the code of your picture"

    return place


def _drawn(imaginer: Imaginer, start: Start, values: Sequence[float]) -> str:
    return data_uri(imaginer.decode(start.moved(values)[None], start.prompt)[0], imaginer.size)


def _unknown(imaginer: Imaginer, prompt: str) -> Markup:
    unknown = imaginer.unknown_words(prompt)
    return said(f"{imaginer.name} has never seen {', '.join(unknown)} in a caption" if unknown else "")


def _none(rooms: Rooms, imaginer: Imaginer) -> Markup:
    able = [name for name, each in rooms.service.imaginers.items() if each.abilities.codes]
    return filled(
        "nothing.html",
        title=f"{imaginer.name} has no sliders",
        text=f"It is of the kind {imaginer.kind}, whose pictures have no codes. "
        + (
            f"Above, choose {' or '.join(able)}."
            if able
            else "A model of the family vae has them: train one, and open it."
        ),
    )
