"""The promise as the person meets it: the default family, compiled, killed three times from outside."""

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
