"""Who may speak to the server: a name, a page, a token, and nothing by path."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import pytest

from mindseye.errors import BadInput
from mindseye.imagine.imaginer import Imaginer
from mindseye.serve.http import access as access_module
from mindseye.serve.http.access import REMEMBERED, Access
from mindseye.serve.http.errors import Refusal
from mindseye.serve.limits import Limits

TOKEN, GUEST = "a-token-of-the-owner", "a-token-of-the-guest"
OPEN = ("/livez", "/readyz")
CLOSED = ("/v1/models", "/api/runs", "/metrics", "/openapi.json", "/nothing")


def raw(port: int, request: bytes) -> bytes:
    """What is answered to these bytes, until the server closes; it may do so before it has read all of them."""
    answer = b""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection, suppress(ConnectionError):
        connection.sendall(request)
        while part := connection.recv(65536):
            answer += part
    return answer


@pytest.mark.parametrize(
    "host",
    [
        "evil.test",
        "127.0.0.1.evil.test:{port}",
        "[::1]:{port}",
        "127.0.0.1:1",
        "127.0.0.1",
        "0.0.0.0:{port}",
        "",
        "[",
        ":{port}",
    ],
)
def test_called_by_a_name_that_is_not_its_own_it_does_not_answer(served, host: str) -> None:
    answer = served.ask("GET", "/v1/models", host=host.format(port=served.port))
    assert answer.status == 421 and answer.error["code"] == "wrong_host"


@pytest.mark.parametrize("host", ["127.0.0.1:{port}", "localhost:{port}", "LOCALHOST:{port}"])
def test_it_answers_to_its_own_names(served, host: str) -> None:
    assert served.ask("GET", "/v1/models", host=host.format(port=served.port)).status == 200


@pytest.mark.parametrize(
    "request_line",
    [
        b"GET http://evil.test/v1/models HTTP/1.1\r\nHost: evil.test\r\n",
        b"GET http://127.0.0.1:PORT/v1/models HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\n",
        b"GET /v1/models HTTP/1.1\r\n",
        b"GET /v1/models HTTP/1.0\r\n",
        b"GET /v1/models HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\nHost: evil.test\r\n",
        b"POST /v1/images/generations HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\nContent-Length: -1\r\n",
        b"POST /v1/images/generations HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\nContent-Length: 1\r\nContent-Length: 2\r\n",
        b"POST /v1/images/generations HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\nContent-Length: 999999999999\r\n",
        b"GET /v1/models HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\nX: " + b"a" * 200_000 + b"\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\r\n",
    ],
)
def test_a_malformed_request_is_refused_and_the_server_goes_on(served, request_line: bytes) -> None:
    answer = raw(served.port, request_line.replace(b"PORT", str(served.port).encode()) + b"Connection: close\r\n\r\n")
    assert answer == b"" or answer.split(b" ", 2)[1][:1] == b"4"
    assert served.ask("GET", "/livez").status == 200


def test_a_body_in_chunks_of_a_byte_is_counted_as_any_other(serving, tiny: Imaginer) -> None:
    most = 2**14
    served = serving.start({"tiny": tiny}, Limits(json_bytes=most))
    head = f"POST /v1/images/generations HTTP/1.1\r\nHost: 127.0.0.1:{served.port}\r\nConnection: close\r\n"
    head += "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    assert raw(served.port, head.encode() + b"1\r\na\r\n" * (most + 1) + b"0\r\n\r\n").startswith(b"HTTP/1.1 413")
    fields = b'{"prompt": "", "num_inference_steps": 1}'.ljust(most)
    whole = b"".join(b"1\r\n%c\r\n" % byte for byte in fields)
    assert raw(served.port, head.encode() + whole + b"0\r\n\r\n").startswith(b"HTTP/1.1 200")


def test_a_range_of_a_thousand_pieces_is_passed_over(served) -> None:
    whole = served.ask("GET", "/v1/models")
    pieces = served.ask("GET", "/v1/models", range="bytes=" + ",".join(["0-1"] * 1000))
    assert pieces.status == 200 and pieces.body == whole.body


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "http://evil.test"},
        {"origin": "null"},
        {"origin": "http://127.0.0.1:1"},
        {"origin": "http://localhost.evil.test"},
        {"sec_fetch_site": "cross-site"},
        {"sec_fetch_site": "same-site"},
    ],
)
@pytest.mark.parametrize(
    "ask", [("POST", "/v1/images/generations"), ("GET", "/api/runs/x/events"), ("GET", "/v1/models")]
)
def test_another_sites_page_may_not_use_it(served, ask: tuple[str, str], headers: dict[str, str]) -> None:
    answer = served.ask(*ask, b"{}", content_type="application/json", **headers)
    assert answer.status == 403 and answer.error["code"] == "wrong_origin"
    assert not [name for name in answer.headers if name.startswith("access-control-")]


def test_its_own_page_may(served) -> None:
    assert served.ask("GET", "/v1/models", origin=served.url, sec_fetch_site="same-origin").status == 200


def test_no_answer_lacks_the_headers_that_keep_a_browser_careful(served) -> None:
    for path in ("/v1/models", "/nothing", "/livez"):
        headers = served.ask("GET", path).headers
        assert headers["x-content-type-options"] == "nosniff" and headers["cache-control"] == "no-store"
        assert headers["content-security-policy"].startswith("default-src 'none'")
        assert headers["referrer-policy"] == "no-referrer" and "server" not in headers


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.7", "a.name"])
def test_beyond_this_machine_it_does_not_listen_without_a_token(host: str) -> None:
    with pytest.raises(BadInput, match="token"):
        Access(host, 8000)
    Access(host, 8000, TOKEN)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.9", "::1", "localhost"])
def test_on_this_machine_it_needs_none(host: str) -> None:
    Access(host, 8000)


@pytest.mark.parametrize("token", ["short", "with a space in it", "ünïcödé-ünïcödé-ünïcödé", "line\nbreak-line-break"])
def test_a_token_that_is_easily_guessed_or_cannot_be_sent_is_refused(token: str) -> None:
    with pytest.raises(BadInput) as refused:
        Access("127.0.0.1", 8000, token)
    assert token not in str(refused.value)


def test_a_wider_server_answers_to_addresses_and_allowed_names_but_to_no_other(served) -> None:
    wide = Access("0.0.0.0", 8000, TOKEN, names=("pictures.test", "box.test:9000"))
    for name in (
        "192.168.1.7:8000",
        "localhost:8000",
        "[fe80::1]:8000",
        "pictures.test",
        "pictures.test:443",
        "box.test:9000",
    ):
        wide.check_name(name)
    for name in ("evil.test:8000", "192.168.1.7:9", "box.test:8000", "pictures.test.evil.test"):
        with pytest.raises(Exception, match="not called so"):
            wide.check_name(name)


@pytest.fixture(scope="module")
def guarded(serving, tiny: Imaginer):
    return serving.start({"tiny": tiny}, Limits(wrong_tokens=5), token=TOKEN, guest_token=GUEST)


def bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


def test_without_its_token_it_says_nothing_but_that_it_lives(guarded) -> None:
    assert all(guarded.ask("GET", path).status == 200 for path in OPEN)
    assert all(guarded.ask("GET", path).status == 401 for path in CLOSED)
    for path in CLOSED[:3]:
        assert guarded.ask("GET", path, **bearer(TOKEN)).status == 200


def test_a_guest_may_draw_and_look_but_not_start_or_stop_a_training(guarded) -> None:
    assert guarded.draw(**{}).status == 401
    body = b'{"prompt": "a", "num_inference_steps": 1}'
    kind = {"content_type": "application/json"}
    assert guarded.ask("POST", "/v1/images/generations", body, **kind, **bearer(GUEST)).status == 200
    for path in ("/api/runs", "/api/runs/a/stop"):
        answer = guarded.ask("POST", path, b"{}", **kind, **bearer(GUEST))
        assert answer.status == 403 and answer.error["code"] == "guest"
        assert guarded.ask("POST", path, b"{}", **kind, **bearer(TOKEN)).status in (400, 404)


def test_a_token_in_the_address_or_in_another_scheme_is_none(guarded) -> None:
    assert guarded.ask("GET", f"/v1/models?token={TOKEN}").status == 401
    assert guarded.ask("GET", "/v1/models", authorization=TOKEN).status == 401
    assert guarded.ask("GET", "/v1/models", authorization=f"Basic {TOKEN}").status == 401


def test_who_guesses_has_to_wait(serving, tiny: Imaginer) -> None:
    guarded = serving.start({"tiny": tiny}, Limits(wrong_tokens=5), token=TOKEN)
    statuses = [guarded.ask("GET", "/v1/models", **bearer(f"guess-{guess}")).status for guess in range(20)]
    assert statuses == [401] * 5 + [429] * 15
    answer = guarded.ask("GET", "/v1/models", **bearer(TOKEN))
    assert answer.status == 429 and 0 < int(answer.headers["retry-after"]) <= 60


def told(access: Access, token: str, address: str) -> int:
    """The status that an address gets for a token."""
    try:
        access.check_token(f"Bearer {token}" if token else None, address, changes=False)
    except Refusal as refused:
        assert (refused.status == 429) == (refused.retry_seconds is not None)
        return refused.status
    return 200


def test_a_thousand_guesses_get_twenty_answers_and_others_do_not_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    monkeypatch.setattr(access_module, "monotonic", lambda: now)  # the servers of other tests keep their clock
    access = Access("0.0.0.0", 8000, TOKEN)
    assert [told(access, f"guess-{guess}", "192.0.2.1") for guess in range(1000)] == [401] * 20 + [429] * 980
    assert told(access, TOKEN, "192.0.2.1") == 429, "else the right one could be told from the wrong ones"
    assert told(access, TOKEN, "192.0.2.2") == 200 and told(access, "", "192.0.2.2") == 401
    now += 60
    assert told(access, TOKEN, "192.0.2.1") == 200, "after a minute it is asked again"


def test_whoever_has_a_network_of_ipv6_has_not_as_many_guesses_as_it_has_addresses() -> None:
    access = Access("::", 8000, TOKEN)
    guesses = [told(access, "guess", f"2001:db8::{guess:x}") for guess in range(1, 41)]
    assert guesses == [401] * 20 + [429] * 20
    assert told(access, TOKEN, "2001:db8:0:1::1") == 200 and told(access, TOKEN, "fe80::1%eth0") == 200
    mapped = [told(access, "guess", f"::ffff:192.0.2.{number}") for number in range(40)]
    assert mapped == [401] * 40, "those are addresses of IPv4"


def test_guesses_from_however_many_addresses_take_little_memory() -> None:
    access = Access("0.0.0.0", 8000, TOKEN)
    for number in range(2 * REMEMBERED):
        told(access, ("", TOKEN, "guess")[number % 3], f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}")
    assert len(access._wrong) <= 2 * REMEMBERED // 3 + 1, "who was not wrong is not remembered"
    for number in range(2 * REMEMBERED):
        told(access, "guess", f"11.{number >> 16}.{number >> 8 & 255}.{number & 255}")
    assert len(access._wrong) == REMEMBERED


def traversals() -> Sequence[str]:
    """Names made to leave a folder, as they stand in an address."""
    ups = ["..", "%2e%2e", "%252e%252e", "..%00", ".%2e", "%c0%ae%c0%ae", "..%c0%af", "%uff0e%uff0e", "...", ". ."]
    separators = ["/", "%2f", "%5c", "%252f", "%c0%af", "//", "\\"]
    targets = ["etc/passwd", "windows/win.ini", "run.toml", "tiny", "proc/self/environ", "CON", "aux.txt"]
    names = [f"{up}{separator}" * times + target for up in ups for separator in separators for times, target in
             zip((1, 2, 3, 5, 8, 1, 2), targets, strict=True)]  # fmt: skip
    absolute = [
        "/etc/passwd",
        "%2fetc%2fpasswd",
        "C:%5cwindows",
        "C:/windows",
        "%5c%5chost%5cshare",
        "file:%2f%2f/etc/passwd",
    ]
    return [
        *names,
        *absolute,
        "%00",
        "a%00.png",
        "tiny.",
        "tiny%20",
        "tiny/",
        "TINY",
        "~",
        "~root",
        "nul",
        "a" * 5000,
        "%0d%0a",
    ]


def test_no_name_leaves_its_room(served, serving, tiny: Imaginer, tmp_path_factory: pytest.TempPathFactory) -> None:
    """What an address names is looked up among what was opened; nothing of it becomes a path."""
    folder = tmp_path_factory.mktemp("rooms")
    (folder / "secret").mkdir()
    (folder / "secret" / "run.toml").write_text("format = 1")
    (folder / "runs").mkdir()
    (folder / "runs" / "link").symlink_to(folder / "secret")
    there = serving.start({"tiny": tiny}, runs=folder / "runs")
    assert len(traversals()) >= 500
    for number, name in enumerate([*traversals(), "link", "../secret", "%2e%2e%2fsecret"]):
        path = ("/v1/models/", "/api/runs/", "/api/runs/")[number % 3] + name + ("", "", "/events")[number % 3]
        answer = there.ask("GET", path.replace("\\", "%5c").replace(" ", "%20"))
        assert answer.status in (400, 404, 405, 421) and b"root:" not in answer.body, name
        assert answer.error["message"].count("/") <= name.count("/") + name.lower().count("%2f") + 1
    for model in ("../tiny", str(tiny.path), "tiny\0", "tiny/../tiny"):
        assert there.draw(model=model).status == 404


def test_the_folder_of_a_model_is_told_nowhere(served, tiny: Imaginer) -> None:
    told = b"".join(served.ask("GET", path).body for path in ("/v1/models", "/metrics", "/openapi.json", "/readyz"))
    for part in (str(tiny.path), str(Path.home()), str(tiny.path.parent)):
        assert part.encode() not in told
