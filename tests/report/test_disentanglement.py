"""MIG and DCI against codes of which one knows what they hold."""

from __future__ import annotations

import numpy as np
import pytest

from mindseye.errors import BadInput
from mindseye.randomness import rng_at
from mindseye.report.disentanglement import completeness, disentanglement, mutual_information_gap

FACTORS = rng_at(0, "factors").integers(0, [4, 3, 5], (6000, 3))


def test_codes_that_are_the_factors_have_a_gap_of_one_in_any_order_and_direction() -> None:
    assert mutual_information_gap(FACTORS.astype(float), FACTORS) == pytest.approx(1, abs=0.01)
    assert mutual_information_gap(-2.0 * FACTORS[:, [2, 0, 1]] + 7, FACTORS) == pytest.approx(1, abs=0.01)


def test_a_factor_said_twice_has_no_gap() -> None:
    twice = np.concatenate([FACTORS, FACTORS], axis=1).astype(float)
    assert mutual_information_gap(twice, FACTORS) == pytest.approx(0, abs=0.01)


def test_turned_factors_have_nearly_no_gap() -> None:
    rng = rng_at(0, "turned")
    turn, _ = np.linalg.qr(rng.standard_normal((3, 3)))
    equal = rng.integers(0, 10, (6000, 3))
    assert mutual_information_gap((equal - 4.5) @ turn, equal) < 0.25
    diagonal = (equal[:, :2] - 4.5) @ np.array([[1.0, 1.0], [-1.0, 1.0]])
    assert mutual_information_gap(diagonal, equal[:, :2]) == pytest.approx(0, abs=0.01)


def test_codes_that_never_change_say_nothing_and_divide_by_nothing() -> None:
    assert mutual_information_gap(np.ones((6000, 5)), FACTORS) == 0
    assert mutual_information_gap(np.ones((6000, 1)), FACTORS) == 0


def test_a_factor_that_never_changes_is_refused() -> None:
    with pytest.raises(BadInput, match="factor 1"):
        mutual_information_gap(np.ones((10, 2)), np.stack([np.arange(10), np.zeros(10, int)], 1))


def test_one_dimension_for_each_factor_is_disentangled_and_complete() -> None:
    importance = np.eye(3)[[2, 0, 1]] * [1.0, 0.5, 0.2]
    importance = np.concatenate([importance, np.zeros((4, 3))])  # unused dimensions change nothing
    assert disentanglement(importance) == pytest.approx(1)
    assert completeness(importance) == pytest.approx(1)


def test_importance_spread_evenly_is_neither() -> None:
    assert disentanglement(np.ones((3, 3))) == pytest.approx(0)
    assert completeness(np.ones((3, 3))) == pytest.approx(0)


def test_two_dimensions_for_one_factor_are_disentangled_but_not_complete() -> None:
    importance = np.array([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    assert disentanglement(importance) == pytest.approx(1)
    assert completeness(importance) == pytest.approx((2 * (1 - np.log(2) / np.log(3)) + 1) / 3)


def test_no_importance_at_all_is_zero() -> None:
    assert disentanglement(np.zeros((3, 2))) == 0
    assert completeness(np.zeros((3, 2))) == 0
