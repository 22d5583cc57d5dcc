"""A whole evaluation, small: every figure that the pictures allow, with its numbers; and models side by side."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from mindseye.cli.evaluate import summary
from mindseye.collection.builtin.shapes import write_shapes
from mindseye.collection.collection import Collection
from mindseye.errors import BadInput
from mindseye.report.compare import compare
from mindseye.report.evaluate import Evaluation, evaluate, score_pictures
from mindseye.report.explained import parsed

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def shapes(tmp_path_factory: pytest.TempPathFactory) -> Collection:
    return write_shapes(tmp_path_factory.mktemp("evaluate") / "shapes", pictures=240, size_px=32)


@pytest.fixture(scope="module")
def evaluation(tiny_folder: Path, shapes: Collection, tmp_path_factory: pytest.TempPathFactory) -> Evaluation:
    page = tmp_path_factory.mktemp("pages") / "evaluation.html"
    return evaluate(tiny_folder, shapes, budget=1, page=page)


def test_the_figures_have_values_intervals_and_numbers(evaluation: Evaluation) -> None:
    figures = {figure["name"]: figure for figure in json.loads(json.dumps(evaluation.facts))["figures"]}
    for name in ("kid", "r_precision", "r_precision_real", "precision", "recall", "copy_rate", "auc"):
        figure = figures[name]
        assert figure["low"] <= figure["value"] <= figure["high"], name
        assert figure["encoder"], name
    assert figures["kid"]["n_generated"] == sum(evaluation.facts["pictures"].values())


def test_an_untrained_model_is_told_apart_and_names_nothing(evaluation: Evaluation) -> None:
    figures = {figure.name: figure for figure in evaluation.figures}
    assert figures["auc"].low > 0.8
    assert figures["kid"].low > figures["kid_real"].high
    assert figures["r_precision"].value < figures["r_precision_real"].low
    assert figures["following_right/seen"].value == 0 < figures["following_right/seen_real"].value


def test_a_judge_that_saw_the_training_pictures_is_said_to_have(evaluation: Evaluation) -> None:
    assert not evaluation.facts["judge_is_independent"]
    assert "its judge learnt from the pictures" in summary(evaluation.facts)
    measured_with = {f["encoder"] for f in evaluation.facts["figures"] if f["name"].startswith("r_precision")}
    assert all("not independent" in encoder for encoder in measured_with)


def test_sets_with_fewer_prompts_than_are_asked_for_are_named(evaluation: Evaluation) -> None:
    few = evaluation.facts["too_few_prompts"]
    assert few == {name: count for name, count in evaluation.facts["pictures"].items() if count < 100}
    assert few and all(f"{name} has {count} prompts" in summary(evaluation.facts) for name, count in few.items())
    sets = zip(evaluation.drawn, evaluation.reference.sets, strict=True)
    hurried = any(len(each.pictures) < min(100, len(whole)) for each, whole in sets)
    assert ("100 prompts of each set take about --budget " in summary(evaluation.facts)) == hurried


def test_every_figure_of_drawn_pictures_names_their_seeds(evaluation: Evaluation) -> None:
    drawn = {each.asked.name: each for each in evaluation.drawn}
    longest = max(len(each.pictures) for each in evaluation.drawn)
    for figure in evaluation.figures:
        kind, source, asked = parsed(figure.name)
        if source:
            assert figure.seeds == "", figure.name
        elif asked or kind == "r_precision":
            assert figure.seeds == f"0-{len(drawn[asked or 'seen'].pictures) - 1}", figure.name
        else:
            assert figure.seeds == f"0-{longest - 1}", figure.name


def test_pictures_from_elsewhere_have_the_seeds_that_they_were_drawn_with(evaluation: Evaluation) -> None:
    seen = evaluation.drawn[0]
    scored = score_pictures(seen.pictures, seen.asked.prompts, evaluation.reference, seen.asked, 1_000_000)
    seeds = {figure.name: figure.seeds for figure in scored}
    last = 1_000_000 + len(seen.pictures) - 1
    assert seeds["kid"] == seeds["r_precision"] == seeds["following_right/seen"] == f"1000000-{last}"


def test_that_a_family_has_no_likelihood_is_said(evaluation: Evaluation) -> None:
    assert not any("bits_per_dimension" in figure.name for figure in evaluation.figures)
    assert "note: no likelihood is computed of a diffusion model" in summary(evaluation.facts)


def test_every_set_of_prompts_is_drawn_from(evaluation: Evaluation) -> None:
    assert set(evaluation.facts["pictures"]) == {"seen", "held_out", "unseen_combinations"}
    assert len(evaluation.hits["seen"]) == evaluation.facts["pictures"]["seen"]


def test_a_model_beside_itself_differs_in_nothing(tiny_folder: Path, shapes: Collection, tmp_path: Path) -> None:
    result = compare([tiny_folder, tiny_folder], shapes, budget=1, page=tmp_path / "compared.html")
    assert {row["verdict"] for row in result["rows"]} == {"no difference"}
    assert re.search("no difference", (tmp_path / "compared.html").read_text())


def test_a_collection_without_captions_cannot_be_asked_for(tiny_folder: Path, tmp_path: Path) -> None:
    from PIL import Image

    from mindseye.collection.collect import collect

    (tmp_path / "pictures").mkdir()
    for number in range(3):
        Image.new("RGB", (16, 16), (80 * number, 0, 0)).save(tmp_path / "pictures" / f"{number}.png")
    bare = collect(tmp_path / "pictures", tmp_path / "bare", captions="none")
    with pytest.raises(BadInput, match="no captions"):
        evaluate(tiny_folder, bare, budget=1)
