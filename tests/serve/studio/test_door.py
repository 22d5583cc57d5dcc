"""What of gradio is let through, what the pages may do, and how a browser signs in."""

from __future__ import annotations

import json
import re
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlencode

import pytest

from mindseye.imagine.imaginer import Imaginer

TOKEN, GUEST = "a-token-of-some-length", "a-token-of-a-guest"
FORM = "application/x-www-form-urlencoded"


@pytest.fixture(scope="module")
def locked(serving: Any, tiny: Imaginer) -> Any:
    """A studio that asks for a token."""
    return serving.start({"tiny": tiny}, studio=True, token=TOKEN, guest_token=GUEST)


def test_the_bare_address_leads_to_the_studio(studio: Any) -> None:
    answer = studio.ask("GET", "/")
    assert (answer.status, answer.headers["location"]) == (303, "/studio/")
    assert studio.ask("GET", "/studio/").status == 200


def test_the_page_runs_its_own_scripts_only_and_names_no_other_host(studio: Any) -> None:
    answer = studio.ask("GET", "/studio/", accept="text/html")
    policy = dict(part.strip().split(" ", 1) for part in answer.headers["content-security-policy"].split(";"))
    [nonce] = re.findall(r"'nonce-([\w-]+)'", policy["script-src"])
    page = answer.body.decode()
    scripts = re.findall(r"<script[^>]*>", page)
    assert scripts and all(f'nonce="{nonce}"' in script for script in scripts)
    assert "'unsafe-inline'" not in policy["script-src"]
    assert policy["default-src"] == "'none'" and policy["connect-src"] == "'self'"
    loaded = re.findall(r"<(?:script|link|img|iframe)[^>]*(?:src|href)=\"(https?:)?//", page)
    assert not loaded
    assert nonce not in studio.ask("GET", "/studio/").body.decode()  # another one each time


@pytest.mark.parametrize(
    "path",
    [
        "/file=/etc/passwd", "/file/etc/passwd", "/proxy=http://127.0.0.1:1/", "/upload_progress", "/token", "/user",
        "/run-history/buckets", "/vibe-code", "/stream/a/b/1/playlist.m3u8", "/openapi.json", "/dev/reload",
        "/custom_component/1/client/component/index.js", "/call/draw/1", "/%2e%2e/%2e%2e/etc/passwd",
    ],
)  # fmt: skip
def test_what_the_studio_does_not_use_of_gradio_is_not_there(studio: Any, path: str) -> None:
    assert studio.ask("GET", f"/studio/gradio_api{path}").status == 404


@pytest.mark.parametrize("path", ["/upload", "/vibe-edit", "/run/draw", "/api/draw", "/call/draw", "/component_server"])
def test_nothing_can_be_uploaded_or_called_by_name(studio: Any, path: str) -> None:
    assert studio.post(f"/studio/gradio_api{path}", {"data": []}).status == 404


@pytest.mark.parametrize("path", ["http://127.0.0.1:9/x.png", "/etc/passwd", "x"])
def test_a_page_cannot_name_a_file(studio: Any, path: str) -> None:
    file = {"path": path, "meta": {"_type": "gradio.FileData"}}
    for value in (file, [file], {"deep": [{"deeper": file}]}):
        answer = studio.post("/studio/gradio_api/queue/join", {"data": [value], "fn_index": 0, "session_hash": "a"})
        assert (answer.status, answer.error["message"]) == (400, "files are not taken here")


def test_bodies_are_bounded_and_json(studio: Any) -> None:
    assert studio.ask("POST", "/studio/gradio_api/queue/join", b"{", content_type="application/json").status == 400
    assert studio.ask("POST", "/studio/gradio_api/queue/join", b"{}", content_type="text/plain").status == 415
    large = json.dumps({"data": ["x" * 25 * 2**20]}).encode()
    assert studio.ask("POST", "/studio/gradio_api/queue/join", large, content_type="application/json").status == 413


def test_pages_of_other_sites_may_not_use_it(studio: Any) -> None:
    answer = studio.ask("GET", "/studio/", origin="http://evil.test")
    assert answer.status == 403
    assert not [name for name in studio.ask("GET", "/studio/config").headers if name.startswith("access-control")]


def test_a_browser_without_a_token_is_shown_where_to_sign_in(locked: Any) -> None:
    answer = locked.ask("GET", "/studio/", accept="text/html")
    assert (answer.status, answer.headers["location"]) == (303, "/sign-in")
    assert locked.ask("GET", "/studio/config").status == 401
    page = locked.ask("GET", "/sign-in")
    assert page.status == 200 and b'name="token"' in page.body


def test_the_token_opens_the_studio_and_stands_in_no_address(locked: Any) -> None:
    wrong = locked.ask("POST", "/sign-in", urlencode({"token": "another-one-altogether"}).encode(), content_type=FORM)
    assert wrong.status == 200 and "set-cookie" not in wrong.headers and b"another one" in wrong.body
    right = locked.ask("POST", "/sign-in", urlencode({"token": TOKEN}).encode(), content_type=FORM)
    assert (right.status, right.headers["location"]) == (303, "/studio/")
    cookie = right.headers["set-cookie"]
    assert "HttpOnly" in cookie and "SameSite=strict" in cookie
    inside = locked.ask("GET", "/studio/config", cookie=cookie.partition(";")[0])
    assert inside.status == 200 and TOKEN.encode() not in inside.body


def test_somebody_elses_page_cannot_sign_in_for_a_person(locked: Any) -> None:
    body = urlencode({"token": TOKEN}).encode()
    answer = locked.ask("POST", "/sign-in", body, content_type=FORM, origin="http://evil.test")
    assert answer.status == 403 and "set-cookie" not in answer.headers


def test_a_guest_draws_and_starts_no_training(locked: Any) -> None:
    signed = locked.ask("POST", "/sign-in", urlencode({"token": GUEST}).encode(), content_type=FORM)
    cookie = signed.headers["set-cookie"].partition(";")[0]
    assert locked.ask("GET", "/studio/config", cookie=cookie).status == 200
    assert locked.post("/api/runs", {"name": "a", "collection": "a"}, cookie=cookie).status == 403


def test_the_event_stream_is_not_kept_by_anybody(studio: Any) -> None:
    connection = HTTPConnection("127.0.0.1", studio.port, timeout=30)
    connection.request("GET", "/studio/gradio_api/heartbeat/abc")
    answer = connection.getresponse()
    assert (answer.status, answer.getheader("cache-control")) == (200, "no-store")
    connection.close()
