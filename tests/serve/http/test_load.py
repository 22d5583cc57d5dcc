"""Under load: early and polite refusals, a queue that bounds the waiting, and workers that are free again at once."""

from __future__ import annotations

import itertools
import math
import socket
import statistics
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from itertools import pairwise
from json import dumps
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mindseye.imagine.imaginer import Imaginer, load
from mindseye.serve.http.run import listening
from mindseye.serve.limits import Limits

CLIENTS = 64


def memory_mib() -> float:
    """Resident memory of this process, which the server is a part of."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 2**20


def wait_until_idle(served: Any, seconds: float) -> None:
    until = time.monotonic() + seconds
    while served.service.load != (0, 0):
        assert time.monotonic() < until, "a worker is still at it"
        time.sleep(0.01)


def offer(
    served: Any, seconds: float, clients: int = CLIENTS, a_second: float = math.inf
) -> list[tuple[int, float, dict[str, str]]]:
    """What clients are answered who ask so often a second, all together, and never two things at a time: status,
    seconds, headers. Each asks for a picture of its own every time."""
    began = time.monotonic()

    def ask_on(client: int) -> list[tuple[int, float, dict[str, str]]]:
        answers = []
        for turn in itertools.count():
            time.sleep(max(0.0, began + (client + clients * turn) / a_second - time.monotonic()))
            asked = time.monotonic()
            if asked - began >= seconds:
                return answers
            answer = served.draw(seed=client + clients * turn, num_inference_steps=4)
            answers.append((answer.status, time.monotonic() - asked, dict(answer.headers)))
        raise AssertionError("there is always a next turn")

    with ThreadPoolExecutor(clients) as pool:
        return [answer for answers in pool.map(ask_on, range(clients)) for answer in answers]


def health_seconds(served: Any) -> float:
    """What the shortest of answers takes just now."""
    began = time.monotonic()
    assert served.ask("GET", "/livez").status == 200
    return time.monotonic() - began


def check_overload(serving: Any, tiny: Imaginer, seconds: float, times: float, refusal_seconds: float) -> None:
    """Offers so many times what can be drawn, from 64 clients. A refusal may take `refusal_seconds` where the server
    has the machine to itself; where it is slow to answer anything, longer."""
    limit = 8
    served = serving.start({"tiny": tiny}, Limits(queued_pictures=limit))
    quiet = max(health_seconds(served) for _ in range(10))
    offer(served, 0.3, limit)
    capacity = len(offer(served, 0.6, limit)) / 0.6  # nobody is refused, and there is always something to draw
    before, began = memory_mib(), time.monotonic()
    answers = offer(served, seconds, a_second=times * capacity)
    took_in_all = time.monotonic() - began
    accepted = sorted(took for status, took, _ in answers if status == 200)
    refused = [(took, headers) for status, took, headers in answers if status == 429]
    assert len(accepted) + len(refused) == len(answers), {status for status, _, _ in answers}
    assert accepted and refused
    assert all(int(headers["retry-after"]) >= 1 for _, headers in refused)
    # The 64 clients share the cores with the server, so what an answer takes apart from drawing is as a refusal's.
    apart = [took for took, _ in refused]
    assert statistics.median(apart) < min(statistics.median(accepted), refusal_seconds + 5 * quiet)
    # Nobody waits for more pictures than the queue holds, each at the rate of this very load; twice that is leeway.
    longest_wait = limit * took_in_all / len(accepted)
    assert accepted[int(0.99 * (len(accepted) - 1))] <= 2 * longest_wait + 2 * max(apart)
    assert memory_mib() - before < 64
    wait_until_idle(served, 10)


def test_more_than_it_can_draw_is_refused_early_and_what_it_takes_is_drawn_soon(serving, tiny: Imaginer) -> None:
    check_overload(serving, tiny, 1.5, 4, 0.5)  # so much that a machine that becomes faster is not enough for it


@pytest.mark.slow
def test_twice_as_much_for_a_minute_and_a_refusal_takes_less_than_a_twentieth_of_a_second(
    serving, tiny: Imaginer
) -> None:
    check_overload(serving, tiny, 60.0, 2, 0.05)


@pytest.mark.parametrize("streams", [16, pytest.param(64, marks=pytest.mark.slow)])
def test_streams_that_are_cut_free_the_workers_within_a_step_and_the_others_complete(
    serving, tiny: Imaginer, streams: int
) -> None:
    served = serving.start({"tiny": tiny}, Limits(queued_pictures=CLIENTS))
    body = {"prompt": "a cat", "stream": True, "partial_images": 3, "num_inference_steps": 4}
    chance = np.random.default_rng(0)
    cut_after = {int(client): chance.uniform(0, 0.3) for client in chance.permutation(streams)[: streams // 2]}
    ended = []

    def stream(client: int) -> None:
        connection = HTTPConnection("127.0.0.1", served.port, timeout=60)
        endless = {"num_inference_steps": 200} if client in cut_after else {}
        connection.request(
            "POST", "/v1/images/generations", dumps(body | endless), {"content-type": "application/json"}
        )
        answer = connection.getresponse()
        if client in cut_after:
            time.sleep(cut_after[client])
            answer.close()
        else:
            ended.append(answer.read().count(b"image_generation.completed"))
        connection.close()

    # Those that are to be cut would take minutes, so if they were not cut the others would not complete in time.
    threads = [threading.Thread(target=stream, args=(client,)) for client in range(streams)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(ended) == streams // 2 and all(count == 2 for count in ended), "the event's name, and its type"
    wait_until_idle(served, 2)  # far less than what was cut would take, and a step takes milliseconds
    assert served.service.tally.counts["cancelled"] == streams // 2


def test_a_client_that_leaves_without_a_stream_is_noticed_too(served) -> None:
    before = served.service.tally.counts["cancelled"]
    connection = HTTPConnection("127.0.0.1", served.port, timeout=60)
    body = dumps({"prompt": "a cat", "n": 10, "num_inference_steps": 200})
    connection.request("POST", "/v1/images/generations", body, {"content-type": "application/json"})
    until = time.monotonic() + 10
    while served.service.load == (0, 0) and time.monotonic() < until:
        time.sleep(0.01)
    assert served.service.load[1] == 10
    connection.close()
    wait_until_idle(served, 10)
    assert served.service.tally.counts["cancelled"] == before + 1


@pytest.mark.parametrize(
    ("idlers", "dawdlers", "seconds", "share"),
    [(200, 10, 1.5, 0.5), pytest.param(500, 20, 10.0, 0.99, marks=pytest.mark.slow)],
)
def test_idle_and_slow_connections_hold_nobody_up_and_are_closed_in_time(
    serving, tiny: Imaginer, idlers: int, dawdlers: int, seconds: float, share: float
) -> None:
    served = serving.start({"tiny": tiny}, Limits(header_seconds=seconds, body_seconds=seconds))
    before = [health_seconds(served) for _ in range(10)]
    address = ("127.0.0.1", served.port)
    idle = [socket.create_connection(address) for _ in range(idlers)]
    slow = [socket.create_connection(address) for _ in range(dawdlers)]
    half = [socket.create_connection(address) for _ in range(dawdlers)]
    head = f"POST /v1/images/generations HTTP/1.1\r\nHost: 127.0.0.1:{served.port}\r\ncontent-length: 100\r\n"
    for connection in half:
        connection.sendall(f"{head}content-type: application/json\r\n\r\n".encode())
    took = []
    until = time.monotonic() + 0.5 * seconds  # so that none is closed yet
    for byte in head.encode():
        for connection in [*slow, *half]:
            connection.sendall(bytes([byte]))
        for _ in range(20):
            took.append(health_seconds(served))
            time.sleep(0.005 * seconds)
        if time.monotonic() > until:
            break
    assert sorted(took)[int(share * (len(took) - 1))] < 0.1 + 5 * max(before)
    for connection in [*idle, *slow]:
        connection.settimeout(5 + seconds)
        assert connection.recv(1) == b"", "closed without an answer, since no request came"
    for connection in half:
        connection.settimeout(5 + seconds)
        assert connection.recv(64).startswith(b"HTTP/1.1 408")
    for connection in [*idle, *slow, *half]:
        connection.close()


def test_a_connection_that_stays_may_be_slow_only_once(serving, tiny: Imaginer) -> None:
    served = serving.start({"tiny": tiny}, Limits(header_seconds=1.0))
    request = f"GET /livez HTTP/1.1\r\nHost: 127.0.0.1:{served.port}\r\n\r\n".encode()
    with socket.create_connection(("127.0.0.1", served.port), timeout=5) as connection:
        connection.sendall(request)
        answer = b""
        while not answer.endswith(b"}"):
            answer += connection.recv(4096)
        assert answer.startswith(b"HTTP/1.1 200")
        connection.sendall(request[:20])
        assert connection.recv(1) == b""


def test_the_later_answers_of_a_connection_do_not_wait_for_acknowledgements_of_the_first() -> None:
    with listening("127.0.0.1", 0) as at, socket.create_connection(at.getsockname()):
        connection, _ = at.accept()
        with connection:
            assert connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_only_so_many_uploads_come_in_at_a_time(serving, tiny: Imaginer) -> None:
    served = serving.start({"tiny": tiny}, Limits(uploads=2))
    head = (
        f"POST /v1/images/edits HTTP/1.1\r\nHost: 127.0.0.1:{served.port}\r\ncontent-length: 1000\r\n"
        "content-type: multipart/form-data; boundary=edge\r\n\r\n--edge\r\n"
    )
    held = [socket.create_connection(("127.0.0.1", served.port)) for _ in range(2)]
    for connection in held:
        connection.sendall(head.encode())
    time.sleep(0.3)
    answer = served.edit({"prompt": "a cat"}, {"image": b""})
    assert answer.status == 429 and answer.headers["retry-after"] == "1"
    for connection in held:
        connection.close()
    time.sleep(0.3)
    assert served.edit({"prompt": "a cat"}, {"image": b""}).status == 400


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_ten_thousand_pictures_leave_neither_memory_nor_files_nor_threads_behind(serving, tiny: Imaginer) -> None:
    served = serving.start({"tiny": tiny})

    def held() -> tuple[float, int, int]:
        return memory_mib(), len(list(Path("/proc/self/fd").iterdir())), threading.active_count()

    def after_a_thousand(thousand: int) -> tuple[float, int, int]:
        for seed in range(1000 * thousand, 1000 * (thousand + 1)):
            assert served.draw(seed=seed, num_inference_steps=1).status == 200
        return held()

    memory, files, threads = zip(*[after_a_thousand(thousand) for thousand in range(10)], strict=True)
    # What leaks grows in every thousand; a heap that settles grows in the first few.
    assert statistics.median(late - early for early, late in pairwise(memory)) < 1, "MiB for each thousand"
    assert (files[-1], threads[-1]) == (files[0], threads[0])


def test_what_is_counted_is_what_happened(serving, tiny: Imaginer) -> None:
    served = serving.start({"tiny": tiny}, Limits(pictures=2))
    assert [served.draw(n=n, num_inference_steps=1).status for n in (1, 2, 3)] == [200, 200, 400]
    told = served.ask("GET", "/metrics").body.decode()
    numbers = dict(line.rsplit(" ", 1) for line in told.splitlines() if not line.startswith("#"))
    assert float(numbers["mindseye_pictures_drawn_total"]) == 3
    assert float(numbers['mindseye_requests_total{end="finished"}']) == 2
    assert float(numbers["mindseye_pictures_waiting"]) == 0 and float(numbers["mindseye_ready"]) == 1
    took = [float(numbers[f'mindseye_request_seconds_bucket{{le="{bound}"}}']) for bound in ("1.0", "120.0", "+Inf")]
    assert took == sorted(took) and took[1:] == [2, 2] and float(numbers["mindseye_request_seconds_count"]) == 2
    assert 0 < float(numbers["mindseye_request_seconds_sum"]) < 240


def test_a_lost_drawing_is_told_as_one_and_three_of_them_make_the_server_unready(
    serving, tiny: Imaginer, tiny_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    frail = load(tiny_folder, device="cpu")
    frail.name = "frail"

    def run_out(*arguments: Any) -> Any:
        raise MemoryError

    monkeypatch.setattr(frail.painter, "begin", run_out)
    served = serving.start({"tiny": tiny, "frail": frail})
    for _ in range(3):
        assert served.ask("GET", "/readyz").status == 200
        lost = served.draw(model="frail")
        assert (lost.status, lost.error["code"], lost.headers["x-should-retry"]) == (500, "worker_lost", "true")
        assert served.draw().status == 200, "the others go on"
    assert served.ask("GET", "/readyz").status == 503 and served.ask("GET", "/livez").status == 200
    resting = served.draw(model="frail")
    assert (resting.status, resting.error["code"]) == (503, "resting") and int(resting.headers["retry-after"]) >= 1
    assert served.draw().status == 200
