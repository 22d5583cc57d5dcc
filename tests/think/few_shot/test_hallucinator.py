from __future__ import annotations

import numpy as np
import pytest
import torch
from tests.think.few_shot.worlds import clouds

from mindseye.randomness import rng_at
from mindseye.think.few_shot.arms import Task
from mindseye.think.few_shot.hallucinator import Hallucinator, episode_loss, hallucinated, train, untrained
from mindseye.think.few_shot.space import Base


def base(**settings: float) -> Base:
    pool = clouds(30, 8, width=8, **settings)
    return Base(pool, np.ones(8, np.float32))


def test_it_begins_as_the_identity_and_adds_plain_noise() -> None:
    x, z = (torch.from_numpy(np.random.default_rng(seed).standard_normal((5, 7), np.float32)) for seed in (1, 2))
    network = Hallucinator(7, spread=0.3)
    assert torch.allclose(network(x, torch.zeros_like(z)), x)
    assert torch.allclose(network(x, z), x + 0.3 * z, atol=1e-6)


def test_its_noise_is_as_wide_as_base_concepts() -> None:
    assert untrained(base(spread=0.3)).first.weight[0, 8].item() == pytest.approx(0.3, rel=0.1)


def test_it_learns_from_base_concepts_and_the_loss_falls_on_others() -> None:
    """In this world all concepts vary along one direction, which plain noise knows nothing of."""
    known, new = base(stretch=1.5, spread=0.1), clouds(30, 8, width=8, stretch=1.5, spread=0.1, seed=9)
    before, after = untrained(known), train(known, rate=1e-3, steps=150)

    def loss(network: Hallucinator) -> float:
        with torch.no_grad():
            return float(np.mean([episode_loss(network, new, rng_at(1, "test", step)) for step in range(40)]))

    assert loss(after) < loss(before) - 0.02


def test_imagined_examples_differ_and_what_is_shown_is_used_evenly() -> None:
    network = Hallucinator(2, spread=0.01)
    shown = np.array([[[0, 0], [5, 5]], [[10, 10], [20, 20]]], np.float32)
    extra = hallucinated(Task(shown, np.arange(4).reshape(2, 2), ()), 6, np.random.default_rng(0), network=network)
    assert extra.rows.shape == (2, 6, 2)
    assert len(np.unique(extra.rows.reshape(-1, 2), axis=0)) == 12
    assert sorted(extra.rows[1][:, 0].round(-1)) == [10, 10, 10, 20, 20, 20]
    assert extra.targets[1].argmax(1).tolist() == [1] * 6
