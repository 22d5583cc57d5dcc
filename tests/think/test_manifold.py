from __future__ import annotations

import numpy as np
import pytest
from tests.think.clouds import cloud, halves

from mindseye.think.manifold import DENSITY_COVERAGE_K, density_coverage, precision_recall


def test_one_set_twice_is_wholly_precise_recalled_and_covered() -> None:
    x = cloud(0, 60)
    values = [figure.value for figure in (*precision_recall(x, x, encoder=""), *density_coverage(x, x, encoder=""))]
    assert values == [1, 1, 1, 1]


def test_sets_far_apart_share_nothing() -> None:
    x, y = cloud(0, 60), cloud(1, 60, shift=100)
    values = [figure.value for figure in (*precision_recall(x, y, encoder=""), *density_coverage(x, y, encoder=""))]
    assert values == [0, 0, 0, 0]


def test_a_model_that_draws_one_of_two_kinds_is_precise_and_recalls_half() -> None:
    real = np.concatenate([cloud(0, 100, 2), cloud(1, 100, 2, shift=50)])
    precision, recall = precision_recall(real, cloud(2, 200, 2), encoder="")
    _, coverage = density_coverage(real, cloud(2, 200, 2), encoder="")
    assert precision.value > 0.9
    assert 0.4 < recall.value <= 0.5
    assert 0.4 < coverage.value <= 0.5


def test_a_model_that_draws_two_kinds_of_which_one_is_real_is_half_precise() -> None:
    generated = np.concatenate([cloud(0, 100, 2), cloud(1, 100, 2, shift=50)])
    precision, recall = precision_recall(cloud(2, 200, 2), generated, encoder="")
    density, _ = density_coverage(cloud(2, 200, 2), generated, encoder="")
    assert 0.4 < precision.value <= 0.5
    assert recall.value > 0.9
    assert density.value == pytest.approx(0.5, abs=0.15)


def test_balls_reach_the_third_and_the_fifth_neighbour() -> None:
    line = np.arange(20.0)[:, None]  # within it the third nearest is 2 away (3 at the ends), the fifth 3 (5)
    outside = np.concatenate([line[:10], [[22.0]], [[22.5]]])  # 3 and 3.5 beyond the last
    precision, _ = precision_recall(line, outside, encoder="")
    assert precision.value == pytest.approx(11 / 12)  # 22 is on the edge of the ball around 19, which counts
    few = np.full((10, 1), 24.0)  # on the edge of the ball of radius 5 around 19, which does not count there
    assert density_coverage(line, few, encoder="")[0].value == 0
    assert density_coverage(line, few - 0.01, encoder="")[0].value == pytest.approx(1 / 5)
    assert density_coverage(line, few - 0.01, encoder="")[1].value == pytest.approx(1 / 20)


def test_an_outlier_raises_precision_and_not_density() -> None:
    real = np.concatenate([cloud(0, 100, 2), [[30.0, 30.0]]])
    wrong = cloud(1, 100, 2, shift=20)
    assert precision_recall(real, wrong, encoder="")[0].value > 0.9
    assert density_coverage(real, wrong, encoder="")[0].value < 0.3


def test_between_halves_of_one_set_density_is_1_and_coverage_what_chance_gives() -> None:
    n, k = 60, DENSITY_COVERAGE_K
    figures = [density_coverage(*halves(number, n), encoder="", draws=200) for number in range(100)]
    expected = 1 - np.prod([(n - i) / (2 * n - i) for i in range(1, k + 1)])  # Naeem et al. 2020
    assert np.mean([density.value for density, _ in figures]) == pytest.approx(1, abs=0.03)
    assert np.mean([coverage.value for _, coverage in figures]) == pytest.approx(expected, abs=0.01)
    assert sum(density.low <= 1 <= density.high for density, _ in figures) >= 93
    # the interval holds the balls fixed, so it may miss the average over other real pictures a little more often
    assert sum(coverage.low <= expected <= coverage.high for _, coverage in figures) >= 90


def test_more_pictures_than_are_compared_at_once_are_all_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    x, y = cloud(0, 50), cloud(1, 41, shift=0.5)
    whole = (*precision_recall(x, y, encoder=""), *density_coverage(x, y, encoder=""))
    monkeypatch.setattr("mindseye.think.features._AT_ONCE", 7)
    assert (*precision_recall(x, y, encoder=""), *density_coverage(x, y, encoder="")) == whole
