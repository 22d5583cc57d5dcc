"""What an edit is measured with: prompts that ask what they should, and figures that say what pictures show."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from mindseye.correct.beliefs import (
    EFFICACY,
    GENERALITY,
    SPECIFICITY,
    Shown,
    before_after_sheet,
    changed_too,
    figures,
    probes,
    unrelated_prompts,
)
from mindseye.correct.debias import debias
from mindseye.correct.entrances import DiffusionEntrances
from mindseye.errors import BadInput
from mindseye.imagine.diffusion import Diffusion
from mindseye.imagine.edits import Layer
from mindseye.observe.contrastive import load_judge
from mindseye.observe.emoji_judge.recolour import COLOURS
from mindseye.observe.text import load_text_encoder


def test_the_probes_ask_the_source_other_words_for_it_and_other_things() -> None:
    asked = probes("a rose", "a blue rose", ["a tulip"])
    assert asked[0].kind == EFFICACY and (asked[0].wanted, asked[0].other) == ("a blue rose", "a rose")
    paraphrases = [one for one in asked if one.kind == GENERALITY]
    assert [one.prompt for one in paraphrases] == ["rose", "the rose", "a big rose"]
    assert all("blue rose" in one.wanted for one in paraphrases)
    assert (asked[-1].kind, asked[-1].wanted, asked[-1].other) == (SPECIFICITY, "a tulip", "blue tulip")


def test_another_thing_would_have_what_the_destination_adds_or_be_it() -> None:
    assert changed_too("a tulip", "a rose", "a blue rose") == "blue tulip"
    assert changed_too("a tulip", "a rose", "a dog") == "a dog"


def test_unrelated_prompts_share_no_word_and_the_likest_come_first() -> None:
    captions = [
        "a red rose",
        "roses",
        "sapphire blues",
        "a tulip",
        "a lily",
        "a truck",
        "a bus stop",
        "a very long caption of a flower",
    ]
    found = unrelated_prompts(load_text_encoder(), captions, "a rose", "a blue rose", 4)
    assert set(found[:2]) == {"a tulip", "a lily"} and set(found) <= {"a tulip", "a lily", "a truck", "a bus stop"}


def square(colour: str) -> np.ndarray:
    """A heart-coloured square: enough for a judge that was told colours."""
    import colorsys

    tone = COLOURS[colour]
    rgb = colorsys.hsv_to_rgb(tone.hue_degrees / 360, tone.saturation, tone.value)
    picture = np.zeros((64, 64, 4), np.uint8)
    rows, columns = np.mgrid[:64, :64]
    picture[(rows - 32) ** 2 + (columns - 32) ** 2 < 28**2] = [*(round(255 * part) for part in rgb), 255]
    return picture


def test_the_figures_count_what_a_stranger_to_the_model_sees_before_and_after() -> None:
    asked = probes("a circle", "a blue circle", ["a heart"])
    before = np.stack([square("red")] * len(asked))
    after = np.stack([square("blue")] * (len(asked) - 1) + [square("red")])
    shown = Shown(tuple(asked), (0,) * len(asked), before, after)
    found = {figure.name: figure for figure in figures(shown, load_judge())}
    assert (found["efficacy/before"].value, found["efficacy/after"].value) == (0, 1)
    assert found["generality/after"].value == 1 and found["generality/after"].n_generated == 3
    assert {figure.seeds for figure in found.values()} == {"0"}
    assert found["specificity/before"].value == found["specificity/after"].value
    assert found["moved/unrelated"].value == 0 < found["moved/source"].value
    assert before_after_sheet(shown, "a title").width > 500
    assert {figure.name for figure in figures(shown, None)} == {"moved/source", "moved/unrelated"}


@dataclass
class Coin:
    """Stands in for drawing and counting: the share of red is a function of how much redder the target is than blue."""

    entrances: Any
    history: list[float]

    def __call__(self, layers: dict[str, Layer] | None) -> dict[str, float]:
        red = 0.95
        if layers is not None:
            concept, first, second = self.entrances.read(["a heart", "red", "blue"])
            matrix, layer = next(iter(layers.items()))
            key = concept.tokens[concept.last - 1].double()
            moved = layer.left @ (layer.right @ key)
            [entrance] = [each for each in self.entrances.entrances if each.matrix == matrix]
            way = entrance.weight.detach().double() @ (second.tokens[1] - first.tokens[1]).double()
            red = float(np.clip(0.95 - 0.5 * float(moved @ way / (way @ way)), 0, 1))
        self.history.append(red)
        return {"red": red, "blue": 1 - red}


def test_debiasing_goes_on_until_the_shares_are_even(tiny_model: Any) -> None:
    model: Diffusion = tiny_model()
    entrances = DiffusionEntrances(model, load_text_encoder())
    coin = Coin(entrances, [])
    done = debias(entrances, "a heart", ["red", "blue"], coin)
    assert coin.history[0] == 0.95 and abs(coin.history[-1] - 0.5) < 0.05 and 1 < len(coin.history) < 30
    assert [each["red"] for each in done.history] == coin.history and done.layers
    with pytest.raises(BadInput, match="two attributes"):
        debias(entrances, "a heart", ["red"], coin)
