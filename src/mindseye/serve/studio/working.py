"""Work that takes minutes: what it says of itself comes to the page meanwhile, and it can be stopped."""

from __future__ import annotations

import asyncio
import re
import threading
from collections.abc import AsyncGenerator, Callable
from functools import partial
from typing import Any

import gradio as gr
from markupsafe import Markup

from mindseye.serve.library import Library
from mindseye.serve.studio.rooms import filled

SO_FAR = re.compile(r"([\d,]+) of ([\d,]+)")

Log = Callable[[str], None]


class Stopped(Exception):
    """Somebody asked the work to stop."""


class Working:
    """One piece of work of a page at a time, in the thread in which pictures are looked at."""

    def __init__(self, library: Library) -> None:
        self._library = library
        self._stops: dict[str, threading.Event] = {}

    async def lines(
        self, work: Callable[[Log], Any], answer: list[Any], session: str | None
    ) -> AsyncGenerator[str, None]:
        """Does the work and yields what it says; in the end its answer is in `answer`.

        Whoever stops listening stops the work, at the next line that it would say.

        Raises:
            Stopped: it was stopped.
            MindseyeError: whatever the work raises.
        """
        loop, stop = asyncio.get_running_loop(), threading.Event()
        news: asyncio.Queue[str | None] = asyncio.Queue()

        def log(line: str) -> None:
            if stop.is_set():
                raise Stopped
            loop.call_soon_threadsafe(news.put_nowait, line)

        self._stops[session or ""] = stop
        try:
            future = self._library.look(partial(work, log))
            future.add_done_callback(lambda _: loop.call_soon_threadsafe(news.put_nowait, None))
            while (line := await news.get()) is not None:
                yield line
            answer.append(future.result())
        finally:
            stop.set()
            self._stops.pop(session or "", None)

    def stop(self, request: gr.Request) -> None:
        """Stops what this page is at."""
        if event := self._stops.get(request.session_hash or ""):
            event.set()


def progress(line: str, label: str) -> Markup:
    """How far a piece of work is, by what it says of itself.

    Args:
        line: "saw 80 of 800 pictures" fills a tenth of the bar; one without such numbers says only that it goes on.
        label: what the bar is of, for those who do not see it.
    """
    so_far = SO_FAR.search(line)
    done, whole = (int(number.replace(",", "")) for number in so_far.groups()) if so_far else (0, 0)
    return filled("working.html", share=min(1.0, done / whole) if whole else None, words=line, label=label)
