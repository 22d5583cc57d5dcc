"""Kills, signals and several processes: the promises that need processes to test them."""

from __future__ import annotations

import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from mindseye.collection.collection import Collection
from mindseye.errors import BadInput
from mindseye.train.distributed import World
from mindseye.train.run import RunFolder

PROGRAM = Path(__file__).with_name("tiny.py")
pytestmark = pytest.mark.timeout(300)  # seconds on an idle machine
QUIET = ["preview_pictures=0", "held_out_pictures=0"]
OFTEN = "checkpoint_minutes=0"
GOAL = "pictures=960"  # 120 steps
FOR_EVER = "pictures=1000000000"


class Nursery:
    """Starts trainings of the tiny family, each in a process of its own, quickly: by forks of one that is ready."""

    def __init__(self, collection: Path) -> None:
        self.collection = collection
        self.process = subprocess.Popen(
            [sys.executable, str(PROGRAM), "--nursery"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | {"OMP_NUM_THREADS": "1"},
        )

    def _ask(self, request: object) -> int:
        assert self.process.stdin and self.process.stdout
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        return int(self.process.stdout.readline())

    def start(self, folder: Path, *settings: str) -> int:
        """The process id of a new training."""
        return self._ask([str(folder), str(self.collection), *QUIET, *settings])

    def wait(self, process: int) -> int:
        """The exit code of a training, once it has ended; minus the signal's number if that ended it."""
        return self._ask(process)


@pytest.fixture(scope="module")
def nursery(collection: Collection) -> Iterator[Nursery]:
    made = Nursery(collection.path)
    yield made
    made.process.kill()


def wait_for(folder: Path, event: str, count: int = 1) -> None:
    """Until the training in `folder` has written `count` events of this name."""
    deadline = time.monotonic() + 250
    while number_of(folder, event) < count:
        assert time.monotonic() < deadline and not number_of(folder, "finished"), folder.with_suffix(".log").read_text()
        time.sleep(0.005)


def number_of(folder: Path, event: str) -> int:
    return sum(written["event"] == event for written in RunFolder(folder).events.read())


def orders(folder: Path) -> dict[int, str]:
    """The data-order digest at every position where it was logged."""
    logged: dict[int, str] = {}
    for event in RunFolder(folder).events.read():
        if "order" in event:
            assert logged.setdefault(event["pictures_seen"], event["order"]) == event["order"]
    return logged


def final_weights(folder: Path) -> list[str]:
    files = [
        folder / "model" / "weights.safetensors",
        *sorted(max(folder.glob("checkpoints/0*")).glob("*.safetensors")),
    ]
    return [hashlib.sha256(file.read_bytes()).hexdigest() for file in files]


def test_after_three_kills_the_weights_and_the_order_are_those_of_an_unbroken_training(
    nursery: Nursery, tmp_path: Path
) -> None:
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    unbroken = nursery.start(whole, GOAL, OFTEN)
    luck = random.Random(0)
    for _ in range(3):
        enough = number_of(broken, "checkpoint") + luck.randint(2, 12)
        process = nursery.start(broken, GOAL, OFTEN)
        wait_for(broken, "checkpoint", enough)
        time.sleep(luck.uniform(0, 0.02))
        os.kill(process, signal.SIGKILL)
        assert nursery.wait(process) == -signal.SIGKILL
        assert RunFolder(broken).state == "interrupted"
    assert nursery.wait(nursery.start(broken, GOAL, OFTEN)) == 0
    assert nursery.wait(unbroken) == 0
    assert final_weights(broken) == final_weights(whole)
    logged = orders(whole)
    assert len(logged) >= 120 and orders(broken).items() <= logged.items()
    assert number_of(broken, "started") == 4


@pytest.mark.parametrize(("number", "exit_code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_signal_saves_and_leaves_within_ten_seconds(
    nursery: Nursery, tmp_path: Path, number: signal.Signals, exit_code: int
) -> None:
    if number == signal.SIGHUP and signal.getsignal(number) is signal.SIG_IGN:
        pytest.skip("these tests run under nohup, and so would the training")
    run = RunFolder(tmp_path / "run")
    process = nursery.start(run.path, FOR_EVER)
    wait_for(run.path, "speed")
    time.sleep(0.2)
    sent = time.monotonic()
    os.kill(process, number)
    assert nursery.wait(process) == exit_code
    assert time.monotonic() - sent < 10
    assert run.state == "interrupted"
    assert [event["event"] for event in run.events.read()][-2:] == ["checkpoint", "interrupted"]


def test_a_second_signal_leaves_at_once(nursery: Nursery, tmp_path: Path) -> None:
    process = nursery.start(tmp_path / "run", FOR_EVER, OFTEN)
    wait_for(tmp_path / "run", "checkpoint")
    os.kill(process, signal.SIGTERM)
    os.kill(process, signal.SIGINT)
    assert nursery.wait(process) in (130, 143)


def test_two_processes_see_and_learn_what_one_does(nursery: Nursery, collection: Collection, tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    alone = nursery.start(one, "pictures=160")
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    command = [*launcher, str(PROGRAM), str(two), str(collection.path), *QUIET, "pictures=160"]
    together = subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=250, env=os.environ | {"OMP_NUM_THREADS": "1"}
    )
    assert together.returncode == 0, together.stderr
    assert nursery.wait(alone) == 0
    last, last_of_two = (
        [event for event in RunFolder(folder).events.read() if event["event"] == "progress"][-1]
        for folder in (one, two)
    )
    assert abs(last["loss"] - last_of_two["loss"]) < 1e-4
    assert last["order"] == last_of_two["order"]
    assert [event["processes"] for event in RunFolder(two).events.read() if event["event"] == "started"] == [2]
    first, second = (load_file(folder / "checkpoints/000000160/weights.safetensors") for folder in (one, two))
    assert all(torch.allclose(first[name], second[name], atol=1e-3) for name in first)


def test_a_batch_that_two_processes_cannot_share_is_refused() -> None:
    assert World(1, 2).slice_of(8) == slice(4, 8)
    with pytest.raises(BadInput, match="batch_size 7 cannot be shared by 2 processes"):
        World(1, 2).slice_of(7)
