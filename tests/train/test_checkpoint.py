"""Checkpoints are whole or not there, whatever happens while they are written."""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
import torch

from mindseye.errors import BadInput, Unavailable
from mindseye.train.checkpoint import Position, Tensors, clear_leftovers, load_latest, save_checkpoint

FILE_EVENTS = {"open", "os.rename", "os.remove", "os.rmdir", "os.mkdir", "os.scandir", "os.listdir", "shutil.rmtree"}
KILLED, DONE = 9, 0


def parts(value: float) -> dict[str, Tensors]:
    names = ("weights", "average", "optimiser")
    return {name: {"layer.weight": torch.full((64, 16), value), "step": torch.tensor(value)} for name in names}


def save(folder: Path, pictures_seen: int, held_out: float | None = None) -> None:
    save_checkpoint(folder, Position(pictures_seen, order="ab", held_out=held_out), parts(pictures_seen))


def latest(folder: Path) -> int | None:
    """The pictures seen of the checkpoint that loads, having checked that all of it is from there."""
    checkpoint = load_latest(folder, lambda line: None)
    if checkpoint is None:
        return None
    seen = checkpoint.position.pictures_seen
    for tensors in (checkpoint.weights, checkpoint.average, checkpoint.optimiser):
        assert torch.equal(tensors["layer.weight"], torch.full((64, 16), float(seen)))
    return seen


def in_another_process(action: Callable[[], None]) -> int:
    """Runs `action` in a fork; its exit code."""
    child = os.fork()
    if child == 0:
        try:
            action()
        except BaseException:
            os._exit(1)
        os._exit(DONE)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def killed_at(event_number: int, action: Callable[[], None]) -> Callable[[], None]:
    """`action`, but the process ends without a word at its `event_number`-th file event."""

    def run() -> None:
        met = 0

        def hook(event: str, arguments: tuple[object, ...]) -> None:
            nonlocal met
            if event in FILE_EVENTS:
                met += 1
                if met == event_number:
                    os._exit(KILLED)

        sys.addaudithook(hook)
        action()

    return run


def test_a_checkpoint_comes_back_as_it_was(tmp_path: Path) -> None:
    position = Position(640, 10, 12.5, "beef", 0.25)
    save_checkpoint(tmp_path, position, parts(3.0))
    checkpoint = load_latest(tmp_path, lambda line: None)
    assert checkpoint and checkpoint.position == position
    assert torch.equal(checkpoint.optimiser["step"], torch.tensor(3.0))


def test_without_any_there_is_none(tmp_path: Path) -> None:
    assert latest(tmp_path / "checkpoints") is None


def test_the_last_two_and_the_best_are_kept(tmp_path: Path) -> None:
    for seen, held_out in [(1, 0.9), (2, 0.5), (3, None), (4, 0.7), (5, 0.6), (6, None)]:
        save(tmp_path, seen, held_out)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["000000002", "000000005", "000000006"]


@pytest.mark.parametrize("again", [False, True], ids=["a new one", "one that replaces itself"])
def test_a_kill_at_any_file_event_leaves_one_that_loads(tmp_path: Path, again: bool) -> None:
    target = 3 if again else 4
    for seen in (1, 2, 3):
        save(tmp_path / "before", seen)
    outcomes = []
    for event_number in range(1, 200):
        folder = tmp_path / str(event_number)
        shutil.copytree(tmp_path / "before", folder)
        outcome = in_another_process(killed_at(event_number, partial(save, folder, target)))
        assert outcome in (KILLED, DONE)
        assert latest(folder) in ((2, 3) if again else (3, 4))
        clear_leftovers(folder)
        assert not list(folder.glob(".*"))
        save(folder, 5)
        assert latest(folder) == 5
        outcomes.append(outcome)
        if outcome == DONE:
            break
    assert outcomes.count(KILLED) >= 20 and outcomes[-1] == DONE


@pytest.mark.parametrize("file", ["weights.safetensors", "average.safetensors", "optimiser.safetensors", "state.json"])
@pytest.mark.parametrize("damage", [lambda b: b[: len(b) // 2], lambda b: b"", lambda b: b[:-3] + b"xyz", None])
def test_a_damaged_checkpoint_is_passed_over_by_name(
    tmp_path: Path, file: str, damage: Callable[[bytes], bytes] | None
) -> None:
    save(tmp_path, 1)
    save(tmp_path, 2)
    path = tmp_path / "000000002" / file
    if damage:
        path.write_bytes(damage(path.read_bytes()))
    else:
        path.unlink()
    said: list[str] = []
    checkpoint = load_latest(tmp_path, said.append)
    assert checkpoint and checkpoint.position.pictures_seen == 1
    assert len(said) == 1 and "000000002 is damaged" in said[0]


def test_when_all_are_damaged_nothing_is_begun_anew(tmp_path: Path) -> None:
    save(tmp_path, 1)
    (tmp_path / "000000001" / "state.json").write_text("{}")
    with pytest.raises(BadInput, match="no checkpoint in"):
        load_latest(tmp_path, lambda line: None)


def test_a_file_limit_is_told_and_the_one_before_loads(tmp_path: Path) -> None:
    save(tmp_path, 1)
    message = tmp_path / "message"

    def limited() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))
        try:
            save(tmp_path, 2)
        except Unavailable as error:
            message.write_text(error.what)

    assert in_another_process(limited) == DONE
    assert "000000002 cannot be" in message.read_text()
    assert latest(tmp_path) == 1 and not list(tmp_path.glob(".*"))


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 128 KiB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=128k", "tmpfs", str(disk)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("mounting needs the rights of root")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


def test_a_full_disk_is_told_and_after_making_room_it_goes_on(small_disk: Path) -> None:
    save(small_disk / "checkpoints", 1)
    filler = small_disk / "filler"
    filler.write_bytes(bytes(90_000))
    with pytest.raises(Unavailable, match="the disk is full"):
        save(small_disk / "checkpoints", 2)
    assert latest(small_disk / "checkpoints") == 1
    filler.unlink()
    save(small_disk / "checkpoints", 2)
    assert latest(small_disk / "checkpoints") == 2


def test_a_read_only_disk_is_told(small_disk: Path) -> None:
    save(small_disk / "checkpoints", 1)
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    with pytest.raises(Unavailable, match="the folder is read-only"):
        save(small_disk / "checkpoints", 2)
    assert latest(small_disk / "checkpoints") == 1
