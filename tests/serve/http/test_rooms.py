"""Search, judging, collections and trainings over HTTP, on the same functions as the command line."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from functools import partial
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest
from tests.recall.conftest import COLOURS, SHAPES, SIZE_PX, drawn, png
from tests.serve.conftest import interrupted

from mindseye.collection.collection import Collection, Example, write_collection
from mindseye.imagine.imaginer import Imaginer, load
from mindseye.recall.search import open_searcher
from mindseye.serve.library import LOOKS, Library
from mindseye.serve.limits import Limits


@pytest.fixture(scope="module")
def shapes(tmp_path_factory: pytest.TempPathFactory) -> Collection:
    """Forty-eight pictures of twelve things."""
    info = {"size_px": SIZE_PX, "transparent": False, "pixel_art": True}
    things = [(colour, shape, place) for place in range(4) for colour in COLOURS for shape in SHAPES]
    examples = [
        Example(png(drawn(*thing)), f"{'-'.join(map(str, thing))}.png", (f"a {thing[0]} {thing[1]}",), "", "", "drawn")
        for thing in things
    ]
    return write_collection(tmp_path_factory.mktemp("collections") / "shapes", {"train": examples}, info)


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("runs")


@pytest.fixture(scope="module")
def rooms(
    serving: Any,
    tiny_folder: Path,
    tiny_thinker: Path,
    shapes: Collection,
    runs: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Any]:
    """A server with a model that has a thinker, a collection, and a folder of trainings."""
    folder = shutil.copytree(tiny_folder, tmp_path_factory.mktemp("models") / "tiny")
    shutil.copytree(tiny_thinker, folder / "thinker")
    about = folder / "mindseye.json"  # says that it was trained on these shapes
    about.write_text(about.read_text("utf-8").replace("0" * 64, shapes.fingerprint), "utf-8")
    library = Library({"shapes": shapes})
    return serving.start({"tiny": load(folder, device="cpu")}, None, library, runs, {"shapes": str(shapes.path)})


def coded(data: bytes) -> str:
    return base64.b64encode(data).decode()


NOWHERE = Path("/somewhere/else")


def test_collections_are_listed_by_name(rooms: Any) -> None:
    assert rooms.ask("GET", "/api/collections").json == {
        "collections": [
            {"id": "shapes", "splits": {"train": 48}, "size_px": 32, "transparent": False, "pixel_art": True}
        ]
    }


def test_words_and_pictures_find_what_they_find_in_python(rooms: Any, shapes: Collection) -> None:
    until = time.monotonic() + 60  # the first search looks at every picture
    while (
        answer := rooms.post("/api/search", {"collection": "shapes", "words": "a red square", "count": 5})
    ).status == 429:
        assert time.monotonic() < until and int(answer.headers["retry-after"]) >= 1
        time.sleep(0.5)
    searcher = open_searcher(shapes)
    assert answer.json["results"] == searcher.by_words("a red square", 5).as_json()["results"]
    data = shapes.splits["train"].picture(17)
    answer = rooms.post("/api/search", {"collection": "shapes", "picture": coded(data), "count": 1})
    assert answer.json["results"][0]["path"] == shapes.splits["train"].file_names[17]
    urled = rooms.post(
        "/api/search", {"collection": "shapes", "picture": f"data:image/png;base64,{coded(data)}", "count": 1}
    )
    assert urled.json["results"] == answer.json["results"]


@pytest.mark.parametrize(
    ("path", "body", "status", "param"),
    [
        ("/api/search", {"collection": "nothing", "words": "a"}, 404, "collection"),
        ("/api/search", {"collection": "../shapes", "words": "a"}, 404, "collection"),
        ("/api/search", {"collection": "shapes"}, 400, "words"),
        ("/api/search", {"collection": "shapes", "words": "a", "picture": ""}, 400, "words"),
        ("/api/search", {"collection": "shapes", "words": "a", "count": 101}, 400, "count"),
        ("/api/search", {"collection": "shapes", "words": "a", "path": "/"}, 400, "path"),
        ("/api/judge", {"picture": "***"}, 400, "picture"),
        ("/api/judge", {"picture": "http://evil.test/cat.png"}, 400, "picture"),
        ("/api/judge", {"picture": coded(b"not a picture")}, 400, None),
        ("/api/judge", {"picture": "", "model": "other"}, 404, "model"),
        ("/api/runs", {"name": "../up", "collection": "shapes"}, 400, "name"),
        ("/api/runs", {"name": "a", "collection": "/etc"}, 404, "collection"),
        ("/api/runs", {"name": "a", "collection": "shapes", "family": "os"}, 400, "family"),
        ("/api/runs", {"name": "a", "collection": "shapes", "settings": {"text_encoder": "/etc"}}, 400, "settings"),
        *(
            ("/api/runs", {"name": "a", "collection": "shapes", "settings": {key: "/etc"}}, 400, "settings")
            for key in ("train.text_encoder", "model.damsm", "model.base")
        ),
        ("/api/runs", {"name": "a", "collection": "shapes", "settings": {"--out": "x"}}, 400, "settings"),
        ("/api/runs", {"name": "a", "collection": "shapes", "minutes": 0}, 400, "minutes"),
        ("/api/runs/nothing/stop", {}, 404, "run"),
    ],
)
def test_what_cannot_be_done_is_refused_by_name(
    rooms: Any, path: str, body: Any, status: int, param: str | None
) -> None:
    answer = rooms.post(path, body)
    assert (answer.status, answer.error["param"]) == (status, param)
    assert str(Path.home()) not in answer.error["message"] and "/tmp" not in answer.error["message"]


def test_a_picture_is_judged(rooms: Any, shapes: Collection) -> None:
    verdict = rooms.post(
        "/api/judge", {"picture": coded(shapes.splits["train"].picture(0)), "prompt": "a red circle"}
    ).json
    assert verdict["model"] == "tiny" and verdict["prompt"] == "a red circle" and 0 <= verdict["match"] <= 1
    assert verdict["picture"] == "the picture" and len(verdict["captions"]) == 5 and verdict["nearest"] == []


def test_the_nearest_training_pictures_are_looked_for_in_what_the_model_was_trained_on(
    rooms: Any, shapes: Collection
) -> None:
    picture = coded(shapes.splits["train"].picture(0))
    nearest = rooms.post("/api/judge", {"picture": picture, "nearest": 3}).json["nearest"]
    assert len(nearest) == 3 and nearest[0]["row"] == 0


def test_candidates_are_thought_over(rooms: Any) -> None:
    image = rooms.draw(think=3, seed=5).json["data"][0]
    assert image["thought"].startswith("the best of 3")


def test_so_many_wait_to_be_looked_at_and_no_more(tiny: Imaginer) -> None:
    import threading

    library, gate = Library({}), threading.Event()
    looks = [library.look(gate.wait) for _ in range(LOOKS)]
    with pytest.raises(Exception, match="too many pictures wait"):
        library.look(gate.wait)
    gate.set()
    for look in looks:
        look.result(10)
    assert library.look(lambda: 7).result(10) == 7
    library.close()


def test_what_waits_too_long_to_be_looked_at_is_told_so_and_loses_its_turn(
    serving: Any, tiny_folder: Path, tiny_thinker: Path, shapes: Collection, tmp_path: Path
) -> None:
    import threading

    folder = shutil.copytree(tiny_folder, tmp_path / "tiny")
    shutil.copytree(tiny_thinker, folder / "thinker")
    library, gate = Library({"shapes": shapes}), threading.Event()
    served = serving.start({"tiny": load(folder, device="cpu")}, Limits(request_seconds=0.2), library)
    first = library.look(partial(gate.wait, 60))
    picture = coded(shapes.splits["train"].picture(0))
    for _ in range(LOOKS + 1):  # those that lost their turn are in nobody's way
        late = served.post("/api/judge", {"picture": picture})
        assert (late.status, late.error["code"]) == (504, "too_late")
    gate.set()
    assert first.result(10)
    assert served.post("/api/judge", {"picture": picture}).status in (200, 504)  # whether a fifth of a second is enough


def test_a_run_is_told_by_its_name_and_without_paths(rooms: Any, runs: Path) -> None:
    interrupted(runs / "sprites", NOWHERE)
    assert [run["run"] for run in rooms.ask("GET", "/api/runs").json["runs"]] == ["sprites"]
    facts = rooms.ask("GET", "/api/runs/sprites").json
    assert (facts["state"], facts["pictures_seen"], facts["losses"]) == ("interrupted", 300, [0.9, 0.5, 0.3])
    assert facts["model"] is False and str(runs) not in json.dumps(facts) and "/somewhere" not in json.dumps(facts)
    answer = rooms.post("/api/runs/sprites/stop", {})
    assert answer.status == 400 and "not running" in answer.error["message"]


def test_events_are_told_once_and_go_on_after_the_last_that_was_heard(rooms: Any, runs: Path) -> None:
    interrupted(runs / "tiles", NOWHERE)
    told = rooms.ask("GET", "/api/runs/tiles/events").body.decode()
    assert [line for line in told.splitlines() if line.startswith("id")] == ["id: 0", "id: 1", "id: 2", "id: 3"]
    rest = rooms.ask("GET", "/api/runs/tiles/events", last_event_id="2").body.decode()
    assert [line for line in rest.splitlines() if line.startswith("id")] == ["id: 3"]
    assert rest.endswith('event: end\ndata: {"state": "interrupted"}\n\n')


HOLDS_THE_LEASE = """
import sys, time
from mindseye.train.run import RunFolder
with RunFolder(sys.argv[1]).lease():
    print(flush=True)
    time.sleep(60)
