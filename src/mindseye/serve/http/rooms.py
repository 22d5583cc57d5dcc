"""`/api`: search, judging, collections and trainings, on the same public functions as the command line."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from functools import partial
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from mindseye.errors import BadInput
from mindseye.pictures.opener import open_picture
from mindseye.report.judging import judge
from mindseye.serve.http import wire_rooms as wire
from mindseye.serve.http.bodies import decoded, described, read_json
from mindseye.serve.http.errors import json_response
from mindseye.serve.http.waiting import unless_gone
from mindseye.serve.library import Answer, Library
from mindseye.serve.service import Service
from mindseye.serve.trainings import Trainings
from mindseye.train.run import RunFolder

TICK_SECONDS = 0.5  # between looks at a run's events


def routes(service: Service, library: Library, trainings: Trainings) -> APIRouter:
    """The endpoints."""
    router = APIRouter(prefix="/api", tags=["rooms"])

    @router.get("/collections", responses=told(wire.Collections))
    async def collections() -> Response:
        """What can be searched and trained on."""
        return json_response({"collections": [_about(name, library) for name in library.collections]})

    @router.post("/search", responses=told(wire.Found), openapi_extra=described(wire.Search))
    async def search(request: Request) -> Response:
        """The pictures of a collection that fit words, or look like a picture."""
        said = await read_json(request, wire.Search, service.limits)
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

    @router.post("/judge", responses=told(wire.Verdict), openapi_extra=described(wire.Judging))
    async def judged(request: Request) -> Response:
        """Real or imagined, what it shows, and does it fit its prompt."""
        said = await read_json(request, wire.Judging, service.limits)
        imaginer = service.imaginer(said.model)
        thinker = await asyncio.to_thread(service.thinker, imaginer.name)
        data = decoded(said.picture, "picture", service.limits.picture_bytes)
        among = library.trained_on(imaginer)
        look = partial(
            judge, data, prompt=said.prompt, model=imaginer, thinker=thinker, collection=among, nearest=said.nearest
        )
        return json_response(await _looked(request, look))

    @router.get("/runs", responses=told(wire.Runs))
    async def runs() -> Response:
        """Every training, its state and how far it is."""
        return json_response({"runs": [await asyncio.to_thread(trainings.facts, name) for name in trainings.names()]})

    @router.post("/runs", status_code=201, responses=told(wire.Started, 201), openapi_extra=described(wire.NewRun))
    async def start(request: Request) -> Response:
        """Starts a training, or goes on with one that was stopped."""
        said = await read_json(request, wire.NewRun, service.limits)
        await asyncio.to_thread(trainings.start, said.name, said.family, said.collection, said.minutes, said.settings)
        return json_response({"run": said.name}, 201)

    @router.get("/runs/{name}", responses=told(wire.Run))
    async def run(name: str) -> Response:
        """One training: its stages with time and data, and the curve of its loss."""
        return json_response(await asyncio.to_thread(trainings.facts, name))

    @router.post("/runs/{name}/stop", responses=told(wire.Stopping))
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


def told(answer: type[wire.Told], status: int = 200) -> dict[int | str, dict[str, Any]]:
    """The answer's part in the OpenAPI document."""
    return {status: {"model": answer}}


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
