"""What of gradio is let through, and how a browser signs in.

Gradio brings far more than the studio uses: a proxy, uploads, files, other people's components. Only the paths below
are answered. Nothing that a page sends may name a file: gradio would fetch it, and were it an address on the web.
"""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Mapping, MutableMapping
from typing import Any
from urllib.parse import quote

from fastapi import APIRouter
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mindseye.serve.http.access import COOKIE, SIGN_IN, Access
from mindseye.serve.http.bodies import read_bytes
from mindseye.serve.http.errors import Refusal
from mindseye.serve.studio.parts import DROP_BYTES, page_file
from mindseye.serve.studio.rooms import filled

PATH = "/studio"
BODY_BYTES = 3 * DROP_BYTES  # of what a page sends at once: two pictures in base64, and room
SIGN_IN_BYTES = 4096

ALLOWED = {
    "GET": re.compile(
        r"|/|/config|/theme\.css|/(assets|static|svelte)/[\w./-]+"
        r"|/gradio_api/(info|queue/data|heartbeat/\w+|startup-events|app_id)"
    ),
    "POST": re.compile(r"/gradio_api/(queue/join|run/predict|cancel|reset)"),
}
LASTING = re.compile(r"/assets/[\w.-]+-[\w-]{8}\.(js|css)")  # named by what is in them
POLICY = (
    "default-src 'none'; script-src 'self' 'nonce-{nonce}' 'unsafe-eval'; style-src 'self' 'unsafe-inline';"
    " img-src 'self' data: blob:; font-src 'self'; connect-src 'self'; base-uri 'self'; form-action 'self';"
    " frame-ancestors 'none'"
)
SIGN_IN_POLICY = "default-src 'none'; style-src 'nonce-{nonce}'; form-action 'self'; frame-ancestors 'none'"
LEFT_OUT = re.compile(  # of gradio's page: what is for others' sites, and a script that is not in the package
    rb'<link rel="manifest"[^>]*>|<meta[^>]*(og:|twitter:)[^>]*>|<script>\s*\(\(\) => \{\s*const root.*?</script>',
    re.DOTALL,
)


class Door:
    """ASGI middleware before the studio's pages; what lies elsewhere goes by."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not scope["path"].startswith(f"{PATH}/"):
            await self.app(scope, receive, send)
            return
        path = scope["path"].removeprefix(PATH)
        allowed = ALLOWED.get("GET" if scope["method"] == "HEAD" else scope["method"])
        if allowed is None or not allowed.fullmatch(path) or ".." in path:
            await Refusal(404, "there is nothing here", code="not_found").response(scope, receive, send)
            return
        try:
            if scope["method"] == "POST":
                receive = await _checked(scope, receive)
        except Refusal as refusal:
            await refusal.response(scope, receive, send)
            return
        if path == "/":
            await self._page(scope, receive, send)
        else:
            await self.app(scope, receive, _with_headers(send, lasting=bool(LASTING.fullmatch(path))))

    async def _page(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The page itself: its own scripts get a nonce, and others do not run."""
        nonce = secrets.token_urlsafe(16)
        plain = [(name, value) for name, value in scope["headers"] if name != b"accept-encoding"]
        start: MutableMapping[str, Any] = {}
        body = b""

        async def collect(message: Message) -> None:
            nonlocal start, body
            if message["type"] == "http.response.start":
                start = message
            else:
                body += message.get("body", b"")

        await self.app({**scope, "headers": plain}, receive, collect)
        icon = f'<link rel="icon" href="data:image/svg+xml,{quote(page_file("icon.svg"))}">'
        body = LEFT_OUT.sub(b"", body).replace(b"</head>", icon.encode() + b"</head>", 1)
        body = body.replace(b"<script", f'<script nonce="{nonce}"'.encode())
        headers = MutableHeaders(raw=start["headers"])
        headers["content-length"] = str(len(body))
        headers["content-security-policy"] = POLICY.format(nonce=nonce)
        await _with_headers(send)(start)
        await send({"type": "http.response.body", "body": body})


def _with_headers(send: Send, *, lasting: bool = False) -> Send:
    async def with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(raw=message["headers"])
            for name in [name for name in headers if name.startswith("access-control-")]:
                del headers[name]
            headers["cache-control"] = "private, max-age=604800, immutable" if lasting else "no-store"
        await send(message)

    return with_headers


async def _checked(scope: Scope, receive: Receive) -> Receive:
    """The body of a request, once it is known to name no file.

    Raises:
        Refusal: it does, is too large, or is not JSON.
    """
    kind = Headers(scope=scope).get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise Refusal(415, "send application/json", code="content_type")
    body = await read_bytes(Request(scope, receive), BODY_BYTES)
    try:
        names_a_file = _names_a_file(json.loads(body))
    except (ValueError, RecursionError):
        raise Refusal(400, "the body is not JSON", code="invalid_json") from None
    if names_a_file:
        raise Refusal(400, "files are not taken here", code="invalid_value")
    told = False

    async def again() -> Message:
        nonlocal told
        if told:
            return await receive()
        told = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again


def _names_a_file(value: Any) -> bool:
    if isinstance(value, Mapping):
        return "path" in value or any(map(_names_a_file, value.values()))
    return isinstance(value, list) and any(map(_names_a_file, value))


def sign_in(access: Access) -> APIRouter:
    """The way to the studio: from the bare address, and, where a token is asked for, a page for it."""
    router = APIRouter(include_in_schema=False)

    @router.get("/")
    async def home() -> Response:
        return RedirectResponse(f"{PATH}/", 303)

    @router.get(PATH)
    async def studio() -> Response:
        return RedirectResponse(f"{PATH}/", 303)

    @router.get(SIGN_IN)
    async def asked() -> Response:
        return _asking("")

    @router.post(SIGN_IN)
    async def given(request: Request) -> Response:
        if int(request.headers.get("content-length", "0")) > SIGN_IN_BYTES:
            return _asking("That is no token.")
        form = await request.form(max_files=0, max_fields=4)
        token = str(form.get("token", ""))
        try:
            access.check_token(f"Bearer {token}", request.client.host if request.client else "", changes=False)
        except Refusal as refusal:
            return _asking("Too many wrong tokens; wait a minute." if refusal.status == 429 else "It is another one.")
        answer = RedirectResponse(f"{PATH}/", 303)
        answer.set_cookie(COOKIE, token, httponly=True, samesite="strict", secure=request.url.scheme == "https")
        return answer

    return router


def _asking(wrong: str) -> Response:
    nonce = secrets.token_urlsafe(16)
    page = filled("sign_in.html", wrong=wrong, nonce=nonce, style=page_file("sign_in.css"))
    return HTMLResponse(page, headers={"content-security-policy": SIGN_IN_POLICY.format(nonce=nonce)})
