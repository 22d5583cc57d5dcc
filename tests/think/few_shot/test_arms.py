from __future__ import annotations

import numpy as np
import pytest
from tests.think.few_shot.worlds import pool_of

from mindseye.think.few_shot.arms import (
    Task,
    calibration,
    from_pictures,
    gaussian,
    mixup,
    oracle,
    retrieval,
    shuffled,
)
from mindseye.think.few_shot.space import Base, fit_space, unit

DRAWS = 40_000


def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def task(support: list[list[list[float]]], spare: list[list[list[float]]] | None = None) -> Task:
    shown = np.array(support, np.float32)
    rows = np.arange(shown.shape[0] * shown.shape[1]).reshape(shown.shape[:2])
    return Task(shown, rows, tuple(np.array(each, np.float32).reshape(-1, shown.shape[2]) for each in spare or []))


def base(features: list[list[list[float]]]) -> Base:
    pool = pool_of(np.array(features))
    return Base(pool, np.ones(pool.features.shape[1], np.float32))


def test_calibration_is_the_papers_formula() -> None:
    """Two near base concepts and a far one; x = (1, 1)."""
    near, also, far = [[0, 0], [2, 0], [1, 3]], [[2, 1], [2, 5], [2, 3]], [[90, 90], [91, 95], [92, 91]]
    known = base([near, also, far])
    extra = calibration(task([[[1, 1]]]), DRAWS, rng(), base=known, alpha=0.21)
    means = np.mean(near, axis=0), np.mean(also, axis=0)
    assert extra.rows[0].mean(0) == pytest.approx((means[0] + means[1] + [1, 1]) / 3, abs=0.03)
    covariance = (np.cov(near, rowvar=False) + np.cov(also, rowvar=False)) / 2 + 0.21  # alpha in every entry
    assert np.cov(extra.rows[0], rowvar=False) == pytest.approx(covariance, abs=0.06)


def test_calibration_spreads_over_what_is_shown() -> None:
    known = base([[[0, 0], [0, 0]], [[50, 50], [50, 50]], [[0, 0], [0, 0]]])
    extra = calibration(task([[[0, 0], [30, 0]]]), 4, rng(), base=known, alpha=0.0)
    assert sorted(extra.rows[0][:, 0].tolist()) == pytest.approx([0, 0, 10, 10])


def test_gaussian_noise_has_the_covariance_within_base_concepts() -> None:
    first, second = [[0, 0], [2, 2], [4, 1]], [[50, 9], [51, 7], [55, 8]]
    extra = gaussian(task([[[3, 4]]]), DRAWS, rng(), base=base([first, second]), scale=0.5)
    within = (np.cov(first, rowvar=False) * 2 + np.cov(second, rowvar=False) * 2) / 4
    assert extra.rows[0].mean(0) == pytest.approx([3, 4], abs=0.02)
    assert np.cov(extra.rows[0], rowvar=False) == pytest.approx(0.25 * within, abs=0.05)


def test_mixup_mixes_labels_as_it_mixes_pictures() -> None:
    extra = mixup(task([[[1, 0, 0]], [[0, 1, 0]], [[0, 0, 1]]]), 50, rng(), alpha=1.0)
    assert extra.rows == pytest.approx(extra.targets, abs=1e-6)  # picture c is the label c
    assert extra.targets.sum(2) == pytest.approx(1)
    assert 0.1 < (extra.targets.max(2) < 0.9).mean() < 0.9  # a third are mixed with themselves


def test_retrieval_takes_the_nearest_base_pictures() -> None:
    known = base([[[1, 0.1], [0, 1]], [[1, 0.2], [-1, 0]]])
    extra = retrieval(task([[[2, 0]], [[0, 5]]]), 2, rng(), base=known)
    assert extra.rows[0] == pytest.approx(np.array([[1, 0.1], [1, 0.2]]))
    assert extra.rows[1][0] == pytest.approx([0, 1])
    assert extra.targets[0] == pytest.approx(np.array([[1, 0], [1, 0]]))


def test_the_oracle_has_spare_pictures_or_else_what_is_shown() -> None:
    extra = oracle(task([[[1, 1]], [[2, 2]]], [[[7, 7], [8, 8]], []]), 4, rng())
    assert sorted(extra.rows[0][:, 0]) == [7, 7, 8, 8]
    assert set(extra.rows[1][:, 0]) == {2}


def test_pictures_that_were_drawn_stand_under_the_concept_they_were_drawn_from() -> None:
    drawn = {row: np.full((3, 2), row, np.float32) for row in range(4)}
    extra = from_pictures(task([[[0, 0], [0, 0]], [[0, 0], [0, 0]]]), 6, rng(), drawn=drawn)
    assert sorted(extra.rows[0][:, 0]) == [0, 0, 0, 1, 1, 1]
    assert sorted(extra.rows[1][:, 0]) == [2, 2, 2, 3, 3, 3]


def test_shuffled_labels_are_all_wrong() -> None:
    extra = shuffled(oracle)(task([[[1, 1]], [[2, 2]], [[3, 3]]], [[], [], []]), 2, rng())
    for concept in range(3):
        assert concept + 1 not in extra.rows[concept][:, 0]
        assert extra.targets[concept].argmax(1).tolist() == [concept] * 2


def test_the_space_turns_square_roots_and_keeps_their_distances() -> None:
    features = np.random.default_rng(1).gamma(1.0, 1.0, (40, 6)).astype(np.float32)
    space = fit_space(features)
    placed, roots = space(features), np.sqrt(features)
    assert placed.mean(0) == pytest.approx(np.zeros(6), abs=1e-5)
    assert np.linalg.norm(placed[0] - placed[1]) == pytest.approx(np.linalg.norm(roots[0] - roots[1]), rel=1e-4)
    assert np.all(np.diff(placed.var(0)) <= 1e-6)  # the widest first
    assert space.ones == pytest.approx(space((roots + 1) ** 2)[0] - placed[0], abs=1e-4)


def test_rows_of_length_one() -> None:
    assert unit(np.array([[3.0, 4.0], [0.0, 0.0]])) == pytest.approx(np.array([[0.6, 0.8], [0, 0]]))
