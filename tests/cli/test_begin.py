from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from mindseye.cli.begin import Place, collected, fingerprint
from mindseye.errors import BadInput


def add_picture(folder: Path) -> None:
    Image.new("RGB", (16, 16), (9, 99, 199)).save(folder / "plain.png")
    (folder / "plain.txt").write_text("a plain blue square\n")


def test_a_folder_is_read_once(picture_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    place = Place(tmp_path / "out")
    first = collected(picture_folder, place)
    assert "read 12 of" in capsys.readouterr().err
    assert collected(picture_folder, place).fingerprint == first.fingerprint
    assert capsys.readouterr().err == ""


def test_a_changed_folder_is_read_again_and_that_is_said(
    picture_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = Place(tmp_path / "out")
    collected(picture_folder, place)
    add_picture(picture_folder)
    assert collected(picture_folder, place).info["pictures"] == 13
    assert "has changed" in capsys.readouterr().err


def test_a_training_that_began_keeps_its_pictures(
    picture_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = Place(tmp_path / "out")
    collected(picture_folder, place)
    place.run.mkdir()
    (place.run / "run.toml").touch()
    add_picture(picture_folder)
    assert collected(picture_folder, place).info["pictures"] == 12
    assert "goes on with the pictures it began with" in capsys.readouterr().err


def test_a_missing_folder_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="nowhere"):
        collected(tmp_path / "nowhere", Place(tmp_path / "out"))


def test_an_out_inside_the_pictures_is_refused(picture_folder: Path) -> None:
    with pytest.raises(BadInput, match="inside"):
        collected(picture_folder, Place(picture_folder / "out"))


def test_a_folder_with_other_things_in_it_is_left_alone(mindseye, picture_folder: Path, tmp_path: Path) -> None:
    occupied = tmp_path / "thesis"
    (occupied / "collection").mkdir(parents=True)
    (occupied / "chapter1.txt").write_text("do not lose me")
    said = mindseye("begin", picture_folder, "--out", occupied)
    assert said.code == 2 and f"{occupied} was not made by begin" in said.err and "next:" in said.err
    assert sorted(path.name for path in occupied.rglob("*")) == ["chapter1.txt", "collection"]
    with pytest.raises(BadInput, match="left alone"):
        collected(picture_folder, Place(occupied / "chapter1.txt"))


def test_a_begin_that_is_refused_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(BadInput, match="no pictures"):
        collected(tmp_path / "empty", Place(tmp_path / "out"))
    assert [path.name for path in tmp_path.iterdir()] == ["empty"]


def test_an_empty_folder_is_taken_and_one_of_begin_goes_on_whatever_was_cut_short(
    picture_folder: Path, tmp_path: Path
) -> None:
    place = Place(tmp_path / "out")
    place.out.mkdir()
    (place.out / ".collection.7.writing").mkdir()  # what a power cut leaves of a collection
    assert collected(picture_folder, place).info["pictures"] == 12
    place.record.unlink()  # or it came just after the collection
    assert collected(picture_folder, place).info["pictures"] == 12
    (place.out / "notes.txt").write_text("mine")
    assert collected(picture_folder, place).info["pictures"] == 12


def test_the_fingerprint_of_a_folder_follows_its_files(picture_folder: Path) -> None:
    before = fingerprint(picture_folder)
    assert fingerprint(picture_folder) == before
    os.utime(picture_folder / "square0.png", (0, 0))
    assert fingerprint(picture_folder) != before


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_one_command_goes_from_a_folder_to_a_model_that_draws(picture_folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    command = [sys.executable, "-m", "mindseye", "begin", str(picture_folder), "--out", str(out), "--minutes", "0.05"]
    done = subprocess.run([*command, "--json"], capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout.splitlines()[-1])
    assert result["pictures"] == 12 and result["excluded"] == 1
    assert all(Path(result[name]).exists() for name in ("collection", "report", "run", "model", "sheet"))

    again = subprocess.run([*command, "--json"], capture_output=True, text=True, stdin=subprocess.DEVNULL, check=True)
    assert json.loads(again.stdout.splitlines()[-1]) == result
    assert "is finished" in again.stderr

    drawn = [sys.executable, "-m", "mindseye", "imagine", "a noisy zebra", "-n", "2", "--model", result["model"]]
    done = subprocess.run(
        [*drawn, "--out", str(tmp_path / "pictures"), "--json"], capture_output=True, text=True, check=True
    )
    pictures = json.loads(done.stdout.splitlines()[-1])
    assert [picture["seed"] for picture in pictures["pictures"]] == [0, 1]
    assert pictures["unknown_words"] == ["zebra"] and "zebra" in done.stderr
    sizes = [Image.open(picture["path"]).size for picture in pictures["pictures"]]
    assert sizes == [(picture["width"], picture["height"]) for picture in pictures["pictures"]]
