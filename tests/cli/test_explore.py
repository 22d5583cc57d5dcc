"""`mindseye explore` from the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image
from tests.imagine.vae import small


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small.folder(tmp_path_factory.mktemp("models") / "small")


def test_a_page_and_a_sheet_are_written_and_the_dimensions_told(mindseye, model: Path, tmp_path: Path) -> None:
    said = mindseye("explore", model, "--dims", "3,0", "--out", tmp_path, "--json")
    assert said.code == 0, said.err
    result = json.loads(said.out)
    assert Path(result["page"]).read_text().startswith("<!doctype html>")
    with Image.open(result["sheet"]) as sheet:
        assert sheet.format == "PNG"
    assert (result["shown"], result["inactive"]) == ([3, 0], [1])
    assert "dimension   2    3.00 nats" in said.err and "inactive: 1" in said.err


def test_a_walk_alone_is_one_strip(mindseye, model: Path, tmp_path: Path) -> None:
    for name, colour in (("a", "red"), ("b", "blue")):
        Image.new("RGB", (16, 16), colour).save(tmp_path / f"{name}.png")
    said = mindseye("explore", model, "--from", tmp_path / "a.png", "--to", tmp_path / "b.png", "--out", tmp_path / "o")
    assert said.code == 0, said.err
    assert said.out.split() == [str(tmp_path / "o" / "small-walk.png")]
    assert [path.name for path in (tmp_path / "o").iterdir()] == ["small-walk.png"]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--dims", "legs"), "--dims 3,7"),
        (("--dims", "0,9"), "there is no dimension 9"),
        (("--words", "red,blue"), "add --collection"),
        (("--from", "a.png"), "both --from and --to"),
        (("--picture", "missing.png"), "no such file"),
    ],
)
def test_mistakes_are_told_with_the_way_out(mindseye, model: Path, tmp_path: Path, arguments, told: str) -> None:
    said = mindseye("explore", model, *arguments, "--out", tmp_path / "o")
    assert said.code == 2
    assert told in said.err and "Traceback" not in said.err
    assert not (tmp_path / "o").exists()


def test_a_model_without_codes_is_told_so(mindseye, tiny_folder: Path, tmp_path: Path) -> None:
    said = mindseye("explore", tiny_folder, "--out", tmp_path)
    assert said.code == 2 and "have no codes" in said.err and "mindseye train vae" in said.err
