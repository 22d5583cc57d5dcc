"""The application: every route behind the guard, and every error in the one envelope."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp

from mindseye import __version__
from mindseye.errors import MindseyeError
from mindseye.serve.http import health, images, rooms, wire
from mindseye.serve.http.access import Access
from mindseye.serve.http.errors import IMAGES_NAMES, Refusal, json_response, refusal
from mindseye.serve.http.guard import Guard
from mindseye.serve.http.uploads import Uploads
from mindseye.serve.http.waiting import ClientGone
from mindseye.serve.library import Library
from mindseye.serve.service import Service
from mindseye.serve.trainings import Trainings

REFUSALS = (400, 401, 403, 404, 405, 408, 413, 415, 421, 429, 500, 503, 504)


def make_app(
    service: Service,
    library: Library,
    trainings: Trainings,
    access: Access,
    *,
    story: bool = True,
    pages: tuple[str, Callable[[FastAPI], None]] | None = None,
) -> ASGIApp:
    """The HTTP door to a service.

    Args:
        service: draws; closed when the application ends.
        library: collections; likewise.
        trainings: the runs.
        access: who may speak to it.
        story: whether PNGs say how they were made.
        pages: for people with a browser: under which path they are, and what adds them to the application.
    """

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        yield
        service.close()
        library.close()

    app = FastAPI(
        title="mindseye",
        version=__version__,
        description="Pictures from words by models of your own, in the shape of the OpenAI images API.",
        lifespan=lifespan,
        docs_url=None,  # those pages are fetched from elsewhere
        redoc_url=None,
        responses={status: {"model": wire.Error} for status in REFUSALS},
    )
    app.include_router(images.routes(service, Uploads(service.limits.uploads), story=story))
    app.include_router(rooms.routes(service, library, trainings))
    app.include_router(health.routes(service))
    for kind, answer in (
        (MindseyeError, _refused),
        (Refusal, _refused),
        (HTTPException, _not_routed),
        (RequestValidationError, _not_valid),
        (ClientGone, _gone),
        (ClientDisconnect, _gone),
        (Exception, _lost),
    ):
        app.add_exception_handler(kind, answer)
    if pages is None:
        return Guard(app, access, service.limits)
    under, add = pages
    add(app)
    return Guard(app, access, service.limits, under)


async def _refused(request: Request, error: Exception) -> Response:
    if isinstance(error, MindseyeError):
        return refusal(error, IMAGES_NAMES if request.url.path.startswith("/v1/") else {}).response
    assert isinstance(error, Refusal)
    return error.response


async def _not_routed(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    message = {404: "there is nothing here", 405: "this is not done here"}.get(error.status_code, "it cannot be used")
    refused = Refusal(error.status_code, message, code="not_found" if error.status_code == 404 else "not_allowed")
    return json_response(refused.envelope, refused.status, {**refused.headers, **(error.headers or {})})


async def _not_valid(request: Request, error: Exception) -> Response:
    return Refusal(400, "the request cannot be used", code="invalid_value").response


async def _gone(request: Request, error: Exception) -> Response:
    return Response(status_code=499)  # nobody is there to read it


async def _lost(request: Request, error: Exception) -> Response:
    message = "a mistake of the server; its log has it under this answer's x-request-id"
    return Refusal(500, message, code="server_error", retry_seconds=1).response
