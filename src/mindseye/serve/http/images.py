"""`/v1/images/generations`, `/v1/images/edits` and `/v1/models`: what clients of the OpenAI API already speak."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from mindseye.errors import BadInput, MindseyeError
from mindseye.imagine.imaginer import Imaginer
from mindseye.learn.folder import ABOUT, THINKER, vocabulary
from mindseye.pictures.opener import open_picture
from mindseye.serve.asked import Accepted, Asked, Drawn, Failed, Finished, News, Partial
from mindseye.serve.http import wire
from mindseye.serve.http.asking import DEFAULT_STRENGTH, Look, asked, look
from mindseye.serve.http.bodies import described, read_form, read_json
from mindseye.serve.http.errors import IMAGES_NAMES, json_response, refusal
from mindseye.serve.http.uploads import Uploads
from mindseye.serve.http.waiting import unless_gone
from mindseye.serve.service import Service
from mindseye.serve.ticket import Ticket

EDIT_FILES = {"image": {"type": "string", "format": "binary"}, "mask": {"type": "string", "format": "binary"}}

EVENT = {  # `data` is JSON, as in OpenAI's streams
    "type": "object",
    "properties": {"event": {"type": "string"}, "data": {"type": "string"}},
    "required": ["event", "data"],
}
STREAMS: dict[int | str, dict[str, Any]] = {  # with `stream` the answer is events
    200: {"content": {"text/event-stream": {"schema": EVENT}}}
}


class Inbox:
    """A request's news, brought from the workers' threads to the event loop.

    Attributes:
        ticket: of the request.
    """

    def __init__(self, service: Service, what: Asked) -> None:
        self._service = service
        self._loop = asyncio.get_running_loop()
        self._news: asyncio.Queue[News] = asyncio.Queue()
        self.ticket: Ticket = service.submit(what, self._bring)

    def _bring(self, news: News) -> None:
        with contextlib.suppress(RuntimeError):  # the loop has ended, and nobody waits any more
            self._loop.call_soon_threadsafe(self._news.put_nowait, news)

    async def next(self) -> News:
        """The next news.

        Raises:
            MindseyeError: the request failed.
        """
        news = await self._news.get()
        if isinstance(news, Failed):
            raise news.error
        return news

    def leave(self) -> None:
        """Nobody waits any more; nothing happens where all is done."""
        self._service.cancel(self.ticket)


def routes(service: Service, uploads: Uploads, *, story: bool) -> APIRouter:
    """The endpoints.

    Args:
        service: draws.
        uploads: what comes in at a time.
        story: whether PNGs say how they were made.
    """
    router = APIRouter(prefix="/v1", tags=["OpenAI images API"])

    @router.post(
        "/images/generations", response_model=wire.Images, responses=STREAMS, openapi_extra=described(wire.Generation)
    )
    async def generate(request: Request) -> Response:
        """Pictures from words."""
        said = await read_json(request, wire.Generation, service.limits)
        imaginer = service.imaginer(said.model)
        how = look(said, imaginer, service.limits, story)
        return await _answer(request, asked(said, imaginer), said, how, "image_generation")

    @router.post("/images/edits", response_model=wire.Images, responses=STREAMS, openapi_extra=_described_edit())
    async def edit(request: Request) -> Response:
        """Pictures from a picture: drawn anew where the mask is transparent, or, without one, varied."""
        async with uploads.turn():
            fields, files = await read_form(request)
        said = wire.read(wire.Edit, fields, strict=False)
        imaginer = service.imaginer(said.model)
        how = look(said, imaginer, service.limits, story)
        given = await asyncio.to_thread(_given, said, files, service)
        return await _answer(request, asked(said, imaginer, **given), said, how, "image_edit")

    @router.get("/models", response_model=wire.Models)
    async def models() -> wire.Models:
        """The models that are served."""
        return wire.Models(data=[_model(each) for each in service.imaginers.values()])

    @router.get("/models/{name}", response_model=wire.Model)
    async def model(name: str) -> wire.Model:
        """One of them."""
        return _model(service.imaginer(name))

    async def _answer(request: Request, what: Asked, said: wire.Generation, how: Look, kind: str) -> Response:
        inbox = Inbox(service, what)
        try:
            accepted = await unless_gone(request, inbox.next())
            assert isinstance(accepted, Accepted)
            if said.stream:
                events = _events(inbox, accepted, what, how, kind)
                return StreamingResponse(events, media_type="text/event-stream")
            drawn: dict[int, Drawn] = {}
            while not isinstance(news := await unless_gone(request, inbox.next()), Finished):
                if isinstance(news, Drawn):
                    drawn[news.place] = news
        except BaseException:
            inbox.leave()
            raise
        return await asyncio.to_thread(_images, [drawn[place] for place in sorted(drawn)], accepted, what, how)

    return router


def _images(drawn: list[Drawn], accepted: Accepted, what: Asked, how: Look) -> Response:
    answer = wire.Images(
        created=int(time.time()),
        model=what.model,
        background=how.background,
        output_format=how.format,
        quality=how.quality,
        size=how.size,
        data=[
            wire.Image(
                b64_json=how.encoded(each.picture),
                seed=each.picture.story.seed,
                thought=each.picture.story.thought or None,
            )
            for each in drawn
        ],
        usage=wire.Usage.of(accepted.tokens),
        notes=list(accepted.notes),
    )
    return json_response(answer.model_dump())


async def _events(inbox: Inbox, accepted: Accepted, what: Asked, how: Look, kind: str) -> AsyncIterator[str]:
    """Server-sent events: partial pictures, and one "completed" for each picture; it ends when nobody listens."""
    try:
        while not isinstance(news := await inbox.next(), Finished):
            if isinstance(news, Partial | Drawn):
                yield event(await asyncio.to_thread(_shown, news, accepted, what, how, kind))
        yield "data: [DONE]\n\n"
    except MindseyeError as error:
        yield event({"type": "error", **refusal(error, IMAGES_NAMES).envelope})
    finally:
        inbox.leave()


def _shown(news: Partial | Drawn, accepted: Accepted, what: Asked, how: Look, kind: str) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "b64_json": how.encoded(news.picture),
        "created_at": int(time.time()),
        "size": how.size,
        "quality": how.quality,
        "background": how.background,
        "output_format": how.format,
        "index": news.place,
        "seed": news.picture.story.seed,
    }
    if isinstance(news, Partial):
        return {"type": f"{kind}.partial_image", "partial_image_index": news.number, **shown}
    return {"type": f"{kind}.completed", "usage": wire.Usage.of(accepted.tokens).model_dump(), **shown}


def event(value: dict[str, Any]) -> str:
    """One server-sent event."""
    return f"event: {value['type']}\ndata: {json.dumps(value)}\n\n"


def _given(said: wire.Edit, files: dict[str, list[bytes]], service: Service) -> dict[str, Any]:
    """The picture to go on from, and how: with the mask if there is one, else as a variation."""
    for name in files:
        if name not in EDIT_FILES:
            raise BadInput(f"there is no file field {name[:80]!r}", next_step="send image and mask", field=name[:80])
    pictures, masks = files.get("image", []), files.get("mask", [])
    if len(pictures) != 1 or len(masks) > 1:
        field = "image" if len(pictures) != 1 else "mask"
        raise BadInput(f"{field}: there are {len(files.get(field, []))}, and one is wanted", field=field)
    for name, data, most in (
        ("image", pictures[0], service.limits.picture_bytes),
        ("mask", (masks or [b""])[0], service.limits.mask_bytes),
    ):
        if len(data) > most:
            raise BadInput(f"{name}: it is larger than {most} bytes", field=name)
    if not masks:
        return {"picture": pictures[0], "strength": DEFAULT_STRENGTH if said.strength is None else said.strength}
    if said.strength is not None:
        raise BadInput("strength is for a picture without a mask", field="strength")
    if open_picture(masks[0], name="the mask").mode != "RGBA":  # else white would count as transparent
        raise BadInput("mask: no pixel of it is transparent, so there is nothing to draw", field="mask")
    return {"picture": pictures[0], "mask": masks[0]}


def _described_edit() -> dict[str, Any]:
    schema = wire.Edit.model_json_schema()
    schema["properties"] |= EDIT_FILES
    schema["required"] = ["prompt", "image"]
    return {"requestBody": {"required": True, "content": {"multipart/form-data": {"schema": schema}}}}


def _model(imaginer: Imaginer) -> wire.Model:
    able = imaginer.abilities
    return wire.Model(
        id=imaginer.name,
        created=int(imaginer.path.stat().st_mtime),
        family=imaginer.kind,
        size=f"{imaginer.size}x{imaginer.size}",
        background="transparent" if imaginer.picture_format.channels == 4 else "opaque",
        abilities=[name for name, can in vars(able).items() if can is True],
        samplers=list(able.samplers),
        words=len(vocabulary(imaginer.path)) if imaginer.about else 0,
        thinks=(imaginer.path / THINKER / ABOUT).is_file(),
    )
