"""The evaluation of recall: its table adds up, its verdicts have reasons, and its curve starts where a fit does."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from tests.report.test_retrieval import collection_of, features_of

from mindseye.errors import BadInput
from mindseye.recall.hashers import FITS, SLOW, Pairs, fit_cca_itq
from mindseye.report.neighbourhoods import theme_figures
from mindseye.report.recall import Measured, RecallEvaluation, evaluate_recall, hashers_of, measure_all, measured
from mindseye.report.recall_page import learns_from, markdown, render
from mindseye.report.retrieval import Task, measure_retrieval, retrieval_task

HASHERS = ["random", "cca_itq", "lemon", "ecc_snap"]


@pytest.fixture(scope="module")
def measured_task(tmp_path_factory: pytest.TempPathFactory) -> tuple[Task, dict[str, Pairs]]:
    collection = collection_of(tmp_path_factory.mktemp("recall"), held_out=40)
    features = features_of(collection)
    return retrieval_task(collection, features), features


@pytest.fixture(scope="module")
def evaluation(measured_task: tuple[Task, dict[str, Pairs]]) -> RecallEvaluation:
    task, features = measured_task
    return measure_all("kinds", {"plain": Measured(task, features["train"])}, HASHERS, [16, 64], 2, lambda line: None)


def test_the_table_has_the_means_of_the_runs(evaluation: RecallEvaluation) -> None:
    table = evaluation.facts["table"]
    fits = {(run.hasher, run.bits) for run in evaluation.runs}
    assert fits == {(name, bits) for name in HASHERS for bits in (16, 64) if (name, bits) != ("cca_itq", 64)} - {
        ("ecc_snap", 64)
    }
    assert len(table) == 6 * len(fits)
    for row in table:
        each = [
            line.map_all
            for run in evaluation.runs
            for line in run.retrieval
            if (run.hasher, run.bits, line.direction, line.nearness)
            == (row["hasher"], row["bits"], row["direction"], row["nearness"])
        ]
        assert len(each) == 2
        assert row["map_all"] == pytest.approx([np.mean(each), min(each), max(each)], abs=1e-4)
        assert row["bytes"] == row["bits"] / 8


def test_what_cannot_be_fitted_is_said_and_the_rest_is_measured(evaluation: RecallEvaluation) -> None:
    """The words have 50 numbers, so CCA has 50 directions."""
    skipped = {(row["hasher"], row["bits"]) for row in evaluation.facts["skipped"]}
    assert skipped == {("cca_itq", 64), ("ecc_snap", 64)}


def test_chance_is_worse_and_the_baseline_has_no_verdict(evaluation: RecallEvaluation) -> None:
    verdicts = {(row["hasher"], row["bits"], row["nearness"]): row["verdict"] for row in evaluation.facts["table"]}
    assert verdicts["random", 16, "binary"] == "worse"
    assert verdicts["cca_itq", 16, "binary"] == ""
    assert verdicts["lemon", 64, "binary"] == ""  # nothing to compare it with
    for row in evaluation.facts["table"]:
        if row["difference"]:
            mean, low, high = row["difference"]
            assert low <= mean <= high
            assert row["verdict"] == ("better" if low > 0 else "worse" if high < 0 else "no difference")


def test_precision_and_recall_end_where_everything_is_found(evaluation: RecallEvaluation) -> None:
    for run in evaluation.runs:
        for precision, recall in run.radius.values():
            assert len(precision) == len(recall) == run.bits + 1
            assert recall[-1] == 1
            assert recall == sorted(recall)
            assert precision[-1] == pytest.approx(0.05, abs=0.02)  # one kind of twenty


@pytest.mark.parametrize(("hasher", "least"), [("cca_itq", 0.1), ("lemon", 0.3)])  # chance: one kind of twenty
def test_a_curve_begins_as_a_fit_and_ends_with_all_pictures(
    hasher: str, least: float, evaluation: RecallEvaluation
) -> None:
    assert {row["hasher"] for row in evaluation.facts["forgetting"]} == {"cca_itq", "lemon"}
    curve = [row for row in evaluation.facts["forgetting"] if row["hasher"] == hasher]
    assert [row["pictures"] for row in curve] == [32, 64, 96, 128, 160]
    assert curve[0]["updated"] == curve[0]["kept"] == curve[0]["refit"] == curve[0]["first"]
    assert curve[0]["drift"] is None
    assert max(row["drift"] for row in curve[1:]) > 0
    assert curve[-1]["updated"] > least


def test_a_run_does_not_depend_on_how_many_seeds_there_are(
    evaluation: RecallEvaluation, measured_task: tuple[Task, dict[str, Pairs]]
) -> None:
    task, features = measured_task
    again = measured(task, features["train"], "lemon", 16, 1)
    before = next(run for run in evaluation.runs if (run.hasher, run.bits, run.seed) == ("lemon", 16, 1))
    assert [row.map_all for row in again.retrieval] == [row.map_all for row in before.retrieval]


def test_pictures_are_ranked_without_their_captions(measured_task: tuple[Task, dict[str, Pairs]]) -> None:
    """Other captions of everything that is not asked for change nothing in words to pictures."""
    task, features = measured_task
    hasher = fit_cca_itq(features["train"], 16)
    words = task.words.copy()
    words[~task.held_out] = np.random.default_rng(0).permutation(words[~task.held_out])
    changed = Task(**{**vars(task), "words": words})
    for one, other in zip(measure_retrieval(task, hasher), measure_retrieval(changed, hasher), strict=True):
        assert (one.map_all == other.map_all) == (one.direction == "words to pictures")


def test_a_theme_is_a_smaller_part_of_a_broad_space_than_of_its_own(
    measured_task: tuple[Task, dict[str, Pairs]],
) -> None:
    task, features = measured_task
    theme = theme_figures(task, features["train"], 16)
    assert theme is None  # twenty kinds, two held-out captions each
    wide = Task(**{**vars(task), "labels": np.arange(len(task.labels))[:, None] % 4 == 0, "label_names": ["four"]})
    figures = theme_figures(wide, features["train"], 16)
    assert figures is not None
    assert (figures["captions"], figures["pairs"], figures["theme"]) == (10, 45, "four")
    assert 0 < figures["broad"] < figures["narrow"] * 1.5


def test_page_tables_and_lines_hold_every_fit(evaluation: RecallEvaluation) -> None:
    html, text = render(evaluation), markdown(evaluation.facts)
    for name in HASHERS:
        assert f">{name}<" in html
        assert f"| {name} |" in text
    lines = [json.loads(line) for line in evaluation.lines().splitlines()]
    assert len(lines) == 6 * len(evaluation.runs) + 2 * 5
    assert all(line["collection"] == "kinds" for line in lines)
    assert "40 held-out queries" in text and "labels are words of captions" in text
    assert "share a label (words of captions)" in html


def test_texts_that_hold_their_pictures_are_marked_and_slow_hashers_must_be_named() -> None:
    assert learns_from("vtph_published") == "labels; texts with their pictures"
    assert learns_from("vtph") == "labels"
    assert set(SLOW) == set(FITS) - set(hashers_of([]))
    assert hashers_of(["vtph"]) == ["random", "cca_itq", "vtph"]


def test_a_hasher_or_a_width_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no hasher 'seoch'"):
        evaluate_recall(tmp_path, hashers=["seoch"])
    with pytest.raises(BadInput, match="12 bits"):
        evaluate_recall(tmp_path, bits=[12])
    with pytest.raises(BadInput, match="0 seeds"):
        evaluate_recall(tmp_path, seeds=0)
