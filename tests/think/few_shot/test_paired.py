from __future__ import annotations

import numpy as np
import pytest

from mindseye.think.few_shot.paired import difference, holm, verdicts

OTHERS = ("support only", "calibration")
PLACEBOS = ("untrained", "shuffled")


def episodes(mean: float, seed: int = 0, spread: float = 0.02) -> np.ndarray:
    values = np.random.default_rng(seed).standard_normal(60) * spread
    return values - values.mean() + mean


def arms(imagination: float, untrained: float, shuffled: float) -> dict[str, np.ndarray]:
    return {
        "support only": episodes(0.60, 1),
        "calibration": episodes(0.65, 2),
        "imagination": episodes(imagination, 3),
        "untrained": episodes(untrained, 4),
        "shuffled": episodes(shuffled, 5),
    }


def test_holm_on_known_numbers() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.5, 0.6]) == pytest.approx([1.0, 1.0])
    assert holm([0.04]) == [0.04]
    assert holm([]) == []


def test_a_difference_is_that_of_the_same_episodes() -> None:
    hard = episodes(0.5, 1, spread=0.3)
    found = difference(hard + episodes(0.02, 2, spread=0.01), hard)
    assert found.value == pytest.approx(0.02)
    assert 0.01 < found.low < 0.02 < found.high < 0.03
    assert found.p < 0.01
    assert found.won > 0.9


def test_no_difference_is_none() -> None:
    same = episodes(0.5)
    found = difference(same, same)
    assert (found.value, found.low, found.high, found.p, found.won) == (0, 0, 0, 1, 0)
    mean_zero = difference(episodes(0.5, 1), episodes(0.5, 2))
    assert mean_zero.low < 0 < mean_zero.high
    assert mean_zero.p > 0.9


def test_the_claim_needs_the_best_of_the_others_beaten_and_no_placebo_that_beats_it() -> None:
    cases = {
        1: (arms(0.70, 0.60, 0.40), True),
        2: (arms(0.63, 0.60, 0.40), False),  # better than nothing, worse than the best
        3: (arms(0.70, 0.69, 0.40), False),  # without training, too
        5: (arms(0.70, 0.60, 0.72), False),  # whatever the labels
        10: (arms(0.65, 0.60, 0.40), False),  # no difference
    }
    found = verdicts({shot: case for shot, (case, _) in cases.items()}, "imagination", PLACEBOS, OTHERS)
    assert {each.shot: each.holds for each in found} == {shot: holds for shot, (_, holds) in cases.items()}
    assert {each.best for each in found} == {"calibration"}
    assert [each.gains for each in found] == [True, False, True, True, False]


def test_a_gain_that_many_k_were_searched_for_is_not_claimed() -> None:
    slight = arms(0.65, 0.60, 0.40) | {"imagination": episodes(0.65, 2) + episodes(0.006, 9)}
    alone = verdicts({1: slight}, "imagination", PLACEBOS, OTHERS)[0]
    assert alone.holds and 0.005 < alone.corrected < 0.05
    many = {shot: slight if shot == 1 else arms(0.65, 0.60, 0.40) for shot in range(1, 21)}
    assert not verdicts(many, "imagination", PLACEBOS, OTHERS)[0].holds
