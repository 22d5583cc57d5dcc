from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from mindseye.cli import doctor
from mindseye.cli.serve import greeting, needs
from mindseye.errors import Unavailable
from mindseye.serve.http.access import Access

TOKEN = "a-token-of-the-owner"


class Server:
    """A server in a process of its own."""

    def __init__(self, folder: Path, *arguments: object, **environment: str) -> None:
        self.folder = folder
        self.process = subprocess.Popen(
            [sys.executable, "-m", "mindseye", "serve", *map(str, arguments), "--port", "0"],
            stderr=subprocess.PIPE,
            text=True,
            cwd=folder,
            env={**os.environ, "OMP_NUM_THREADS": "1", **environment},
        )
        self.said = ""
        assert self.process.stderr
        while "OpenAI clients" not in self.said:
            line = self.process.stderr.readline()
            assert line, self.said
            self.said += line

    @property
    def port(self) -> int:
        found = re.search(r"127\.0\.0\.1:(\d+)", self.said)
        assert found
        return int(found[1])

    def curl(self, **environment: str) -> subprocess.CompletedProcess[str]:
        """Runs the line that it printed."""
        [line] = [line for line in self.said.splitlines() if line.startswith("curl")]
        return subprocess.run(
            line, shell=True, cwd=self.folder, env={**os.environ, **environment}, capture_output=True, text=True
        )

    def stopped_by(self, *signals: int) -> tuple[int, float]:
        """The exit code, and the seconds it took."""
        began = time.monotonic()
        for each in signals:
            self.process.send_signal(each)
            time.sleep(0.3)
        code = self.process.wait(20)
        return code, time.monotonic() - began


@pytest.fixture
def started(tiny_folder: Path, tmp_path: Path) -> Iterator[list[Server]]:
    servers: list[Server] = []
    yield servers
    for server in servers:
        server.process.kill()
        server.process.wait()
        assert server.process.stderr
        server.process.stderr.close()


def test_it_prints_a_line_that_draws_a_picture_and_leaves_as_shells_expect(
    started: list[Server], tiny_folder: Path, tmp_path: Path
) -> None:
    server = Server(tmp_path, tiny_folder, MINDSEYE_TOKEN=TOKEN)
    started.append(server)
    assert TOKEN not in server.said
    done = server.curl(MINDSEYE_TOKEN=TOKEN)
    assert done.returncode == 0, done.stderr
    assert Image.open(tmp_path / "picture.png").size == (16, 16)
    assert server.curl(MINDSEYE_TOKEN="another").returncode != 0
    [named] = doctor.servers()
    assert named.found == f"http://127.0.0.1:{server.port}: tiny; process {server.process.pid}"
    code, seconds = server.stopped_by(signal.SIGTERM)
    assert code in (143, -signal.SIGTERM) and seconds < 10
    assert not list(doctor.servers())


@pytest.mark.slow
def test_a_server_that_was_killed_is_not_named_as_running(
    started: list[Server], tiny_folder: Path, tmp_path: Path
) -> None:
    for _ in range(2):
        started.append(Server(tmp_path, tiny_folder))
    assert len(list(doctor.servers())) == 2
    assert started[0].stopped_by(signal.SIGKILL)[0] == -signal.SIGKILL
    [named] = doctor.servers()
    assert named.found.endswith(f"process {started[1].process.pid}")


@pytest.mark.slow
def test_ctrl_c_lets_what_is_under_way_end_and_a_second_one_does_not(
    started: list[Server], tiny_folder: Path, tmp_path: Path
) -> None:
    endless = b'{"prompt": "a cat", "n": 10, "num_inference_steps": 200}'
    for signals, least in (((signal.SIGINT,), 3.0), ((signal.SIGINT, signal.SIGINT), 0.0)):
        server = Server(tmp_path, tiny_folder)
        started.append(server)
        with socket.create_connection(("127.0.0.1", server.port)) as connection:
            head = f"POST /v1/images/generations HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\n"
            head += f"Content-Type: application/json\r\nContent-Length: {len(endless)}\r\n\r\n"
            connection.sendall(head.encode() + endless)
            time.sleep(0.5)
            code, seconds = server.stopped_by(*signals)
        assert code in (130, -signal.SIGINT) and least <= seconds < 10


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--host", "0.0.0.0"], "token"),
        (["--host", "192.0.2.1"], "token"),
        (["--token", "short"], "16"),
        (["--guest-token", "a-token-of-the-guest"], "token beside"),
        (["no-such-model"], "no-such-model"),
        (["--collection", "no-such-collection"], "no-such-collection"),
        (["--host", "192.0.2.1", "--token", TOKEN], "192.0.2.1"),
    ],
)
def test_what_cannot_be_served_is_refused_before_it_listens(mindseye, arguments: list[str], words: str) -> None:
    said = mindseye("serve", *arguments, "--port", 0)
    assert said.code in (2, 3) and words in said.err and "Traceback" not in said.err


def test_a_port_that_is_taken_is_told(mindseye) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        said = mindseye("serve", "--port", taken.getsockname()[1])
    assert said.code == 3 and "another program" in said.err and "--port 0" in said.err


def test_two_models_of_one_name_are_refused(mindseye, tiny_folder: Path) -> None:
    said = mindseye("serve", tiny_folder, tiny_folder, "--port", 0)
    assert said.code == 2 and "two models" in said.err


def test_without_the_extra_it_says_how_to_install_it(mindseye, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mindseye.cli.serve.find_spec", lambda name: None)
    said = mindseye("serve")
    assert said.code == 3 and "pip install 'mindseye[serve]'" in said.err


def test_the_studio_says_where_it_is_and_never_tells_the_token() -> None:
    lines = greeting(["emoji"], Access("127.0.0.1", 8123, token="a-token-of-some-length"), pages=True)
    assert lines[0] == "the studio, with emoji: http://127.0.0.1:8123 (Ctrl-C stops)"
    assert "a-token-of-some-length" not in " ".join(lines)


def test_a_missing_package_is_named_with_the_line_that_installs_it() -> None:
    with pytest.raises(Unavailable, match="not_there_at_all") as refused:
        needs("json", "not_there_at_all", extra="studio")
    assert "mindseye[studio]" in str(refused.value)
