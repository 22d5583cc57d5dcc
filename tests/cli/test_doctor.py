from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest

from mindseye.cli import doctor


def test_it_says_what_there_is_and_what_is_running(mindseye, tmp_path: Path) -> None:
    said = mindseye("doctor", tmp_path, "--json")
    found = {each["what"]: each for each in json.loads(said.out)["findings"]}
    assert said.code == 0 and {"python", "device", "compiler", "cache", "mindseye", "text encoder"} <= found.keys()
    assert found["model emoji"]["state"] == "good" and "64 px" in found["model emoji"]["found"]
    assert "training" not in found, "none is running here"
    assert "python" in mindseye("doctor", tmp_path).out


def test_an_extra_that_is_not_there_is_named_with_the_line_that_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    there = metadata.version

    def version(name: str) -> str:
        if name in ("onnx", "torch"):
            raise metadata.PackageNotFoundError(name)
        return "0.0.1" if name == "fastapi" else there(name)

    monkeypatch.setattr(metadata, "version", version)
    found = {each.what: each for each in doctor.packages()}
    assert found["mindseye[onnx]"].state == doctor.LACKING and "onnx is not" in found["mindseye[onnx]"].found
    assert found["mindseye[onnx]"].mend == "pip install 'mindseye[onnx]'"
    assert found["mindseye[serve]"].found == "fastapi 0.0.1 is not >=0.120"
    assert found["mindseye"].state == doctor.BROKEN and "torch is not installed" in found["mindseye"].found
    assert not {"mindseye[dev]", "mindseye[docs]"} & found.keys(), "nobody needs these to draw"


def test_a_training_under_way_is_named(tmp_path: Path) -> None:
    from mindseye.train.run import Plan, RunFolder

    run = RunFolder(tmp_path / "some" / "run")
    run.path.mkdir(parents=True)
    nothing = {name: {} for name in ("pictures", "train", "model", "machine")}
    names = {name: name for name in Plan.model_fields if name not in (*nothing, "format")}
    run.write_plan(Plan.model_validate({**names, **nothing}))
    assert not list(doctor.running(tmp_path)), "nobody holds its lock"
    lock = str(run.path / "lock")
    hold = f"import filelock, time; held = filelock.FileLock({lock!r}); held.acquire(); print('held', flush=True)"
    hold += "; time.sleep(60)"
    with subprocess.Popen([sys.executable, "-c", hold], stdout=subprocess.PIPE) as process:
        assert process.stdout and process.stdout.readline() == b"held\n"
        named = [each.found for each in doctor.running(tmp_path)]
        process.kill()
    assert named == [f"{run.path}: family, 0 pictures seen"]


def test_a_training_of_ones_own_is_named_wherever_it_is(tmp_path: Path) -> None:
    from mindseye.train.run import RunFolder

    run = RunFolder(tmp_path / "far" / "away" / "from" / "here")
    with run.lease():
        assert [each.found for each in doctor.running(tmp_path / "nowhere")] == [
            f"{run.path}: it begins, 0 pictures seen; process {os.getpid()}"
        ]
    assert not list(doctor.running(tmp_path / "nowhere"))


def test_folders_that_cannot_be_written_are_named_with_what_to_set(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("MINDSEYE_CACHE", str(tmp_path / "file" / "cache"))
    [cache, own] = doctor.storage()
    assert cache.state == doctor.BROKEN and "MINDSEYE_CACHE" in cache.mend and own.state == doctor.GOOD
