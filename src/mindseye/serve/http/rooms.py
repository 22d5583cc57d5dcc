"""`/api`: search, judging, collections and trainings, on the same public functions as the command line."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from functools import partial
from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from mindseye.errors import BadInput
from mindseye.imagine.families import NAMES
from mindseye.pictures.opener import open_picture
from mindseye.report.judging import judge
from mindseye.serve.http.bodies import decoded, described, read_json
from mindseye.serve.http.errors import json_response
from mindseye.serve.http.waiting import unless_gone
from mindseye.serve.library import Answer, Library
from mindseye.serve.service import Service
from mindseye.serve.trainings import Trainings
from mindseye.train.run import RunFolder

TICK_SECONDS = 0.5  # between looks at a run's events


class Search(BaseModel):
    """What to look for: words, or a picture."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    collection: str = Field(max_length=200, description="one of /api/collections")
    words: str | None = Field(None, max_length=2000, description="what the pictures should show")
    picture: str | None = Field(None, description="or a picture that they should look like, as base64")
    count: int = Field(12, ge=1, le=100, description="pictures, at most")


class Judging(BaseModel):
    """A picture to judge."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    picture: str = Field(description="as base64")
    prompt: str | None = Field(None, max_length=2000, description="what it should show; its own story's unless given")
    model: str | None = Field(None, max_length=200, description="whose thinker judges; the first model's unless given")
    nearest: int = Field(0, ge=0, le=20, description="training pictures to look for; the first time takes minutes")


class NewRun(BaseModel):
    """A training to start, or to go on with."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    name: str = Field(max_length=255, description="small letters, digits, - and _, up to 64; or one of /api/runs")
    family: str | None = Field(
        None,
        max_length=64,
        description=f"one of {', '.join(NAMES)}; diffusion, or the run's own, unless given",
    )
    collection: str | None = Field(
        None, max_length=200, description="one of /api/collections; the run's own unless given"
    )
    minutes: float | None = Field(None, gt=0, le=100_000, description="for how long; a run that goes on has its own")
    settings: dict[str, str | int | float | bool] = Field(default_factory=dict, description="as for train --set")


def routes(service: Service, library: Library, trainings: Trainings) -> APIRouter:
    """The endpoints."""
    router = APIRouter(prefix="/api", tags=["rooms"])

    @router.get("/collections")
    async def collections() -> dict[str, Any]:
        """What can be searched and trained on."""
        return {"collections": [_about(name, library) for name in library.collections]}

    @router.post("/search", openapi_extra=described(Search))
    async def search(request: Request) -> Response:
        """The pictures of a collection that fit words, or look like a picture."""
        said = await read_json(request, Search, service.limits)
        if (said.words is None) == (said.picture is None):
            raise BadInput("give one of words and picture", field="words")
        searcher = await asyncio.to_thread(library.searcher, said.collection)
        if said.picture is None:
            look = partial(searcher.by_words, said.words or "", said.count)
        else:
            data = decoded(said.picture, "picture", service.limits.picture_bytes)
            image = await _looked(request, partial(open_picture, data, name="the picture"))
            look = partial(searcher.by_picture, image, said.count)
        return json_response((await _looked(request, look)).as_json())

    @router.post("/judge", openapi_extra=described(Judging))
    async def judged(request: Request) -> Response:
        """Real or imagined, what it shows, and does it fit its prompt."""
        said = await read_json(request, Judging, service.limits)
        imaginer = service.imaginer(said.model)
        thinker = await asyncio.to_thread(service.thinker, imaginer.name)
        data = decoded(said.picture, "picture", service.limits.picture_bytes)
        among = library.trained_on(imaginer)
        look = partial(
            judge, data, prompt=said.prompt, model=imaginer, thinker=thinker, collection=among, nearest=said.nearest
        )
        return json_response(await _looked(request, look))

    @router.get("/runs")
    async def runs() -> dict[str, Any]:
        """Every training, its state and how far it is."""
        return {"runs": [await asyncio.to_thread(trainings.facts, name) for name in trainings.names()]}

    @router.post("/runs", status_code=201, openapi_extra=described(NewRun))
    async def start(request: Request) -> Response:
        """Starts a training, or goes on with one that was stopped."""
        said = await read_json(request, NewRun, service.limits)
        await asyncio.to_thread(trainings.start, said.name, said.family, said.collection, said.minutes, said.settings)
        return json_response({"run": said.name}, 201)

    @router.get("/runs/{name}")
    async def run(name: str) -> Response:
        """One training: its stages with time and data, and the curve of its loss."""
        return json_response(await asyncio.to_thread(trainings.facts, name))

    @router.post("/runs/{name}/stop")
    async def stop(name: str) -> Response:
        """Asks a training to save and stop."""
        await asyncio.to_thread(trainings.stop, name)
        return json_response({"run": name, "asked": "to save and stop"})

    @router.get("/runs/{name}/events", response_class=StreamingResponse)
    async def events(request: Request, name: str) -> StreamingResponse:
        """A training as it goes: its events so far, then each as it comes, until it ends. Goes on after
        `Last-Event-ID`."""
        trainings.run(name)
        last = request.headers.get("last-event-id", "")
        seen = int(last) + 1 if last.isdecimal() and len(last) < 10 else 0
        return StreamingResponse(_followed(trainings, name, seen), media_type="text/event-stream")

    async def _looked(request: Request, at: Callable[[], Answer]) -> Answer:
        """What is seen when it is its turn; who leaves, or waits too long, loses it."""
        turn = asyncio.wrap_future(library.look(at))
        return await unless_gone(request, turn, service.limits.request_seconds)

    return router


async def _followed(trainings: Trainings, name: str, seen: int) -> AsyncIterator[str]:
    while True:
        run = trainings.run(name)
        state, told = await asyncio.to_thread(_state_and_events, run)
        for number, each in list(enumerate(told))[seen:]:
            yield f"id: {number}\nevent: {each['event']}\ndata: {json.dumps(each)}\n\n"
        seen = max(seen, len(told))
        if state != "running":
            yield f"event: end\ndata: {json.dumps({'state': state})}\n\n"
            return
        await asyncio.sleep(TICK_SECONDS)


def _state_and_events(run: RunFolder) -> tuple[str, list[dict[str, Any]]]:
    state = run.state  # first, so that no event comes after the last look
    return state, run.events.read()


def _about(name: str, library: Library) -> dict[str, Any]:
    collection = library.collection(name)
    return {
        "id": name,
        "splits": {split: len(rows) for split, rows in collection.splits.items()},
        **{key: collection.info[key] for key in ("size_px", "transparent", "pixel_art") if key in collection.info},
    }
