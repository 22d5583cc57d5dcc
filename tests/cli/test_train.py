from __future__ import annotations

import pytest

from mindseye.cli.train import parse_settings
from mindseye.errors import BadInput


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
