"""A request under way, as what a page shows of it: cards that fill, and a line that says how far it is."""

from __future__ import annotations

import asyncio
import base64
import time
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field, replace

from mindseye.imagine.picture import Picture
from mindseye.pictures.story import Story, png_bytes
from mindseye.serve.asked import Accepted, Asked, Drawn, Finished, News, Partial
from mindseye.serve.http.images import Inbox
from mindseye.serve.service import Service

PARTIALS = 6  # unfinished pictures on the way


@dataclass(frozen=True)
class Kept:
    """A picture as a page keeps it.

    Attributes:
        png: the file, with its story inside unless the server leaves it out.
        story: how it was made.
        asked: what draws it again: model, words, settings, its seed, and the picture and mask that it went on from.
        notes: what a person should know before trusting it.
    """

    png: bytes
    story: Story
    asked: Asked
    notes: tuple[str, ...] = ()

    @property
    def uri(self) -> str:
        return png_uri(self.png)


@dataclass
class Sheet:
    """Pictures as they come.

    Attributes:
        places: a data URI each; "" where there is none yet.
        done: how many are finished.
        share: of the whole way, 0 to 1.
        seconds_left: by the model's time of late; None before anything is known.
        kept: the finished ones, in the order of their places.
    """

    places: list[str]
    done: int = 0
    share: float = 0.0
    seconds_left: float | None = None
    kept: list[Kept] = field(default_factory=list)


def png_uri(png: bytes) -> str:
    """A PNG inside a page."""
    return f"data:image/png;base64,{base64.b64encode(png).decode()}"


async def drawing(service: Service, asked: Asked, stop: asyncio.Event, *, story: bool) -> AsyncGenerator[Sheet, None]:
    """Draws, and gives the sheet each time there is more to see; whoever stops listening stops the drawing.

    Args:
        service: draws.
        asked: what.
        stop: set when somebody has seen enough; what is finished by then stays.
        story: whether PNGs say how they were made.

    Raises:
        MindseyeError: it cannot be drawn.
    """
    began = time.monotonic()
    inbox = Inbox(service, asked)
    try:
        accepted = await inbox.next()
        assert isinstance(accepted, Accepted)
        sheet = Sheet([""] * len(asked.seeds))
        shown = [0.0] * len(asked.seeds)
        finished: dict[int, Kept] = {}
        yield sheet
        while not isinstance(news := await _next(inbox, stop), Finished):
            if isinstance(news, Partial):
                sheet.places[news.place] = png_uri(await asyncio.to_thread(png_bytes, news.picture.image, None))
                shown[news.place] = (news.number + 1) / (asked.partials + 1)
            elif isinstance(news, Drawn):
                finished[news.place] = await asyncio.to_thread(kept, news.picture, asked, accepted.notes, story)
                sheet.places[news.place] = finished[news.place].uri
                shown[news.place] = 1.0
            sheet.done = len(finished)
            sheet.share = sum(shown) / len(shown)
            took = time.monotonic() - began
            sheet.seconds_left = took / sheet.share - took if sheet.share else None
            sheet.kept = [finished[place] for place in sorted(finished)]
            yield sheet
    finally:
        inbox.leave()


async def _next(inbox: Inbox, stop: asyncio.Event) -> News:
    """The next news; that all is done when somebody has seen enough."""
    news, stopped = asyncio.ensure_future(inbox.next()), asyncio.ensure_future(stop.wait())
    try:
        await asyncio.wait((news, stopped), return_when=asyncio.FIRST_COMPLETED)
        return news.result() if news.done() else Finished()
    finally:
        news.cancel()
        stopped.cancel()


def kept(picture: Picture, asked: Asked, notes: tuple[str, ...], story: bool) -> Kept:
    """A finished picture as a page keeps it."""
    png = png_bytes(picture.image, picture.story if story else None)
    return Kept(png, picture.story, replace(asked, seeds=(picture.story.seed,), candidates=1), notes)
