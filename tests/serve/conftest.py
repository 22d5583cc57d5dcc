from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http.client import HTTPConnection
from json import dumps, loads
from pathlib import Path
from typing import Any

import pytest

from mindseye.imagine.imaginer import Imaginer, load
from mindseye.serve.http.access import Access
from mindseye.serve.http.app import make_app
from mindseye.serve.http.run import listening, server
from mindseye.serve.library import Library
from mindseye.serve.limits import Limits
from mindseye.serve.service import Service
from mindseye.serve.trainings import Trainings
from mindseye.train.run import Plan, RunFolder


@dataclass(frozen=True)
class Answer:
    """What a server answered."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return loads(self.body)

    @property
    def error(self) -> dict[str, Any]:
        detail: dict[str, Any] = self.json["error"]
        assert set(detail) == {"message", "type", "param", "code"}
        return detail


@dataclass
class Served:
    """A server on a real socket of this machine, in a thread."""

    service: Service
    port: int
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def ask(self, method: str, path: str, body: bytes | None = None, timeout: float = 60, **headers: str) -> Answer:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        named = {name.replace("_", "-"): value for name, value in {**self.headers, **headers}.items()}
        connection.request(method, path, body, named)
        answer = connection.getresponse()
        read = Answer(answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read())
        connection.close()
        return read

    def post(self, path: str, value: Any, **headers: str) -> Answer:
        return self.ask("POST", path, dumps(value).encode(), **{"content-type": "application/json", **headers})

    def draw(self, **fields: Any) -> Answer:
        """Asks for pictures, in two steps each unless told otherwise."""
        return self.post("/v1/images/generations", {"prompt": "a cat", "num_inference_steps": 2, **fields})

    def edit(self, fields: Mapping[str, str], files: Mapping[str, bytes], **headers: str) -> Answer:
        body, kind = multipart(fields, files)
        return self.ask("POST", "/v1/images/edits", body, **{"content-type": kind, **headers})


def multipart(fields: Mapping[str, str], files: Mapping[str, bytes]) -> tuple[bytes, str]:
    """A form's body and its content type."""
    parts = []
    for name, value in fields.items():
        parts.append(f'--edge\r\ncontent-disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode())
    for name, data in files.items():
        head = f'--edge\r\ncontent-disposition: form-data; name="{name}"; filename="x.png"\r\n\r\n'
        parts.append(head.encode() + data + b"\r\n")
    return b"".join(parts) + b"--edge--\r\n", "multipart/form-data; boundary=edge"


def begun(out: Path, pictures: Path, family: str = "diffusion") -> RunFolder:
    """A training that was stopped after three reports, in a folder as `mindseye begin` makes one.

    Args:
        out: the folder.
        pictures: the collection that it was begun with.
    """
    return interrupted(out / "run", pictures, family)


def interrupted(folder: Path, pictures: Path, family: str = "diffusion") -> RunFolder:
    """A training in that folder that was stopped after three reports.

    Args:
        pictures: the collection that it was begun with.
    """
    run = RunFolder(folder)
    folder.mkdir(parents=True)
    nothing = {name: {} for name in ("pictures", "train", "model", "machine")}
    names = {name: name for name in Plan.model_fields if name not in (*nothing, "format")}
    names |= {"family": family, "collection": "sprites", "collection_path": str(pictures)}
    run.write_plan(Plan.model_validate({**names, **nothing}))
    run.event("started", pictures_seen=0)
    for step, loss in enumerate([0.9, 0.5, 0.3], start=1):
        run.event("progress", pictures_seen=100 * step, seconds=10.0 * step, loss=loss)
    return run


class Serving:
    """Starts servers, and stops them."""

    def __init__(self) -> None:
        self._stops: list[Any] = []

    def start(
        self,
        imaginers: Mapping[str, Imaginer],
        limits: Limits | None = None,
        library: Library | None = None,
        runs: Path | None = None,
        collections: Mapping[str, str] | None = None,
        studio: bool = False,
        **access: Any,
    ) -> Served:
        service = Service(imaginers, limits, workers=2)
        at = listening("127.0.0.1", 0)
        port = at.getsockname()[1]
        library, trainings = library or Library({}), Trainings(runs, collections or {})
        may = Access("127.0.0.1", port, wrong_tokens=service.limits.wrong_tokens, **access)
        pages = None
        if studio:
            from mindseye.serve.studio.app import pages as studio_pages
            from mindseye.serve.studio.rooms import Rooms

            pages = studio_pages(Rooms(service, library, trainings, may))
        app = make_app(service, library, trainings, may, pages=pages)
        running = server(app, service.limits)
        thread = threading.Thread(target=running.run, kwargs={"sockets": [at]})
        thread.start()

        def stop() -> None:
            running.should_exit = True
            thread.join(30)
            at.close()
            assert not thread.is_alive()

        self._stops.append(stop)
        return Served(service, port)

    def stop(self) -> None:
        for stop in self._stops:
            stop()


@pytest.fixture(scope="session")
def tiny(tiny_folder: Path) -> Imaginer:
    """An untrained 16 px RGBA model that draws by diffusion."""
    imaginer = load(tiny_folder, device="cpu")
    imaginer.painter.tokens("ready")
    return imaginer


@pytest.fixture(scope="module")
def serving() -> Iterator[Serving]:
    """For servers with settings of their own."""
    serving = Serving()
    yield serving
    serving.stop()


@pytest.fixture(scope="module")
def served(tiny: Imaginer, serving: Serving) -> Served:
    """A server of the tiny model."""
    return serving.start({"tiny": tiny})
