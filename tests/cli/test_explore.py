"""`mindseye explore` from the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image
from tests.imagine.vae import small
from tests.observe.sentences import small as sentences


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


@pytest.fixture(scope="module")
def writers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("models")
    return {kind: sentences.folder(folder / kind, kind) for kind in ("vae", "autoencoder")}


def test_with_a_model_of_sentences_a_walk_is_between_two_captions(mindseye, writers, tiny_folder, tmp_path) -> None:
    ends = ("--from", "a smiling cat", "--to", "a red zorblax car", "--steps", 4, "--draw-with", tiny_folder)
    said = mindseye("explore", writers["vae"], *ends, "--beside", writers["autoencoder"], "--out", tmp_path, "--json")
    assert said.code == 0, said.err
    result = json.loads(said.out)
    assert [walk["kind"] for walk in result["walks"]] == ["vae", "autoencoder"]
    assert result["walks"][0]["steps"][0] == {"share": 0.0, "sentence": "a smiling cat"}
    assert (result["way"], result["draws"]) == ("linear", "tiny")
    assert "not in the vocabulary, read as an unknown word: zorblax" in said.err
    with Image.open(result["sheet"]) as sheet:
        assert sheet.format == "PNG"


def test_without_ends_it_tells_what_the_code_says_and_writes_by_chance(
    mindseye, writers, tiny_folder, tmp_path
) -> None:
    said = mindseye("explore", writers["vae"], "--draw-with", tiny_folder, "--out", tmp_path)
    assert said.code == 0, said.err
    assert "of 8 dimensions are active" in said.err and "nats" in said.err
    *written, path = said.out.splitlines()
    assert len(written) == 8 and Path(path).is_file()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--from", "", "--to", "a red car"), "without words"),
        (("--from", "zorblax", "--to", "a red car"), "knows no word"),
        (("--from", "a red car"), "both --from and --to"),
        (("--from", "a cat", "--to", "a car", "--way", "round"), "linear or spherical"),
        (("--dims", "1"), "--dims is for models of pictures"),
        (("--from", "a cat", "--to", "a car", "--beside", "nowhere"), "there is no model 'nowhere'"),
        (("--from", "a cat", "--to", "a car", "--draw-with", "nowhere"), "there is no model 'nowhere'"),
    ],
)
def test_mistakes_with_sentences_are_told_with_the_way_out(mindseye, writers, tmp_path, arguments, told) -> None:
    said = mindseye("explore", writers["vae"], *arguments, "--out", tmp_path / "o")
    assert said.code == 2
    assert told in said.err and "Traceback" not in said.err
    assert not (tmp_path / "o").exists()


def test_what_is_for_sentences_alone_is_refused_with_pictures(mindseye, model: Path, tmp_path: Path) -> None:
    said = mindseye("explore", model, "--way", "linear", "--out", tmp_path / "o")
    assert said.code == 2 and "--way is for models of sentences" in said.err


def test_a_model_of_sentences_does_not_draw_and_says_so(mindseye, writers, tmp_path: Path) -> None:
    said = mindseye("imagine", "a cat", "--model", writers["vae"], "--out", tmp_path / "o")
    assert said.code == 2 and "Traceback" not in said.err
    assert "sentences" in said.err