"""


def test_a_run_that_lives_elsewhere_is_watched_but_never_signalled(rooms: Any, runs: Path) -> None:
    """Its state is the lease's, which dies with its process; a process id from another life is never trusted."""
    run = interrupted(runs / "elsewhere", NOWHERE)
    holder = subprocess.Popen([sys.executable, "-c", HOLDS_THE_LEASE, str(run.path)], stdout=subprocess.PIPE)
    assert holder.stdout and holder.stdout.readline()
    assert rooms.ask("GET", "/api/runs/elsewhere").json["state"] == "running"
    answer = rooms.post("/api/runs/elsewhere/stop", {})
    assert answer.status == 400 and "not started by this server" in answer.error["message"] and holder.poll() is None
    connection = HTTPConnection("127.0.0.1", rooms.port, timeout=20)
    connection.request("GET", "/api/runs/elsewhere/events", headers={"last-event-id": "3"})
    stream = connection.getresponse()
    run.event("progress", pictures_seen=400, seconds=40.0, loss=0.2)
    assert stream.readline() == b"id: 4\n"
    holder.kill()
    holder.wait()
    assert stream.read().endswith(b'event: end\ndata: {"state": "interrupted"}\n\n')
    connection.close()


@pytest.mark.slow
@pytest.mark.timeout(400)  # two processes that import everything, one after another
def test_a_training_is_started_watched_stopped_and_gone_on_with(rooms: Any) -> None:
    settings = {"preset": "tiny", "compile": False, "preview_pictures": 0, "held_out_pictures": 0, "batch_size": 8}
    body = {"name": "mine", "collection": "shapes", "minutes": 50, "settings": settings}
    assert rooms.post("/api/runs", body).status == 201
    assert rooms.post("/api/runs", {**body, "name": "other"}).status == 429, "one at a time"
    for _ in range(300):
        run = rooms.ask("GET", "/api/runs/mine")
        if run.status == 200 and run.json["pictures_seen"] > 0:
            break
        time.sleep(0.5)
    assert run.json["state"] == "running" and run.json["losses"]
    assert rooms.post("/api/runs/mine/stop", {}).status == 200
    events = rooms.ask("GET", "/api/runs/mine/events").body
    assert events.endswith(b'event: end\ndata: {"state": "interrupted"}\n\n')
    seen = rooms.ask("GET", "/api/runs/mine").json["pictures_seen"]
    while rooms.post("/api/runs", {"name": "mine", "collection": "shapes"}).status == 429:  # it has not quite ended
        time.sleep(0.5)
    for _ in range(300):
        if (facts := rooms.ask("GET", "/api/runs/mine").json)["pictures_seen"] > seen:
            break
        time.sleep(0.5)
    assert facts["state"] == "running" and facts["pictures_seen"] > seen
    assert rooms.post("/api/runs/mine/stop", {}).status == 200
