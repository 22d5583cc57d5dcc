"""The protocol of few-shot recognition on features that are known, and on a small collection from end to end."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from tests.report.squares import squares

from mindseye.errors import BadInput
from mindseye.report.few_shot import Seen, evaluate_few_shot, measured
from mindseye.report.few_shot_facts import CollectionResult, facts_of
from mindseye.report.few_shot_imaginers import PictureImaginer
from mindseye.report.few_shot_page import markdown, render, tables
from mindseye.think.few_shot.episodes import Pool
from mindseye.think.few_shot.space import Base

ARMS = [
    "support only", "standard augmentation", "mixup", "base Gaussian", "distribution calibration", "retrieval",
    "imagination", "imagination, untrained", "imagination, shuffled labels",
    "painter", "painter, untrained", "painter, shuffled labels", "oracle",
]  # fmt: skip
WIDTH, PICTURES = 6, 5


def told(picture: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """Draws the picture itself, a little lighter or darker."""
    return np.stack([np.clip(picture + rng.integers(-9, 10), 0, 255).astype(np.uint8) for _ in range(count)])


def blank(picture: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    return np.full((count, *picture.shape), 128, np.uint8)


def placed(pictures: np.ndarray) -> np.ndarray:
    """The features of this world: a picture's first column of pixels."""
    return pictures[:, :WIDTH, 0, 0].astype(np.float32) / 64 - 2


def random_labels() -> Seen:
    """Pictures that say nothing of the concepts they are filed under: 20 base, 8 and 8 novel ones."""
    pictures = np.random.default_rng(0).integers(0, 256, (36 * PICTURES, 8, 8, 3)).astype(np.uint8)
    features, rows = placed(pictures), np.arange(len(pictures)).reshape(36, PICTURES)
    pools = [
        Pool(tuple(map(str, some)), features, tuple(rows[some]))
        for some in (np.arange(20), np.arange(20, 28), np.arange(28, 36))
    ]
    return Seen("noise", pictures, Base(pools[0], np.ones(WIDTH, np.float32)), pools[1], pools[2], placed)


@pytest.fixture(scope="module")
def result() -> CollectionResult:
    painter = PictureImaginer({0.0: told, 1.0: blank}, {0.0: blank, 1.0: blank})
    return measured(random_labels(), [5, 9], [1, 3, 5], 40, {"painter": painter})


def test_all_arms_meet_the_same_episodes(result: CollectionResult) -> None:
    assert set(result.accuracies) == {(5, 1), (5, 3)}
    for arms in result.accuracies.values():
        assert list(arms) == ARMS
        assert {len(values) for values in arms.values()} == {40}
    for shot in (1, 3):
        assert result.accuracies[5, shot]["support only"].mean() == pytest.approx(0.2, abs=0.1)


def test_what_pictures_are_too_few_for_is_told(result: CollectionResult) -> None:
    skipped = {(row["way"], row["shot"]): row["why"] for row in result.skipped}
    assert set(skipped) == {(5, 5), (9, 1), (9, 3), (9, 5)}
    assert skipped[9, 1] == "more than 1 pictures have 8 validation-novel and 8 test-novel concepts"


def test_nothing_is_gained_where_nothing_can_be(result: CollectionResult) -> None:
    facts = facts_of(result)
    assert {(one["imagination"], one["shot"]) for one in facts["verdicts"]} == {
        (name, shot) for name in ("imagination", "painter") for shot in (1, 3)
    }
    for verdict in facts["verdicts"]:
        assert not verdict["holds"]
        assert "no gain" in verdict["said"]
        assert verdict["best"] in ARMS[:6]


def test_every_setting_tried_is_listed_and_one_of_each_arm_is_chosen(result: CollectionResult) -> None:
    for shot in (1, 3):
        rows = [row for row in result.tried if row["shot"] == shot]
        assert [row["arm"] for row in rows if row["chosen"]] == [arm for arm in ARMS if "," not in arm]
        for arm in ("imagination", "distribution calibration"):
            own = [row for row in rows if row["arm"] == arm]
            assert len(own) > 10
            best = max(row["accuracy"] for row in own)
            assert [row["accuracy"] for row in own if row["chosen"]] == [best]


def test_of_an_imagination_in_pixels_every_strength_is_tried(result: CollectionResult) -> None:
    rows = [row["settings"] for row in result.tried if row["arm"] == "painter" and row["shot"] == 1]
    assert {row["strength"] for row in rows} == {0.0, 1.0} and len(rows) == 6  # by three weights


def test_extra_examples_of_all_arms_are_described(result: CollectionResult) -> None:
    for shot in (1, 3):
        assert set(result.extras[shot]) == set(ARMS) - {"support only"}
    [chosen] = [row for row in result.tried if row["arm"] == "painter" and row["shot"] == 1 and row["chosen"]]
    assert (result.extras[1]["painter"]["copies"] > 0.9) == (chosen["settings"]["strength"] == 0)
    assert result.extras[1]["painter, untrained"]["of_their_class"] == pytest.approx(0.2, abs=0.05)


def test_the_page_and_the_tables_hold_every_arm_and_verdict(result: CollectionResult) -> None:
    told_of = {"name": "painter", "family": "oit", "sha256": "5eed" * 16, "collection": "noise"}
    facts = {
        "encoder": "<none>",
        "episodes": 40,
        "chosen_on": 30,
        "imaginers": [{**told_of, "pictures_seen": 12_000, "strengths": [0.0, 1.0]}],
        "collections": [facts_of(result)],
    }
    html, text = render(json.loads(json.dumps(facts))), markdown(facts)
    for arm in ARMS:
        assert f">{arm}<" in html and f"| {arm} |" in text
    for verdict in facts["collections"][0]["verdicts"]:
        assert verdict["said"] in text
    assert "&lt;none&gt;" in html
    for page in (html, text):
        assert "painter (noise): weights 5eed5eed5eed, trained on base concepts alone, 12,000 pictures seen" in page
    ((way, heads, rows),) = tables(facts["collections"][0])
    assert (way, heads) == (5, ["arm", "k = 1", "k = 3"])
    assert rows[-1][1:] == ["2.0", "1.0"]  # of 5 pictures 2 or 1 are asked about


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_collection_from_end_to_end(tmp_path: Path) -> None:
    """The column `concept` tells; a name of its own for every picture tells nothing, and is an error."""
    unnamed = squares(tmp_path / "unnamed", named=False)
    with pytest.raises(BadInput, match="unnamed has too few concepts for 5-way"):
        evaluate_few_shot([unnamed])
    squares(tmp_path / "named")
    page = tmp_path / "few_shot.html"
    found = evaluate_few_shot([tmp_path / "named"], ways=[5], shots=[1], episodes=30, page=page)
    (facts,) = found.facts["collections"]
    by_arm = {row["arm"]: row for row in facts["table"]}
    assert by_arm["support only"]["accuracy"] > 0.4  # 0.2 by chance
    assert by_arm["imagination, shuffled labels"]["accuracy"] < by_arm["imagination"]["accuracy"]
    assert all(row["low"] <= row["accuracy"] <= row["high"] for row in facts["table"])
    assert "<h2>named</h2>" in page.read_text(encoding="utf-8")
    lines = [json.loads(line) for line in page.with_suffix(".jsonl").read_text(encoding="utf-8").splitlines()]
    assert [len(line["accuracies"]) for line in lines] == [30] * 10
    assert "| oracle |" in page.with_suffix(".md").read_text(encoding="utf-8")
    again = evaluate_few_shot([tmp_path / "named"], ways=[5], shots=[1], episodes=30)
    assert again.facts == found.facts
