"""A part of the page to explore: what lies between two prompts, two seeds, or two pictures."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from functools import partial

import gradio as gr
import numpy as np
from jaxtyping import UInt8

from mindseye.errors import BadInput, MindseyeError
from mindseye.imagine.family import Abilities
from mindseye.imagine.imaginer import Imaginer
from mindseye.imagine.request import Request
from mindseye.randomness import SEED_LIMIT
from mindseye.report.explore import walk
from mindseye.report.html import data_uri
from mindseye.serve.studio.form import Updates
from mindseye.serve.studio.parts import Card, Part, drop, heading, in_order, picture_in, shown
from mindseye.serve.studio.rooms import Rooms, filled, refused
from mindseye.serve.studio.working import Log, Working, progress

LEAST, MOST = 2, 12  # pictures of a walk
NOWHERE = filled("nothing.html", title="Nothing walked yet", text="Say where from and where to.")


def walk_part(rooms: Rooms, model: gr.Dropdown) -> Part:
    """Builds it."""
    working = Working(rooms.library)
    with gr.Column(visible=False, elem_classes="part") as whole:
        heading("A walk", "Pictures on the way to other words, another seed or another picture.")
        with gr.Row(elem_classes="work"):
            with gr.Column(scale=1, min_width=260, elem_classes="settings"):
                begin = gr.Textbox(label="From words", placeholder="a smiling cat", max_lines=1, max_length=2000)
                end = gr.Textbox(label="To words", placeholder="the same", max_lines=1, max_length=2000)
                seed = gr.Number(0, label="From seed", precision=0, minimum=0, maximum=SEED_LIMIT - 1)
                to_seed = gr.Number(0, label="To seed", precision=0, minimum=0, maximum=SEED_LIMIT - 1)
                first, last = drop("From your picture"), drop("To your picture")
                count = gr.Slider(LEAST, MOST, value=8, step=1, label="Pictures of the walk", buttons=[])
                go = gr.Button("Walk", variant="primary")
            with gr.Column(scale=3, min_width=300, elem_classes="gallery"):
                status, strip = shown(), shown()
                strip.value = NOWHERE

    def fitted(imaginer: Imaginer) -> Updates:
        able = imaginer.abilities
        words, seeds = able.prompt and able.blend_prompts, able.blend
        return {
            whole: gr.update(visible=words or seeds or able.codes),
            begin: gr.update(visible=able.prompt),
            end: gr.update(visible=words),
            seed: gr.update(visible=words or seeds),
            to_seed: gr.update(visible=seeds),
            first: gr.update(visible=able.codes),
            last: gr.update(visible=able.codes),
            status: "",
            strip: NOWHERE,
        }

    async def walked(
        of: str,
        words: str,
        to_words: str,
        number: float | None,
        to_number: float | None,
        one: str,
        other: str,
        pictures: float,
        request: gr.Request,
    ) -> AsyncGenerator[Updates, None]:
        try:
            imaginer, many = rooms.service.imaginer(of), int(pictures)
            if not LEAST <= many <= MOST:
                raise BadInput(f"a walk cannot have {many} pictures", next_step=f"{LEAST} to {MOST}")
            if imaginer.abilities.codes and (one or other):
                way = partial(_through_codes, imaginer, picture_in(one, "from"), picture_in(other, "to"), words, many)
            else:
                ends = _ends(imaginer.abilities, words, to_words, number, to_number)
                way = partial(_through_requests, imaginer, *ends, many)
            yield {status: progress("it waits for its turn", "walking"), strip: ""}
            done: list[list[Card]] = []
            async with aclosing(working.lines(way, done, request.session_hash)) as lines:
                async for line in lines:
                    yield {status: progress(line, "walking")}
            yield {status: "", strip: in_order(done[0], label="the walk")}
        except MindseyeError as error:
            yield {status: refused(error)}

    asks = [begin, end, seed, to_seed, first, last, count]
    gr.on(
        [go.click, begin.submit, end.submit], walked, [model, *asks], [status, strip],
        show_progress="hidden", concurrency_limit=None,
    )  # fmt: skip
    return Part(fitted, [whole, *asks[:-1], status, strip])


def _ends(
    able: Abilities, words: str, to_words: str, seed: float | None, to_seed: float | None
) -> tuple[Request, Request]:
    """What the first and the last picture are asked for. A field that the model does not have is not on the page, but
    may still hold what was written there for another model.

    Raises:
        BadInput: they are the same.
    """
    here = Request.of(prompt=words or "", seed=int(seed or 0))
    there = Request.of(
        prompt=(able.blend_prompts and to_words) or here.prompt,
        seed=int(to_seed or 0) if able.blend else here.seed,
    )
    if here == there:
        raise BadInput("it would stay where it is", next_step="say where to: other words, or another seed")
    return here, there


def _through_requests(imaginer: Imaginer, begin: Request, end: Request, count: int, log: Log) -> list[Card]:
    pictures = imaginer.between(
        begin, end, count, lambda now: log(f"step {now.step} of {now.steps} of all {count} pictures")
    )
    return _shares(pictures)


def _through_codes(imaginer: Imaginer, start: bytes, end: bytes, prompt: str, count: int, log: Log) -> list[Card]:
    gone = walk(imaginer, start, end, prompt=(prompt or "").strip(), steps=count)
    given = [data_uri(pixels) for pixels in gone.ends]
    return [
        Card(given[0], "your picture to walk from", "from"), *_shares(gone.pictures),
        Card(given[1], "your picture to walk to", "to"),
    ]  # fmt: skip


def _shares(pictures: UInt8[np.ndarray, "step h w c"]) -> list[Card]:
    """Each picture of a walk, and how far on the way it is."""
    shares = [f"{place / (len(pictures) - 1):.0%}" for place in range(len(pictures))]
    uris = map(data_uri, pictures)
    return [Card(uri, f"{share} of the way", share) for uri, share in zip(uris, shares, strict=True)]
