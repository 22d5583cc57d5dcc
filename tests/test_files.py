"""What is written is whole or not there, whatever the disk does; and what is under way is told while it is."""

from __future__ import annotations

import builtins
import errno
import io
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from mindseye import files
from mindseye.cli.drawing import save_beside, slug
from mindseye.errors import BadInput, Unavailable
from mindseye.imagine.imaginer import load
from mindseye.learn.folder import save_model
from mindseye.pictures.story import Story, png_bytes, read_story, save_png
from mindseye.train.checkpoint import Position, save_checkpoint
from mindseye.train.run import RunFolder

PICTURE = np.zeros((8, 8, 3), np.uint8)
STORY = Story(prompt="a cat", model="tiny", seed=1, width=8, height=8)
SAID = {
    errno.EROFS: "the folder is read-only",
    errno.EACCES: "permission denied",
    errno.EIO: os.strerror(errno.EIO),
    errno.ENOSPC: "the disk is full",
}


class Failing:
    """A file on a disk that fails: of what is written, half is taken."""

    def __init__(self, file: Any, number: int) -> None:
        self._file = file
        self._number = number

    def write(self, data: Any) -> int:
        self._file.write(data[: len(data) // 2])
        raise OSError(self._number, os.strerror(self._number))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)

    def __enter__(self) -> Failing:
        return self

    def __exit__(self, *what: object) -> None:
        self._file.close()


def fail(patch: pytest.MonkeyPatch, number: int) -> None:
    """Lets every file that is written fail: at its opening where that is what such a disk does, else when written."""
    really = io.open

    def opened(file: Any, mode: str = "r", *arguments: Any, **options: Any) -> Any:
        if set(mode).isdisjoint("wax+"):
            return really(file, mode, *arguments, **options)
        if number in (errno.EROFS, errno.EACCES):
            raise OSError(number, os.strerror(number), str(file))
        return Failing(really(file, mode, *arguments, **options), number)

    patch.setattr(io, "open", opened)
    patch.setattr(builtins, "open", opened)


def save_model_again(path: Path, tiny_folder: Path) -> None:
    model = load(tiny_folder, device="cpu")
    assert model.about is not None
    save_model(path, model.painter.family, model.painter.model, model.about, ["cat"], sheet=Image.new("RGB", (8, 8)))


def save_checkpoint_at(path: Path, tiny_folder: Path) -> None:
    parts = {name: {"w": torch.zeros(4)} for name in ("weights", "average", "optimiser")}
    save_checkpoint(path, Position(1, order="ab"), parts)


WRITES: dict[str, Callable[[Path, Path], object]] = {
    "picture": lambda path, tiny_folder: save_png(path, PICTURE, None),
    "story": lambda path, tiny_folder: save_png(path, PICTURE, STORY),
    "page": lambda path, tiny_folder: files.write_text(path, "words"),
    "drawn": lambda path, tiny_folder: save_beside(path, "a-cat-1", png_bytes(PICTURE, STORY)),
    "model": save_model_again,
    "checkpoint": save_checkpoint_at,
}


@pytest.mark.parametrize("number", SAID, ids=lambda number: errno.errorcode[number])
@pytest.mark.parametrize("what", WRITES)
def test_a_disk_that_fails_is_told_by_name_and_leaves_nothing_half_written(
    tmp_path: Path, tiny_folder: Path, monkeypatch: pytest.MonkeyPatch, what: str, number: int
) -> None:
    path = tmp_path / "there"
    with monkeypatch.context() as patch:
        fail(patch, number)
        with pytest.raises(Unavailable, match=SAID[number]) as refused:
            WRITES[what](path, tiny_folder)
    assert str(path) in refused.value.what and refused.value.next_step
    assert not [each for each in tmp_path.rglob("*") if not each.is_dir()]
    WRITES[what](path, tiny_folder)
    assert path.exists(), "and it works again when the disk does"


@pytest.mark.parametrize("what", ["picture", "story", "page", "model"])
def test_what_was_there_before_a_disk_failed_is_there_after(
    tmp_path: Path, tiny_folder: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    path = tmp_path / "there"
    WRITES[what](path, tiny_folder)
    before = {each: each.read_bytes() for each in tmp_path.rglob("*") if each.is_file()}
    fail(monkeypatch, errno.EIO)
    with pytest.raises(Unavailable):
        WRITES[what](path, tiny_folder)
    assert {each: each.read_bytes() for each in tmp_path.rglob("*") if each.is_file()} == before


@pytest.mark.parametrize("what", WRITES)
def test_a_name_that_is_too_long_is_told(tmp_path: Path, tiny_folder: Path, what: str) -> None:
    with pytest.raises(Unavailable, match="File name too long"):
        WRITES[what](tmp_path / ("a" * 300), tiny_folder)
    assert not list(tmp_path.iterdir())


def test_a_writer_that_has_errors_of_its_own_is_understood(tmp_path: Path) -> None:
    """Weights are written by safetensors, whose errors are no OSErrors."""
    from safetensors.torch import save_file

    with (
        pytest.raises(Unavailable, match=f"{tmp_path / 'index'} cannot be used: Is a directory"),
        files.written_aside(tmp_path / "index") as aside,
    ):
        aside.mkdir()
        save_file({"w": torch.zeros(4)}, aside)
    assert not list(tmp_path.iterdir())
    with pytest.raises(ZeroDivisionError), files.written_aside(tmp_path / "index"):
        raise ZeroDivisionError("(os error 28)")


def test_names_that_differ_in_nothing_but_capitals_are_one_name_and_both_pictures_are_kept(tmp_path: Path) -> None:
    """On disks that do not tell them apart, one would take the other's place."""
    data = [png_bytes(PICTURE, STORY), png_bytes(PICTURE, STORY.model_copy(update={"prompt": "A CAT"}))]
    paths = [save_beside(tmp_path, slug(prompt), each) for prompt, each in zip(("a cat", "A CAT"), data, strict=True)]
    assert [path.name for path in paths] == ["a-cat.png", "a-cat-2.png"]
    assert [read_story(path)["prompt"] for path in paths] == ["a cat", "A CAT"]


def test_what_is_under_way_is_told_until_it_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MINDSEYE_HOME", str(tmp_path))
    with files.announced("server", models=["a"]), files.announced("server", models=["b"]):
        told = files.under_way("server")
        assert [facts["models"] for facts in told] == [["a"], ["b"]] and told[0]["process"] == os.getpid()
        assert not files.under_way("training")
    assert not files.under_way("server") and not list(tmp_path.glob("running/*")), "and nothing is left of it"
    run = RunFolder(tmp_path / "run")
    with run.lease():
        assert [facts["run"] for facts in files.under_way("training")] == [str(run.path)]
    with pytest.raises(BadInput), files.announced("training"):
        raise BadInput("an error goes on its way")
    assert not files.under_way("training")


def test_what_was_killed_is_not_under_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MINDSEYE_HOME", str(tmp_path))
    code = "import time; from mindseye import files\nwith files.announced('server'): print(flush=True); time.sleep(60)"
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as process:
        assert process.stdout and process.stdout.readline()
        assert [facts["process"] for facts in files.under_way("server")] == [process.pid]
        process.send_signal(signal.SIGKILL)
    assert list(tmp_path.glob("running/*.json")), "it could not say goodbye"
    assert not files.under_way("server")
    assert not list(tmp_path.glob("running/*")), "and what it left is cleared away"


@pytest.mark.parametrize("home", ["no folder", "nobody's"])
def test_where_nothing_can_be_told_the_work_is_done_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, home: str
) -> None:
    def unknown() -> Path:
        raise RuntimeError("Could not determine home directory.")

    (tmp_path / "no folder").write_text("")
    monkeypatch.setenv("MINDSEYE_HOME", str(tmp_path / home / "home") if home == "no folder" else "")
    monkeypatch.setattr(Path, "home", unknown)
    done = False
    with files.announced("server"):
        done = True
    assert done
