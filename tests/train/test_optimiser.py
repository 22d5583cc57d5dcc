"""What moves the weights, how fast, and their average."""

from __future__ import annotations

from dataclasses import replace
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from mindseye.train.config import TrainConfig
from mindseye.train.ema import Average
from mindseye.train.optimiser import Optimiser, height, hidden_matrices, make_optimiser


@pytest.fixture
def model(tiny: ModuleType) -> Any:
    return tiny.build(tiny.TinyConfig(size_px=4, channels=3, text_width=8), 0)


def optimiser_of(model: Any) -> Optimiser:
    return make_optimiser(model, model.objectives()[0], TrainConfig())


def test_muon_moves_the_hidden_matrices_and_adamw_the_rest(model: Any) -> None:
    assert hidden_matrices(model) == {"blocks.0.weight"}
    parts = optimiser_of(model).parts
    assert [p.shape for group in parts["muon"].param_groups for p in group["params"]] == [(16, 16)]
    assert sum(len(group["params"]) for group in parts["adamw"].param_groups) == 5


def test_a_model_may_name_its_hidden_matrices(model: Any) -> None:
    model.hidden_matrices = lambda: {"out.weight"}
    assert hidden_matrices(model) == {"out.weight"}


def test_state_survives_the_way_to_tensors_and_back(model: Any) -> None:
    def steps(optimiser: Optimiser, first: int, last: int) -> None:
        for step in range(first, last):
            for index, parameter in enumerate(optimiser.parameters.values()):
                parameter.grad = torch.full_like(parameter, 0.1) * (step + index) + parameter.detach()
            optimiser.step(1.0)

    whole = optimiser_of(model)
    steps(whole, 0, 3)
    weights = {name: parameter.detach().clone() for name, parameter in whole.parameters.items()}
    state = {name: value.clone() for name, value in whole.state()}
    steps(whole, 3, 6)
    expected = {name: parameter.detach().clone() for name, parameter in whole.parameters.items()}

    model.load_state_dict(weights)
    resumed = optimiser_of(model)
    resumed.restore(state)
    steps(resumed, 3, 6)
    assert all(torch.equal(resumed.parameters[name], value) for name, value in expected.items())


@pytest.mark.parametrize(
    ("pictures_seen", "progress", "expected"),
    [(0, 0.0, 0.1), (450, 0.2, 1.0), (5000, 0.5, 1.0), (7500, 0.75, 1.0), (8750, 0.875, 0.5), (10_000, 1.0, 0.0)],
)
def test_the_rate_rises_stays_and_falls_to_nothing(pictures_seen: int, progress: float, expected: float) -> None:
    config = TrainConfig(batch_size=50, warmup_pictures=500, decay_share=0.25)
    assert height(pictures_seen, progress, config) == pytest.approx(expected)


def test_a_short_training_warms_up_for_a_twentieth_of_it() -> None:
    config = TrainConfig(batch_size=50, warmup_pictures=10_000)
    assert height(500, 0.025, config) == pytest.approx(0.5)
    assert height(1000, 0.05, config) == 1.0


def weight_of(average: Average) -> float:
    return next(average.model.parameters()).item()


def test_the_average_weighs_step_i_by_i_to_the_gamma() -> None:
    model: Any = nn.Linear(1, 1, bias=False)
    gamma, steps = 3.0, 400
    average = Average(model, gamma)
    values = np.random.default_rng(0).standard_normal(steps)
    for step, value in enumerate(values, start=1):
        nn.init.constant_(model.weight, value)
        average.update(step)
    # The discrete weights: prod_{j>i} (1 - 1/j)^(gamma+1) telescopes to (i/n)^(gamma+1).
    edges = (np.arange(steps + 1) / steps) ** (gamma + 1)
    assert weight_of(average) == pytest.approx(float(values @ np.diff(edges)), abs=1e-5)


def test_the_average_forgets_the_first_weights() -> None:
    model = nn.Linear(1, 1, bias=False)
    average = Average(model, gamma=6.94)
    nn.init.constant_(model.weight, 5.0)
    average.update(1)
    assert weight_of(average) == 5.0


def test_an_objective_may_learn_at_a_share_of_the_rate(model: Any) -> None:
    slow = make_optimiser(model, replace(model.objectives()[0], rate=0.2), TrainConfig(learning_rate=1e-3))
    slow.step(0.5)
    rates = {group["lr"] for part in slow.parts.values() for group in part.param_groups}
    assert slow.learning_rate == pytest.approx(2e-4)
    assert [*rates] == pytest.approx([1e-4])
