"""`mindseye search` and `mindseye repair` as the shell sees them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image


@pytest.fixture
def collection(mindseye, picture_folder: Path, tmp_path: Path) -> Path:
    assert mindseye("collect", picture_folder, tmp_path / "collection").code == 0
    return tmp_path / "collection"


def test_words_are_answered_in_one_line_of_json_and_a_sheet(mindseye, collection: Path, tmp_path: Path) -> None:
    said = mindseye("search", collection, "a noisy square", "-n", 5, "--out", tmp_path / "sheet.png", "--json")
    assert said.code == 0
    answer = json.loads(said.out)
    assert len(answer["results"]) == 5
    assert set(answer["results"][0]) == {"path", "caption", "distance", "score"}
    assert answer["sheet"] == str(tmp_path / "sheet.png")
    assert Image.open(tmp_path / "sheet.png").width > 200
    assert "looking at" in said.err
    assert "looking at" not in mindseye("search", collection, "a noisy square").err


def test_a_picture_file_is_looked_for_by_its_looks(mindseye, collection: Path, picture_folder: Path) -> None:
    said = mindseye("search", collection, picture_folder / "square3.png", "-n", 1)
    assert said.code == 0
    assert "square3.png" in said.out.splitlines()[1]


def test_mistakes_are_told_without_a_traceback(mindseye, collection: Path, picture_folder: Path) -> None:
    for query, word in (("absent.png", "no picture"), (picture_folder / "broken.png", "broken.png"), ("", "nothing")):
        said = mindseye("search", collection, query)
        assert said.code == 2
        assert word in said.err
    assert mindseye("search", "no-such-collection", "a cat").code == 2


def test_a_model_is_protected_damaged_and_repaired(mindseye, tiny_folder: Path, tmp_path: Path) -> None:
    pytest.importorskip("zfec")
    pytest.importorskip("reedsolo")
    import shutil

    from mindseye.imagine.imaginer import load

    model = Path(shutil.copytree(tiny_folder, tmp_path / "model"))
    assert mindseye("repair", model).code == 2
    assert mindseye("repair", model, "--protect").code == 0
    weights = max(model.rglob("*.safetensors"), key=lambda path: path.stat().st_size)
    before = weights.read_bytes()
    damaged = bytearray(before)
    damaged[len(before) // 2] ^= 0x40
    weights.write_bytes(damaged)
    said = mindseye("repair", model, "--json")
    assert said.code == 0
    assert sum(file["damaged"] for file in json.loads(said.out)["files"]) == 1
    assert weights.read_bytes() == before
    assert load(model).about.family == "diffusion"
    assert "whole" in mindseye("repair", model).out
