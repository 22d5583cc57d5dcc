from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    path = tmp_path / "zorble.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (20, 30, 3), dtype=np.uint8)).save(path)
    return path


def test_a_word_is_taught_drawn_recognised_listed_and_taken_back(
    mindseye, tiny_folder: Path, picture: Path, tmp_path: Path
) -> None:
    out, sheets = tmp_path / "knows", tmp_path / "sheets"
    said = mindseye(
        "teach", tiny_folder, "zorble", picture, "--out", out, "--like", "a cat", "--pictures-seen", 16,
        "--sheets", sheets, "--json",
    )  # fmt: skip
    result = json.loads(said.out.splitlines()[-1])
    assert said.code == 0 and (result["word"], result["stands_in"]) == ("zorble", "cat")
    assert Image.open(result["sheet"]).width > 400 and result["bytes"] < 20_000
    said = mindseye("imagine", "a zorble", "--model", out, "-n", 1, "--steps", 1, "--out", sheets, "--json")
    assert json.loads(said.out)["unknown_words"] == []
    found = json.loads(mindseye("recognise", out, picture, "--json").out)
    assert found["said"] == "zorble" and found["answers"][0]["taught"] and found["confidence"] is None
    assert "zorble" in mindseye("correct", out, "--list").out
    assert "zorble" in mindseye("unteach", out, "zorble").out
    assert mindseye("correct", out, "--list").out == "no edits\n"
    said = mindseye("recognise", out, picture)
    assert said.code == 2 and "mindseye teach" in said.err


def test_judging_says_how_near_the_taught_words_are(
    mindseye, tiny_folder: Path, tiny_thinker: Path, picture: Path, tmp_path: Path
) -> None:
    knows = tmp_path / "knows"
    options = ("--like", "cat", "--pictures-seen", 8, "--pictures", 0)
    mindseye("teach", tiny_folder, "zorble", picture, "--out", knows, *options)
    asked = ("judge", picture, "--model", knows, "--thinker", tiny_thinker, "--prompt", "a zorble")
    [[word, similarity]] = json.loads(mindseye(*asked, "--json").out)["taught"]
    assert word == "zorble" and similarity > 0.999
    assert "taught     1.000  zorble" in mindseye(*asked).out


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("teach", "MODEL", "cat", "PICTURE", "--out", "x"), "--force"),
        (("teach", "MODEL", "zorble", "nowhere.png", "--out", "x"), "nowhere.png"),
        (("unteach", "MODEL", "zorble"), "zorble"),
        (("recognise", "MODEL", "nowhere.png"), "nowhere.png"),
    ],
)
def test_what_cannot_be_done_is_refused_by_name(
    mindseye, tiny_folder: Path, picture: Path, arguments: tuple[str, ...], named: str
) -> None:
    real = {"MODEL": tiny_folder, "PICTURE": picture}
    said = mindseye(*(real.get(argument, argument) for argument in arguments))
    assert said.code == 2 and named in said.err and "Traceback" not in said.err
