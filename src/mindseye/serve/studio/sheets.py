"""Where a page's pictures come to: being drawn, drawn just now, drawn earlier."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from typing import Any

import gradio as gr
from markupsafe import Markup

from mindseye.errors import MindseyeError
from mindseye.serve.asked import Asked, Lost
from mindseye.serve.studio.drawing import Kept, Sheet, drawing
from mindseye.serve.studio.form import Updates
from mindseye.serve.studio.parts import cards, kept_cards, shown
from mindseye.serve.studio.rooms import QUICK, Rooms, filled, refused, said

MOST_KEPT = 96  # pictures that a page remembers

log = logging.getLogger(__name__)


class Sheets:
    """The part of a page that pictures come to: being drawn, drawn just now, drawn earlier; and a button that stops.

    Args:
        rooms: what is behind it.
        go, halt: buttons that draw and that stop; one of them is to be seen at a time.
        nothing: what is said before there is a picture: a title, and what to do.

    Attributes:
        status: how far it is, or why not.
        now, earlier: cards.
        kept: what is drawn, newest first; the places of the cards are places in it.
        parts: what a drawing changes.
    """

    def __init__(self, rooms: Rooms, go: gr.Button, halt: gr.Button, nothing: tuple[str, str]) -> None:
        self._rooms, self._go, self._halt = rooms, go, halt
        self._stops: dict[str, asyncio.Event] = {}
        self.status, self.now, self.earlier = shown(), cards(), cards()
        self.now.value = filled("nothing.html", title=nothing[0], text=nothing[1])
        self.kept = gr.State([])
        self.parts: list[Any] = [go, halt, self.status, self.now, self.earlier, self.kept]
        halt.click(self.stop, None, None, **QUICK)

    async def draw(
        self, asked: Callable[[], Asked], before: Sequence[Kept], session: str | None
    ) -> AsyncGenerator[Updates, None]:
        """Draws, telling the parts meanwhile what to show."""
        stop = self._stops[session or ""] = asyncio.Event()
        sheet = Sheet([])
        try:
            yield {
                **self._drawing(True), self.status: progress(sheet), self.now: Markup(),
                self.earlier: _earlier(before, 0),
            }  # fmt: skip
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

    def _drawing(self, now: bool) -> Updates:
        return {self._go: gr.update(visible=not now), self._halt: gr.update(visible=now)}

    def _whole(self, new: Sequence[Kept], before: Sequence[Kept]) -> Updates:
        every = [*new, *before][:MOST_KEPT]
        return {
            **self._drawing(False),
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
