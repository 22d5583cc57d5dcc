"""What every request passes before it reaches a route: rules of access, bounds on its body."""

from __future__ import annotations

import asyncio
import logging
import secrets
import time

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mindseye.serve.http.access import OPEN_PATHS, SIGN_IN, Access, credentials
from mindseye.serve.http.errors import Refusal
from mindseye.serve.limits import Limits

READING = ("GET", "HEAD", "OPTIONS")
ANSWER_HEADERS = {
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}

log = logging.getLogger(__name__)


class Guard:
    """ASGI middleware. A request that breaks a rule ends here; a mistake of ours is logged.

    Args:
        app: what is guarded.
        access: the rules.
        limits: of bodies.
        pages: where a browser without a token is shown the way to sign in; "" where there are none.
    """

    def __init__(self, app: ASGIApp, access: Access, limits: Limits, pages: str = "") -> None:
        self.app = app
        self.access = access
        self.limits = limits
        self.pages = pages

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request_id = secrets.token_hex(8)
        began = False

        async def send_with_headers(message: Message) -> None:
            nonlocal began
            if message["type"] == "http.response.start":
                began = True
                headers = MutableHeaders(raw=message.setdefault("headers", []))
                headers["x-request-id"] = request_id
                for name, value in ANSWER_HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        try:
            self._check(scope)
            await self.app(scope, self._bounded(scope, receive), send_with_headers)
        except Refusal as refusal:
            if not began:
                await self._answer(scope, refusal)(scope, receive, send_with_headers)
        except Exception:  # already answered, by `app.lost`
            log.exception("request %s was lost", request_id)

    def _check(self, scope: Scope) -> None:
        headers = Headers(scope=scope)
        if not scope["raw_path"].startswith(b"/"):
            raise Refusal(400, "the target is not a path", code="invalid_target")
        if len(headers.getlist("host")) != 1:
            raise Refusal(400, "there is not one Host header", code="wrong_host")
        self.access.check_name(headers["host"])
        self.access.check_page(headers.get("origin"), headers.get("sec-fetch-site"), headers["host"])
        if scope["path"] not in OPEN_PATHS:
            changes = scope["path"].startswith("/api/runs") and scope["method"] not in READING
            address = (scope.get("client") or ("", 0))[0]
            self.access.check_token(credentials(headers), address, changes=changes)
        if headers.get("content-encoding", "identity") != "identity":
            raise Refusal(415, "send the body as it is, not compressed", code="content_encoding")
        length = headers.get("content-length", "0")
        if not length.isdecimal() or int(length) > self.limits.upload_bytes:
            raise Refusal(413, f"the body is larger than {self.limits.upload_bytes} bytes", code="too_large")

    def _answer(self, scope: Scope, refusal: Refusal) -> Response:
        reads = scope["method"] == "GET" and "text/html" in Headers(scope=scope).get("accept", "")
        if refusal.status == 401 and reads and self.pages and scope["path"].startswith(self.pages):
            return RedirectResponse(SIGN_IN, 303)
        return refusal.response

    def _bounded(self, scope: Scope, receive: Receive) -> Receive:
        """`receive`, until the body is larger than it may be or took too long."""
        until = time.monotonic() + self.limits.body_seconds
        size, whole = 0, False

        async def bounded() -> Message:
            nonlocal size, whole
            if whole:
                return await receive()
            try:
                message = await asyncio.wait_for(receive(), max(0.0, until - time.monotonic()))
            except TimeoutError:
                raise Refusal(
                    408, f"the body took longer than {self.limits.body_seconds:g} s", code="too_slow", retry_seconds=1
                ) from None
            size += len(message.get("body", b""))
            whole = not message.get("more_body", False)
            if size > self.limits.upload_bytes:
                raise Refusal(413, f"the body is larger than {self.limits.upload_bytes} bytes", code="too_large")
            return message

        return bounded
