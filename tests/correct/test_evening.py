from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

import mindseye
from mindseye.correct.evening import COUNTED_FROM, even_out
from mindseye.correct.ledger import edits
from mindseye.errors import BadInput
from mindseye.imagine.imaginer import Imaginer, load

DRAWN = 2


@pytest.fixture
def model(tiny_folder: Path, tmp_path: Path) -> Imaginer:
    return load(Path(shutil.copytree(tiny_folder, tmp_path / "tiny")), device="cpu")


class Eye:
    """Who counts: of what the edit has changed every other picture is blue to it, all else is red."""

    def __init__(self, model: Imaginer) -> None:
        seeds = [*range(COUNTED_FROM, COUNTED_FROM + DRAWN), *range(2 * DRAWN)]
        self.plain = {picture.tobytes() for picture in model.imagine_each(["a cat"] * len(seeds), seeds)}

    def __call__(self, pictures: np.ndarray, texts: Sequence[str]) -> np.ndarray:
        blue = [place % 2 and picture.tobytes() not in self.plain for place, picture in enumerate(pictures)]
        return np.array([[("blue" in text) == is_blue for text in texts] for is_blue in blue], float)


def test_shares_become_more_even_and_the_edit_says_how(model: Imaginer) -> None:
    said: list[str] = []
    made = even_out(model, "a cat", ["red", "blue"], "even", drawn=DRAWN, fits=Eye(model), log=said.append)
    assert said[:2] == ["red 100%, blue 0%", "red 50%, blue 50%"], "even after one round, so there is no second"
    assert made.edit.record.pairs == (("a cat", "red cat"), ("a cat", "blue cat"))
    figures = {figure.name: figure for figure in made.figures}
    shares = {name: (figures[f"{name}/before"].value, figures[f"{name}/after"].value) for name in ("red", "blue")}
    assert shares == {"red": (1, 0.5), "blue": (0, 0.5)}
    assert {"itself/before", "itself/after"} < figures.keys() and figures["red/after"].n_generated == 2 * DRAWN
    assert made.sheet and made.sheet.width > 500
    assert [edit.name for edit in edits(model)] == ["even"]
    drawn = model.imagine(mindseye.Request(prompt="a cat", steps=2, edits=("even",)))[0]
    assert drawn.story.edits[0].startswith("even@")


def test_nothing_is_kept_where_nothing_became_more_even(model: Imaginer) -> None:
    with pytest.raises(BadInput, match="more even") as refused:
        even_out(
            model, "a cat", ["red", "blue"], "even", drawn=2, rounds=1, fits=lambda p, t: np.eye(len(t))[[0] * len(p)]
        )
    assert "100% are red" in refused.value.why and not edits(model)


def test_somebody_must_be_able_to_count(model: Imaginer) -> None:
    with pytest.raises(BadInput, match="nobody can count"):
        even_out(model, "a cat", ["red", "blue"], "even")
    with pytest.raises(BadInput, match="two attributes"):
        even_out(model, "a cat", ["red", "red"], "even", fits=Eye(model))
