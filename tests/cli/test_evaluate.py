"""`mindseye evaluate` as the shell sees it: a model or, with --recall, the hashers."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mindseye.collection.collection import Example, write_collection

COLOURS = {"red": (220, 40, 40), "green": (40, 170, 60), "blue": (50, 70, 220)}


@pytest.fixture
def squares(tmp_path: Path) -> Path:
    """66 pictures; a word is on five to six of them."""
    examples = []
    for number in range(66):
        name, colour = list(COLOURS.items())[number % 3]
        picture = np.full((16, 16, 3), 255, np.uint8)
        picture[2 : 3 + number // 6, 2:13] = colour
        file = io.BytesIO()
        Image.fromarray(picture).save(file, format="PNG")
        caption = f"{name} number{number % 11}"
        examples.append(Example(file.getvalue(), f"{number}.png", (caption,), str(number), str(number), "drawn"))
    info = {"size_px": 16, "transparent": False, "pixel_art": True}
    return write_collection(tmp_path / "squares", {"train": examples[:60], "validation": examples[60:]}, info).path


def test_recall_writes_a_page_its_lines_and_its_tables(mindseye, squares: Path, tmp_path: Path) -> None:
    page = tmp_path / "recall.html"
    said = mindseye(
        "evaluate", "--recall", squares, "--bits", "16", "--hashers", "lemon", "--seeds", 1, "--out", page, "--json"
    )
    assert said.code == 0, said.err
    answer = json.loads(said.out)
    assert {row["hasher"] for row in answer["table"]} == {"random", "cca_itq", "lemon"}
    assert answer["queries"] == 6
    assert "<table>" in page.read_text(encoding="utf-8")
    assert len((tmp_path / "recall.jsonl").read_text(encoding="utf-8").splitlines()) == 3 * 6 + 2 * 5, (
        "and a curve each that goes on"
    )
    assert "| lemon |" in (tmp_path / "recall.md").read_text(encoding="utf-8")


def test_mistakes_are_told(mindseye, tmp_path: Path) -> None:
    for arguments, word in (
        ((), "nothing was named"),
        (("emoji",), "nothing was named"),
        (("emoji", "emoji", "shapes"), "too much was named"),
        (("--few-shot",), "no collection was named"),
        (("--few-shot", tmp_path / "absent"), "absent"),
        (("--few-shot", "emoji", "--ways", "one"), "--ways 'one' is no list"),
        (("--few-shot", "emoji", "--ways", "1"), "2 or more concepts"),
        (("--few-shot", "emoji", "--shots", "0"), "1 or more pictures"),
        (("--few-shot", "emoji", "--episodes", "29"), "29 episodes are too few"),
        (("--few-shot", "emoji", "--imaginer", tmp_path / "absent"), "there is no model"),
        (("--few-shot", "emoji", "--imaginer", "emoji"), "trained on the whole of emoji"),
        (("--few-shot", "emoji", "--imaginer", "emoji", "--strengths", "far"), "--strengths 'far' is no list"),
        (("--few-shot", "emoji", "--imaginer", "emoji", "--strengths", "2"), "from 0 to 1"),
        (("emoji", "emoji", "--imaginer", "emoji"), "--imaginer is for --few-shot"),
        (("--recall", tmp_path / "absent"), "absent"),
        (("--recall", "emoji", "--hashers", "seoch"), "no hasher 'seoch'"),
        (("--recall", "emoji", "--bits", "many"), "no list of numbers"),
        (("--recall", "emoji", "--bits", ","), "names no number"),
    ):
        said = mindseye("evaluate", *arguments)
        assert said.code == 2
        assert word in said.err


def test_models_are_compared_on_what_the_first_was_trained_on_or_it_is_asked_for(mindseye, tmp_path: Path) -> None:
    said = mindseye("compare", tmp_path / "one", tmp_path / "two")
    assert said.code == 2 and "--collection FOLDER" in said.err
    said = mindseye("compare", "emoji", tmp_path / "two")
    assert said.code == 2 and "two" in said.err and "--collection" not in said.err
