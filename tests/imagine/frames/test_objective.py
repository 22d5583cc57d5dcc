"""What frames are learnt by: scheduled sampling by the paper's formula, and the flow's velocity."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from tests.imagine.frames.small import NETWORKS, batch_of, config_of, model_of

from mindseye.imagine.frames.films import actions_of, film_of, unit
from mindseye.imagine.frames.flow import noised
from mindseye.imagine.frames.objective import ITERATION, flow_loss, recurrent_loss, truth_share, unrolled
from mindseye.randomness import rng_at
from mindseye.train.config import TrainConfig
from mindseye.train.data import draws_at
from mindseye.train.optimiser import make_optimiser


def test_scheduled_sampling_shows_as_many_true_frames_as_the_paper_does() -> None:
    B, k = 32, 900
    assert B * truth_share(0, k) == pytest.approx(B * 900 / 901)
    assert B * truth_share(900 * math.log(900), k) == pytest.approx(B / 2)
    assert round(900 * math.log(900)) == 6122
    for it in (1, 1000, 6122, 9000):
        assert truth_share(it, k) == pytest.approx(k / (k + math.exp(it / k)))
    assert truth_share(1e9, k) == truth_share(math.inf, k) == 0


def test_the_true_frames_of_a_training_are_shown_in_that_share_and_not_at_all_when_it_is_over() -> None:
    [objective] = model_of("cdna", k=900.0).objectives()
    for it in (0, 6122, 12_000):
        positions = range(ITERATION * it, ITERATION * it + 600)
        draws = draws_at(objective, 0, "test", positions, seen=positions)
        shown = float((draws["lot"] < draws["truth_share"][:, None]).float().mean())
        assert shown == pytest.approx(truth_share(it, 900), abs=0.04)
    finished = draws_at(objective, 0, "test", range(100))
    assert not (finished["lot"] < finished["truth_share"][:, None]).any()


def test_a_sample_s_draws_depend_on_its_position_alone() -> None:
    [objective] = model_of("cdna").objectives()
    whole = draws_at(objective, 0, "train", range(8), seen=range(8))
    part = draws_at(objective, 0, "train", range(4, 8), seen=range(4, 8))
    assert all(torch.equal(whole[name][4:], part[name]) for name in whole)


def test_the_given_frames_and_those_shown_go_in_and_no_other_true_frame_does() -> None:
    model = model_of("cdna")
    config, batch = model.config, batch_of(model.config)
    film, actions = unit(film_of(batch.pictures, 4)), actions_of(batch.words, config)
    nothing_shown = torch.zeros(3, 15, dtype=torch.bool)
    once = unrolled(model.network, film, actions, nothing_shown, config)
    assert len(once) == 14
    changed = film.clone()
    changed[:, 2:] = 1 - changed[:, 2:]
    again = unrolled(model.network, changed, actions, nothing_shown, config)
    assert all(torch.equal(a.frame, b.frame) for a, b in zip(once, again, strict=True))
    shown = nothing_shown.clone()
    shown[0, 5] = True
    other = unrolled(model.network, changed, actions, shown, config)
    same = [torch.equal(a.frame[0], b.frame[0]) for a, b in zip(once, other, strict=True)]
    assert same == [True] * 4 + [False] * 10  # the first four are frames 2 to 5; frame 5 goes in to make frame 6
    assert all(torch.equal(a.frame[1:], b.frame[1:]) for a, b in zip(once, other, strict=True))


def test_what_is_done_between_the_given_frames_is_not_told() -> None:
    model = model_of("cdna")
    config, batch = model.config, batch_of(model.config)
    film, actions = unit(film_of(batch.pictures, 4)), actions_of(batch.words, config)
    shown = torch.zeros(3, 15, dtype=torch.bool)
    other = actions.roll(1, dims=2)
    first = actions.clone()
    first[:, 0] = other[:, 0]
    same = [unrolled(model.network, film, each, shown, config)[0].frame for each in (actions, first)]
    assert torch.equal(*same)


def test_the_recurrent_loss_is_the_mean_squared_error_of_the_predicted_frames() -> None:
    model = model_of("cdna", clip=16)
    config, batch = model.config, batch_of(model.config)
    draws = draws_at(model.objectives()[0], 0, "test", range(3))
    film, actions = unit(film_of(batch.pictures, 4)), actions_of(batch.words, config)
    frames = unrolled(model.network, film, actions, torch.zeros(3, 15, dtype=torch.bool), config)
    by_hand = np.mean([(each.frame - film[:, 2 + i]).square().mean().item() for i, each in enumerate(frames)])
    assert float(recurrent_loss(model.network, batch, draws, config).detach()) == pytest.approx(by_hand, rel=1e-5)


def test_noising_follows_the_line_from_frame_to_noise() -> None:
    x, e = torch.ones(2, 3, 4, 4), torch.full((2, 3, 4, 4), -1.0)
    assert torch.allclose(noised(x, e, torch.tensor([0.0, 0.25]))[:, 0, 0, 0], torch.tensor([1.0, 0.5]))


def test_the_flow_loss_of_a_network_that_says_nothing_moves_is_the_error_of_copying() -> None:
    config = config_of("flow", context_noise=0.0)
    model = model_of("flow", context_noise=0.0)
    batch = batch_of(config)
    with torch.no_grad():
        model.network.frame_out.bias.zero_()  # its weights are zero at the start, so it says: as the last frame
    draws = draws_at(model.objectives()[0], 0, "test", range(3))
    film = film_of(batch.pictures, 4)
    errors = []
    for row in range(3):
        for target, t in zip(draws["target"][row], draws["t"][row], strict=True):
            error = (film[row, target - 1] - film[row, target]) / max(float(t), config.time_floor)
            errors.append(float(error.square().mean()))
    assert float(flow_loss(model.network, batch, draws, config).detach()) == pytest.approx(np.mean(errors), rel=1e-5)


@pytest.mark.parametrize("network", NETWORKS)
def test_a_loss_is_pure_and_leaves_the_global_random_numbers_alone(network: str) -> None:
    model = model_of(network)
    [objective] = model.objectives()
    batch, before = batch_of(model.config), (torch.get_rng_state(), np.random.get_state()[1].copy())
    draws = draws_at(objective, 0, "test", range(3), seen=range(3))
    first, second = (objective.loss(model, batch, draws) for _ in range(2))
    assert torch.equal(first, second) and first.dtype == torch.float32 and first.shape == ()
    assert torch.equal(before[0], torch.get_rng_state()) and np.array_equal(before[1], np.random.get_state()[1])
    one, other = (objective.draw(rng_at(0, "pure", 3)) for _ in range(2))
    assert all(np.array_equal(one[key], other[key]) for key in one)


@pytest.mark.parametrize("network", NETWORKS)
def test_the_objective_moves_every_parameter(network: str) -> None:
    model = model_of(network)
    [objective] = model.objectives()
    assert objective.parameters == {name for name, _ in model.named_parameters()}
    optimiser = make_optimiser(model, objective, TrainConfig(learning_rate=0.01))
    reached: set[str] = set()
    for step in range(3):
        objective.loss(model, batch_of(model.config), draws_at(objective, 0, "test", range(step, step + 3))).backward()
        reached |= {n for n, p in model.named_parameters() if p.grad is not None and p.grad.abs().max() > 0}
        optimiser.step(1.0)
        optimiser.clear()
    assert reached == objective.parameters
