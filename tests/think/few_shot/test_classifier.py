from __future__ import annotations

import numpy as np
import pytest
from tests.think.few_shot.worlds import clouds, noise

from mindseye.think.few_shot.arms import Extra, of_own_concept, oracle
from mindseye.think.few_shot.classifier import RIDGE, accuracy, fit
from mindseye.think.few_shot.episodes import episodes
from mindseye.think.few_shot.extras import about_extra, judge_of
from mindseye.think.few_shot.space import unit
from mindseye.think.few_shot.trial import Setting, run, tried


def support(way: int = 3, shot: int = 4, width: int = 6) -> np.ndarray:
    return np.random.default_rng(2).standard_normal((way, shot, width)).astype(np.float32)


def test_the_steps_reach_the_minimum() -> None:
    """There the gradient of cross-entropy + RIDGE / 2 |W|^2 is nothing."""
    shown = support()
    weights = fit(shown)
    rows, targets = unit(shown.reshape(-1, 6)), np.repeat(np.eye(3), 4, axis=0)
    odds = np.exp(rows @ weights)
    gradient = rows.T @ (odds / odds.sum(1, keepdims=True) - targets) / len(rows) + RIDGE * weights
    assert np.abs(gradient).max() < 2e-4
    assert np.abs(weights).max() > 0.5


def test_copies_of_what_is_shown_change_nothing_however_many() -> None:
    shown = support()
    copies = of_own_concept(np.tile(shown, (1, 5, 1)))
    assert fit(shown, copies, 0.75) == pytest.approx(fit(shown), abs=1e-4)


def test_episodes_side_by_side_are_fitted_as_each_alone() -> None:
    shown = np.stack([support(), -2 * support()])
    extra = of_own_concept(np.random.default_rng(3).standard_normal((2, 3, 5, 6)).astype(np.float32))
    for episode, weights in enumerate(fit(shown, extra, 0.5)):
        alone = fit(shown[episode], Extra(extra.rows[episode], extra.targets[episode]), 0.5)
        assert weights == pytest.approx(alone, abs=1e-5)


def test_a_share_of_nothing_is_ignored_and_all_of_it_decides() -> None:
    shown = support()
    other = Extra(-shown, of_own_concept(shown).targets)
    assert fit(shown, other, 0.0) == pytest.approx(fit(shown), abs=1e-5)
    assert fit(shown, other, 1.0) == pytest.approx(-fit(shown), abs=1e-4)


def test_what_is_plain_is_recognised_and_noise_by_chance() -> None:
    for pool, low, high in ((clouds(12, 12, spread=0.1), 0.99, 1.0), (noise(12, 12), 0.1, 0.3)):
        shares = [accuracy(fit(task.support), pool, episode) for episode, task, _ in run(
            pool, episodes(pool, 5, 2, 40), Setting())]  # fmt: skip
        assert low <= np.mean(shares) <= high


def test_extra_examples_are_described() -> None:
    """Real pictures are enough alone, of their class and no copies; what is shown is all copies."""
    pool = clouds(12, 30, spread=0.2)
    judge, setting = judge_of(pool), tried(oracle)[0]
    for episode, task, extra in run(pool, episodes(pool, 5, 2, 5), setting):
        assert extra is not None
        real = about_extra(extra, task, episode, pool, judge)
        assert real["alone"] > 0.95 and real["of_their_class"] > 0.95 and real["copies"] < 0.2
        assert about_extra(of_own_concept(task.support), task, episode, pool, judge)["copies"] == 1
        wrong = Extra(np.roll(extra.rows, 1, axis=0), extra.targets)
        assert about_extra(wrong, task, episode, pool, judge)["of_their_class"] < 0.05
