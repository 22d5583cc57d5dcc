"""Serving one model to 1, 4, 16 and 64 clients: requests/s and waiting times, ours and three other servers.

    python benchmarks/serve.py emoji > serve.jsonl                      about 20 minutes on two idle cores
    python benchmarks/serve.py emoji --seconds 10 --clients 1 4         shorter
    python benchmarks/serve.py emoji --clients 1 4 --rounds 4           in turns, on a machine whose speed swings

Every client asks for one picture at the model's own settings, and for the next as soon as it has it. Each server is a
process of its own on the same cores as the clients, and they take turns: while one is measured the others stand still.
The peers draw with the same weights:

    one at a time   FastAPI and `Imaginer.imagine` behind a lock
    LitServe        batches of up to 16, gathered for 10 ms, drawn by `Imaginer.imagine_each`
    diffusers       FastAPI and the model's own diffusers pipeline, a call a request

One JSON line a figure on standard output. Goals: at 16 clients at least 90 % of the rate at which 16 pictures are drawn
in one go without any server, never fewer requests/s than the best of the others, and 99 of 100 requests within a
quarter more than a full queue takes to be drawn.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import socket
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path

from mindseye.serve.limits import Limits
from record import print_figure, say

HERE = Path(__file__).resolve().parent
PROMPTS = ("a smiling cat", "red heart", "a slice of cake", "dog face", "a green tree", "a blue fish")
PEERS = {"one at a time": "one_at_a_time.py", "LitServe": "lit.py", "diffusers": "diffusers_pipeline.py"}
OURS = "mindseye serve"
GOAL_SHARE = 0.9
GOAL_WAIT = 1.25  # of the time that a full queue takes
IN_ONE_GO = 16


@dataclass(frozen=True)
class Waited:
    """What a number of clients met.

    Attributes:
        seconds: each answered request took.
        lasted: seconds, all turns together.
        refused: requests that were told to come again.
    """

    seconds: list[float]
    lasted: float
    refused: int

    def __add__(self, other: Waited) -> Waited:
        return Waited(self.seconds + other.seconds, self.lasted + other.lasted, self.refused + other.refused)

    @property
    def rate(self) -> float:
        """Answered requests a second."""
        return len(self.seconds) / self.lasted

    def percentile(self, share: float) -> float:
        return sorted(self.seconds)[min(len(self.seconds) - 1, int(share * len(self.seconds)))]


@dataclass(frozen=True)
class Server:
    """A server in a process of its own, which stands still but for its turns.

    Attributes:
        port: where it listens.
        group: its processes.
    """

    port: int
    group: int

    @contextmanager
    def turn(self) -> Iterator[None]:
        os.killpg(self.group, signal.SIGCONT)
        try:
            yield
        finally:
            os.killpg(self.group, signal.SIGSTOP)


@contextmanager
def running(name: str, model: str) -> Iterator[Server]:
    """A server that is ready to draw, and waits for its turn."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    words = (
        [sys.executable, "-m", "mindseye", "serve", model, "--port", str(port), "--remember", "0"]
        if name == OURS
        else [sys.executable, str(HERE / "peers" / "servers" / PEERS[name]), model, str(port)]
    )
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    try:
        until = time.monotonic() + 180
        while answered(port, PROMPTS[0], 0) != 200:
            if process.poll() is not None or time.monotonic() > until:
                raise SystemExit(f"{name} did not start")
            time.sleep(0.5)
        os.killpg(process.pid, signal.SIGSTOP)
        yield Server(port, process.pid)
    finally:
        os.killpg(process.pid, signal.SIGKILL)  # LitServe has children
        process.wait()


def answered(port: int, prompt: str, seed: int) -> int:
    """Asks for one picture; the status of the answer, 0 if there was none."""
    connection = HTTPConnection("127.0.0.1", port, timeout=600)
    try:
        body = json.dumps({"prompt": prompt, "seed": seed})
        connection.request("POST", "/v1/images/generations", body, {"content-type": "application/json"})
        answer = connection.getresponse()
        whole = json.loads(answer.read())
        return answer.status if answer.status != 200 or whole["data"][0]["b64_json"] else 0
    except (OSError, HTTPException):
        return 0
    finally:
        connection.close()


