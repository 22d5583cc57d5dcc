from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mindseye.imagine.imaginer import load
from mindseye.imagine.request import Request


@pytest.fixture
def model(tiny_folder: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(tiny_folder, tmp_path / "tiny"))


def test_a_model_is_corrected_drawn_with_and_put_right_again(mindseye, model: Path, tmp_path: Path) -> None:
    files = {path: path.read_bytes() for path in model.rglob("*") if path.is_file()}
    said = mindseye(
        "correct", model, "--time", "a cat", "a blue cat", "--name", "blue-cat", "--pictures", 1, "--json",
        "--out", tmp_path / "out",
    )  # fmt: skip
    result = json.loads(said.out.splitlines()[-1])
    assert said.code == 0 and result["seconds"] < 10 and result["pairs"] == [["a cat", "a blue cat"]]
    assert {figure["name"] for figure in result["figures"]} >= {"moved/source"}
    assert "not measured" in said.err, "no matcher knows this model's pictures"
    assert Image.open(result["sheet"]).width > 500

    def draw(*options: object) -> np.ndarray:
        out = tmp_path / f"drawn-{len(options)}"
        mindseye("imagine", "a cat", "--model", model, "-n", 1, "--steps", 2, "--out", out, *options)
        return np.asarray(Image.open(out / "a-cat-0.png"))

    plain, edited = draw(), draw("--edit", "blue-cat")
    assert not np.array_equal(plain, edited)
    story = json.loads(mindseye("show", tmp_path / "drawn-2" / "a-cat-0.png", "--json").out)
    assert story["edits"][0].startswith("blue-cat@")

    assert "blue-cat" in mindseye("correct", model, "--list").out
    assert mindseye("correct", model, "--remove", "blue-cat").code == 0
    assert {path: path.read_bytes() for path in model.rglob("*") if path.is_file()} == files
    said = mindseye("imagine", "a cat", "--model", model, "--edit", "blue-cat")
    assert said.code == 2 and "blue-cat" in said.err
    assert mindseye("correct", model, "--list").out == "no edits\n"


def test_an_edit_goes_from_one_copy_of_a_model_to_another(mindseye, model: Path, tmp_path: Path) -> None:
    other = shutil.copytree(model, tmp_path / "other")
    pair = ("a cat", "a dog")
    assert mindseye("correct", model, "--uce", *pair, "--name", "dog", "--preserve", "a car", "--pictures", 0).code == 0
    path = mindseye("correct", model, "--export", "dog", "--out", tmp_path).out.strip()
    assert mindseye("correct", other, "--add", path).code == 0
    [edit] = json.loads(mindseye("correct", other, "--list", "--json").out)["edits"]
    assert (edit["name"], edit["method"], edit["preserve"]) == ("dog", "UCE", ["a car"])


def test_concepts_are_erased_as_uce_does_with_nothing_for_a_destination(mindseye, model: Path) -> None:
    said = mindseye("correct", model, "--erase", "a cat", "a dog", "--name", "none", "--pictures", 0, "--json")
    result = json.loads(said.out.splitlines()[-1])
    assert (result["method"], result["pairs"]) == ("UCE", [["a cat", ""], ["a dog", ""]])
    mindseye("correct", model, "--uce", "a cat", "", "a dog", "", "--name", "same", "--pictures", 0)
    imaginer, edits = load(model), ((), ("none",), ("same",))
    plain, erased, same = (imaginer.imagine(Request(prompt="a cat", steps=2, edits=e))[0].pixels for e in edits)
    assert np.array_equal(erased, same) and not np.array_equal(erased, plain)


