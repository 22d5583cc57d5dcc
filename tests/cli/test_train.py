from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from mindseye.cli.train import parse_settings
from mindseye.errors import BadInput
from mindseye.train.run import RunFolder


def test_settings_are_key_and_value() -> None:
    assert parse_settings(["batch_size=32", "model.width=64", "note=a=b"]) == {
        "batch_size": "32",
        "model.width": "64",
        "note": "a=b",
    }


def test_a_setting_without_a_value_is_refused_by_name() -> None:
    with pytest.raises(BadInput, match="--set batch_size"):
        parse_settings(["batch_size"])


def test_an_unknown_collection_is_refused_by_name(mindseye, tmp_path) -> None:
    said = mindseye("train", "diffusion", "emojy", "--out", tmp_path / "run")
    assert said.code == 2 and "emojy" in said.err and "next:" in said.err
    assert not (tmp_path / "run").exists()


def test_a_training_whose_listener_has_left_goes_on_to_its_end(
    mindseye, picture_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mindseye("collect", picture_folder, tmp_path / "prepared")
    settings = [f"--set={pair}" for pair in ("preset=tiny", "compile=false", "batch_size=4", "preview_pictures=0")]
    reader, writer = os.pipe()
    os.close(reader)
    with open(writer, "w") as nobody:
        monkeypatch.setattr(sys, "stderr", nobody)
        monkeypatch.setattr(sys, "stdout", nobody)
        said = mindseye("train", "vae", tmp_path / "prepared", "--out", tmp_path / "run", "--pictures=8", *settings)
    run = RunFolder(tmp_path / "run")
    assert (said.code, run.state) == (0, "finished") and run.pictures_kept == 8