def offered(port: int, clients: int, seconds: float) -> Waited:
    """So many clients, each asking again as soon as it has its picture, until the time is over."""
    began = time.monotonic()
    took: list[float] = []
    refused: list[int] = []

    def ask_on(client: int) -> None:
        number = 0
        while time.monotonic() - began < seconds:
            asked = time.monotonic()
            number += 1
            status = answered(port, PROMPTS[(client + number) % len(PROMPTS)], 1000 * client + number)
            if status == 200:
                took.append(time.monotonic() - asked)
            else:
                refused.append(status)
                time.sleep(1)

    threads = [threading.Thread(target=ask_on, args=(client,)) for client in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return Waited(took, time.monotonic() - began, len(refused))


def drawing_rate(model: str) -> float:
    """Pictures a second in one go, without any server: the median of three, in a process of its own."""
    code = (
        "import sys, time, mindseye\n"
        "imaginer = mindseye.load(sys.argv[1])\n"
        f"prompts = ({PROMPTS!r} * 3)[:{IN_ONE_GO}]\n"
        "imaginer.imagine_each(prompts[:2], [0, 1])\n"
        "for turn in range(3):\n"
        "    began = time.perf_counter()\n"
        "    imaginer.imagine_each(prompts, range(len(prompts)))\n"
        "    print(len(prompts) / (time.perf_counter() - began))\n"
    )
    done = subprocess.run([sys.executable, "-c", code, model], capture_output=True, text=True, check=True)
    return statistics.median(map(float, done.stdout.split()))


def report(clients: int, met: dict[str, Waited], rate: float, model: str) -> None:
    """Figures of one number of clients: ours beside the drawing rate, and beside each of the others."""
    ours = met[OURS]
    print_figure(
        f"requests a second, {clients} clients", ours.rate, rate, f"drawing {IN_ONE_GO} in one go, no server",
        "requests/s", better="higher", goal_ratio=GOAL_SHARE if clients == IN_ONE_GO else None, model=model,
        n=len(ours.seconds), refused=ours.refused,
    )  # fmt: skip
    print_figure(
        f"p99, {clients} clients", ours.percentile(0.99), Limits().queued_pictures / ours.rate,
        "a full queue, drawn at that rate", "s", better="lower", goal_ratio=GOAL_WAIT, model=model,
        n=len(ours.seconds), refused=ours.refused,
    )  # fmt: skip
    for name, theirs in met.items():
        if name == OURS:
            continue
        more = {
            "model": model,
            "n": [len(ours.seconds), len(theirs.seconds)],
            "refused": [ours.refused, theirs.refused],
        }
        print_figure(
            f"requests a second, {clients} clients", ours.rate, theirs.rate, name, "requests/s",
            better="higher", goal_ratio=1.0, **more,
        )  # fmt: skip
        for share in (0.5, 0.99):
            print_figure(
                f"p{100 * share:.0f}, {clients} clients", ours.percentile(share), theirs.percentile(share), name,
                "s", better="lower", **more,
            )  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", help="a shipped model's name, or a folder of the family diffusion")
    parser.add_argument("--clients", type=int, nargs="+", default=[1, 4, 16, 64])
    parser.add_argument("--seconds", type=float, default=60.0, help="for each server and number of clients")
    parser.add_argument("--rounds", type=int, default=1, help="turns that these seconds are divided into")
    parser.add_argument("--peers", nargs="*", choices=PEERS, default=list(PEERS))
    chosen = parser.parse_args(arguments)
    rate = drawing_rate(chosen.model)
    say(f"{rate:.2f} pictures/s drawn in one go")
    met: dict[int, dict[str, Waited]] = {clients: {} for clients in chosen.clients}
    with ExitStack() as all_of_them:
        servers = {name: all_of_them.enter_context(running(name, chosen.model)) for name in (OURS, *chosen.peers)}
        for clients in chosen.clients:
            for _ in range(chosen.rounds):
                for name, server in servers.items():
                    with server.turn():
                        waited = offered(server.port, clients, chosen.seconds / chosen.rounds)
                    met[clients][name] = met[clients].get(name, Waited([], 0.0, 0)) + waited
                    say(f"{name}, {clients} clients: {waited.rate:.2f} requests/s, n = {len(waited.seconds)}")
    for clients in chosen.clients:
        report(clients, met[clients], rate, chosen.model)


if __name__ == "__main__":
    main()