def test_a_pipeline_is_corrected_drawn_with_and_put_right_again(
    mindseye, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tests.imagine.pipelines.tiny import stable_diffusion

    monkeypatch.setenv("MINDSEYE_HOME", str(tmp_path / "home"))
    pipeline = tmp_path / "sd"
    stable_diffusion().save_pretrained(pipeline)
    pair = ("a rose", "a blue rose")
    said = mindseye("correct", pipeline, "--time", *pair, "--name", "blue", "--pictures", 0, "--json")
    result = json.loads(said.out.splitlines()[-1])
    assert said.code == 0 and Path(result["path"]).is_file() and result["seconds"] < 10
    asked = ("imagine", "a rose", "--model", pipeline, "-n", 1, "--steps", 2)
    plain, edited = tmp_path / "plain", tmp_path / "edited"
    assert mindseye(*asked, "--out", plain).code == mindseye(*asked, "--edit", "blue", "--out", edited).code == 0
    pictures = [np.asarray(Image.open(folder / "a-rose-0.png")) for folder in (plain, edited)]
    assert not np.array_equal(*pictures)
    assert "blue" in mindseye("correct", pipeline, "--list").out
    assert mindseye("correct", pipeline, "--remove", "blue").code == 0
    assert mindseye("correct", pipeline, "--list").out == "no edits\n"
    assert mindseye(*asked, "--edit", "blue").code == 2


def test_an_edit_is_in_force_wherever_pictures_are_drawn(mindseye, model: Path, tmp_path: Path) -> None:
    mindseye("correct", model, "--uce", "a cat", "a blue dog", "--name", "dog", "--lambda", 0.01, "--pictures", 0)
    given = tmp_path / "given.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (16, 16, 3), dtype=np.uint8)).save(given)
    steps = ("--steps", 3)

    def bytes_of(command: tuple[object, ...], *options: object) -> list[bytes]:
        out = tmp_path / "-".join(map(str, (command[0], len(options))))
        assert mindseye(*command, "--out", out, *options).code == 0
        return [path.read_bytes() for path in sorted(out.iterdir())]

    for command in (
        ("complete", model, given, "a cat", "--keep", 0.5, "-n", 1, *steps),
        ("vary", model, given, "a cat", "--strength", 0.9, "-n", 1, *steps),
        ("between", model, "a cat", "--to-seed", 1, "-n", 2, *steps),
        ("grid", "a cat", "--model", model, "--x", "seed=0", "--set", "steps=3"),
    ):
        assert bytes_of(command) != bytes_of(command, "--edit", "dog"), command[0]
        refused = mindseye(*command, "--edit", "cow")
        assert refused.code == 2 and "cow" in refused.err


def test_a_grid_shows_a_prompt_with_and_without_edits(mindseye, model: Path, tmp_path: Path) -> None:
    for name, to in (("dog", "a dog"), ("car", "a car")):
        mindseye("correct", model, "--uce", "a cat", to, "--name", name, "--pictures", 0)
    said = mindseye(
        "grid",
        "a cat",
        "--model",
        model,
        "--x",
        "edits=none,dog,dog+car",
        "--set",
        "steps=2",
        "--out",
        tmp_path,
        "--json",
    )
    [row] = json.loads(said.out)["pictures"]
    assert [[edit.split("@")[0] for edit in each.get("edits", [])] for each in row] == [[], ["dog"], ["dog", "car"]]


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ((), "--time"),
        (("--time", "--uce", "a cat", "a blue cat", "--name", "x"), "--time"),
        (("--time", "a cat", "--name", "x"), "pairs"),
        (("--time", "a cat", "a blue cat"), "--name"),
        (("--time", "a cat", "a dog", "--name", "x"), "same order"),
        (("--time", "a cat", "a blue cat", "--name", "x", "--lambda", "0"), "lambda"),
        (("--uce", "a cat", "a dog", "--name", "x", "--hold", "-1"), "hold cannot be -1"),
        (("--refact", "a cat", "a dog", "--name", "x", "--hold", "1"), "neither lambda nor hold"),
        (("--debias", "a cat", "red", "--name", "x"), "thinker"),
        (("--remove", "nothing"), "nothing"),
        (("--add", "nowhere.safetensors"), "nowhere"),
    ],
)
def test_what_cannot_be_done_is_refused_by_name(mindseye, model: Path, options: tuple[str, ...], named: str) -> None:
    said = mindseye("correct", model, *options)
    assert said.code == 2 and named in said.err and "Traceback" not in said.err
    assert not (model / "edits").exists()
