"""What every page stands on: the service, the library, the trainings; and who may change anything."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any

import gradio as gr
from markupsafe import Markup

from mindseye.errors import BadInput, MindseyeError
from mindseye.recall.search import Searcher
from mindseye.report.html import environment
from mindseye.serve.asked import Busy
from mindseye.serve.http.access import Access, credentials
from mindseye.serve.library import Library
from mindseye.serve.limits import Limits
from mindseye.serve.service import Service
from mindseye.serve.trainings import Trainings

TEMPLATES = environment("mindseye.serve.studio")
QUICK: dict[str, Any] = {"queue": False, "show_progress": "hidden"}  # of what is answered at once
DRAWING: dict[str, Any] = {"concurrency_limit": None, "show_progress": "hidden"}  # of what waits for the service


@dataclass(frozen=True)
class Rooms:
    """What is behind the pages.

    Attributes:
        service: draws.
        library: collections.
        trainings: the runs.
        access: who may do what.
        story: whether PNGs say how they were made.
    """

    service: Service
    library: Library
    trainings: Trainings
    access: Access
    story: bool = True

    @property
    def limits(self) -> Limits:
        return self.service.limits

    def check_may_change(self, request: gr.Request) -> None:
        """Whether whoever asks may train, correct and open models; guests draw and look.

        Raises:
            BadInput: it is a guest.
        """
        headers: Mapping[str, str] = {name.lower(): value for name, value in request.headers.items()}
        if self.access.is_guest(credentials(headers)):
            raise BadInput("a guest may not do this", next_step="sign in with the other token")


def filled(template: str, **values: Any) -> Markup:
    """A template with its values; what is not markup already is shown as it is written."""
    return Markup(TEMPLATES.get_template(template).render(values))  # noqa: S704 - the template has escaped its values


def said(text: str = "", why: str = "", next_step: str = "", *, kind: str = "note") -> Markup:
    """A line for people: a note, or what went wrong, why, and what to do next."""
    return filled("said.html", kind=kind, text=text, why=why, next_step=next_step)


def refused(error: MindseyeError) -> Markup:
    """An error for people."""
    return said(error.what, error.why, error.next_step, kind="refused")


def framed(html: str, title: str, *, save: str = "") -> Markup:
    """A report's page inside ours, where nothing of it can run.

    Args:
        html: the page.
        title: what it is, for those who do not see it.
        save: what its file is called when it is saved; "" where it can be had anew at once.
    """
    uri = f"data:text/html;base64,{base64.b64encode(html.encode()).decode()}" if save else ""
    return filled("framed.html", html=html, title=title, save=save, uri=uri)


async def ready(rooms: Rooms, collection: str) -> AsyncIterator[Searcher | None]:
    """What searches a collection, last; before it a None now and then, while it is made ready.

    Raises:
        MindseyeError: it cannot be searched.
    """
    while True:
        try:
            searcher = await asyncio.to_thread(rooms.library.searcher, collection)
        except Busy:
            yield None
            continue
        yield searcher
        return
