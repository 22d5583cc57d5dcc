"""Kills, signals and several processes: the promises that need processes to test them."""

from __future__ import annotations

import hashlib
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from mindseye.collection.collection import Collection
from mindseye.errors import BadInput
from mindseye.train.distributed import World
from mindseye.train.run import RunFolder

PROGRAM = Path(__file__).with_name("tiny.py")
QUIET = ["preview_pictures=0", "held_out_pictures=0"]
OFTEN = "checkpoint_minutes=0.0005"
FOR_EVER = "pictures=1000000000"


@pytest.fixture
def start(collection: Collection) -> Callable[..., subprocess.Popen[str]]:
    """Starts a training of the tiny family in its own process."""

    def run(folder: Path, *settings: str, launcher: tuple[str, ...] = ()) -> subprocess.Popen[str]:
        command = [sys.executable, *launcher, str(PROGRAM), str(folder), str(collection.path), *QUIET, *settings]
        environment = os.environ | {"OMP_NUM_THREADS": "1"}
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment)

    return run


def finish(process: subprocess.Popen[str]) -> None:
    output, _ = process.communicate(timeout=100)
    assert process.returncode == 0, output


def checkpoints(folder: Path) -> int:
    """How many checkpoints were written so far."""
    return sum(event["event"] == "checkpoint" for event in RunFolder(folder).events.read())


def wait_for(condition: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 100
    while not condition():
        assert process.poll() is None and time.monotonic() < deadline, process.communicate()[0]
        time.sleep(0.005)


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
    start: Callable[..., subprocess.Popen[str]], tmp_path: Path
) -> None:
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    unbroken = start(whole, "pictures=4000", "checkpoint_minutes=0")
    luck = random.Random(0)
    for _ in range(3):
        target = checkpoints(broken) + luck.randint(2, 12)
        process = start(broken, "pictures=4000", OFTEN)
        wait_for(lambda target=target: checkpoints(broken) >= target, process)
        time.sleep(luck.uniform(0, 0.02))
        process.kill()
        process.wait()
        assert RunFolder(broken).state == "interrupted"
    finish(start(broken, "pictures=4000", OFTEN))
    finish(unbroken)
    assert final_weights(broken) == final_weights(whole)
    logged = orders(whole)
    assert len(logged) >= 500 and orders(broken).items() <= logged.items()
    assert len([event for event in RunFolder(broken).events.read() if event["event"] == "started"]) == 4


@pytest.mark.parametrize(("number", "exit_code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_saves_and_leaves_within_ten_seconds(
    start: Callable[..., subprocess.Popen[str]], tmp_path: Path, number: signal.Signals, exit_code: int
) -> None:
    process = start(tmp_path / "run", FOR_EVER, "preview_pictures=4")
    wait_for(lambda: speed_known(tmp_path / "run"), process)
    time.sleep(0.2)
    sent = time.monotonic()
    process.send_signal(number)
    assert process.wait(timeout=20) == exit_code
    assert time.monotonic() - sent < 10
    run = RunFolder(tmp_path / "run")
    assert run.state == "interrupted"
    assert [event["event"] for event in run.events.read()][-2:] == ["checkpoint", "interrupted"]


def test_a_second_signal_leaves_at_once(start: Callable[..., subprocess.Popen[str]], tmp_path: Path) -> None:
    process = start(tmp_path / "run", FOR_EVER, OFTEN)
    wait_for(lambda: checkpoints(tmp_path / "run") > 0, process)
    process.send_signal(signal.SIGTERM)
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=10) in (130, 143)


def speed_known(folder: Path) -> bool:
    """Whether the training itself has begun."""
    return any(event["event"] == "speed" for event in RunFolder(folder).events.read())


def test_two_processes_see_and_learn_what_one_does(start: Callable[..., subprocess.Popen[str]], tmp_path: Path) -> None:
    settings = ("pictures=160", "held_out_pictures=4")
    one, two = tmp_path / "one", tmp_path / "two"
    together = start(two, *settings, launcher=("-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"))
    finish(start(one, *settings))
    finish(together)
    final = {
        folder: [e for e in RunFolder(folder).events.read() if e["event"] == "progress"][-1] for folder in (one, two)
    }
    assert abs(final[one]["loss"] - final[two]["loss"]) < 1e-4
    assert final[one]["order"] == final[two]["order"]
    assert [event["processes"] for event in RunFolder(two).events.read() if event["event"] == "started"] == [2]
    first, second = (load_file(folder / "checkpoints/000000160/weights.safetensors") for folder in (one, two))
    assert all(torch.allclose(first[name], second[name], atol=1e-3) for name in first)


def test_a_batch_that_two_processes_cannot_share_is_refused() -> None:
    assert World(1, 2).slice_of(8) == slice(4, 8)
    with pytest.raises(BadInput, match="batch_size 7 cannot be shared by 2 processes"):
        World(1, 2).slice_of(7)
