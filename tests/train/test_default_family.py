"""The promises as the person meets them: the default family, compiled and killed three times from outside, and shared
by two processes."""

from __future__ import annotations

import hashlib
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from mindseye.collection.collection import Collection
from mindseye.train.run import RunFolder

SETTINGS = ["--set", "preset=tiny", "--set", "batch_size=16", "--set", "preview_pictures=4"]
GOAL = ["--pictures", "16000", "--set", "checkpoint_minutes=0.01"]


def start(collection: Collection, run: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "mindseye", "train", "diffusion", str(collection.path), "--out", str(run)]
    with open(run.with_suffix(".log"), "ab") as log:
        return subprocess.Popen([*command, *SETTINGS, *GOAL], stdout=log, stderr=log)


def checkpoints(run: Path) -> int:
    return sum(event["event"] == "checkpoint" for event in RunFolder(run).events.read())


def digests(run: Path) -> dict[str, str]:
    files = [
        *sorted(max(run.glob("checkpoints/0*")).glob("*.safetensors")),
        *sorted(run.rglob("model/*/*.safetensors")),
    ]
    return {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_three_kills_leave_no_trace_in_the_weights_of_a_compiled_diffusion_model(
    collection: Collection, tmp_path: Path
) -> None:
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    assert start(collection, whole).wait() == 0, whole.with_suffix(".log").read_text()
    luck = random.Random(1)
    for _ in range(3):
        process, enough = start(collection, broken), checkpoints(broken) + luck.randint(2, 6)
        while checkpoints(broken) < enough:
            assert process.poll() is None, broken.with_suffix(".log").read_text()
            time.sleep(luck.uniform(0.001, 0.05))
        process.kill()
        process.wait()
    assert not (broken / "model").exists()
    assert start(collection, broken).wait() == 0, broken.with_suffix(".log").read_text()
    assert len(digests(whole)) == 4
    assert digests(broken) == digests(whole)
    compiled = [event["compiled"] for event in RunFolder(broken).events.read() if event["event"] == "compile"]
    assert len(compiled) == 4


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_two_processes_learn_what_one_does(collection: Collection, tmp_path: Path) -> None:
    once = ["--pictures", "320", "--set", "compile=false", "--set", "precision=float32", "--set", "threads=1"]
    launchers = {"one": [sys.executable], "two": [sys.executable, *"-m torch.distributed.run --standalone".split()]}
    launchers["two"] += ["--nproc-per-node", "2"]
    losses, orders = {}, {}
    for name, launcher in launchers.items():
        run = RunFolder(tmp_path / name)
        command = [*launcher, "-m", "mindseye", "train", "diffusion", str(collection.path), "--out", str(run.path)]
        done = subprocess.run([*command, *SETTINGS, *once], capture_output=True, text=True, check=False, timeout=400)
        assert done.returncode == 0, done.stderr
        told = [event for event in run.events.read() if event["event"] == "progress"]
        seen = [event["pictures_seen"] for event in told]
        assert seen[-1] == 320, "20 steps of 16"
        parts = [event["loss"] * (now - before) for event, before, now in zip(told, [0, *seen], seen, strict=False)]
        losses[name], orders[name] = sum(parts) / seen[-1], told[-1]["order"]
    assert orders["one"] == orders["two"]
    assert abs(losses["one"] - losses["two"]) < 1e-4
