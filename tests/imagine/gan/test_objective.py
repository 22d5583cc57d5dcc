"""The contests against numbers worked out by hand."""

import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from mindseye.imagine.gan.config import GanConfig
from mindseye.imagine.gan.folder import load, save
from mindseye.imagine.gan.model import build
from mindseye.imagine.gan.objective import (
    CONTESTS,
    changed,
    draw,
    of,
    one_centred,
    towards_target,
    with_slope,
    zero_centred,
)
from mindseye.learn.batch import Batch, Words
from mindseye.learn.learner import PictureFormat
from mindseye.randomness import rng_at

METHODS = tuple(CONTESTS)


def tiny(**fields: object) -> GanConfig:
    return GanConfig.for_pictures(PictureFormat(size_px=16, channels=4), "tiny").model_copy(update=fields)


def linear(slope: torch.Tensor):
    """A critic that is linear, with one caption: D(x) = a . x."""
    return lambda pictures: (pictures * slope).flatten(1).sum(1, keepdim=True)


def stacked(config: GanConfig, count: int) -> Mapping[str, torch.Tensor]:
    each = [draw(rng_at(0, "sample", position), config) for position in range(count)]
    return {name: torch.from_numpy(np.stack([numbers[name] for numbers in each])) for name in each[0]}


def batch(count: int, channels: int = 4) -> Batch:
    rng = rng_at(0, "batch")
    pictures = torch.from_numpy(rng.uniform(-1, 1, (count, channels, 16, 16)).astype("float32"))
    tokens = torch.from_numpy(rng.standard_normal((count, 8, 384), dtype="float32"))
    words = Words(tokens, torch.ones(count, 8, dtype=torch.bool), tokens.mean(1))
    return Batch(pictures, words, torch.arange(count))


@pytest.mark.parametrize(
    ("often", "right", "moves"),
    [
        (0.3, 1.0, 1),  # r = 1: it knows them by heart
        (0.3, 0.85, 1),  # r = 0.7
        (0.3, 0.75, -1),  # r = 0.5
        (0.3, 0.0, -1),
        (0.0, 0.5, 0),  # no less than none
        (0.8, 1.0, 0),  # no more than leaves no trace
        (0.8, 0.5, -1),
    ],
)
def test_pictures_are_changed_as_often_as_the_critic_needs(often: float, right: float, moves: int) -> None:
    p = torch.tensor(often, requires_grad=True)
    real, fake = torch.ones(100), torch.where(torch.arange(100) < 100 * right, 0.0, 2.0)
    adam = torch.optim.AdamW([p], lr=0.01, betas=(0.0, 0.99), weight_decay=0)
    for step in range(1, 3):
        loss = towards_target(p, real, fake)
        assert loss.item() == 0
        adam.zero_grad()
        loss.backward()
        adam.step()
        assert p.item() == pytest.approx(often + moves * 0.01 * step, abs=1e-6)


def test_a_share_that_is_needed_is_learnt_with_the_critic_and_is_none_of_the_finished_model(tmp_path: Path) -> None:
    config = tiny(often="needed", augment=("move",))
    model = build(config, 0)
    critic, generator = model.objectives()
    assert "often" in critic.parameters and "often" not in generator.parameters
    with torch.no_grad():
        model.often.fill_(-0.1)
    draws = stacked(config, 8)
    assert torch.equal(changed(model, batch(8).pictures, "real", draws, config), batch(8).pictures)
    with torch.no_grad():
        model.often.fill_(0.5)
    critic.loss(model, batch(8), draws).backward()
    assert 0 < abs(model.often.grad.item()) <= 1.6
    save(model, tmp_path)
    assert load(config, tmp_path).often is None


def test_r1_of_a_linear_critic_is_the_square_of_its_slope() -> None:
    slope = torch.tensor([1.0, -2.0, 0.5])
    scores, square = with_slope(linear(slope), torch.randn(4, 3, generator=torch.Generator().manual_seed(0)))
    assert scores.shape == (4, 1)
    torch.testing.assert_close(square, torch.full((4,), 5.25))


def test_both_penalties_of_r3gan_are_weighted_by_half_of_gamma() -> None:
    slope = torch.tensor([3.0, 4.0])
    _, _, penalty = zero_centred(linear(slope), torch.ones(2, 2), torch.zeros(2, 2), torch.ones(2), 0.1)
    torch.testing.assert_close(penalty, torch.full((2,), 0.05 * (25 + 25)))


def test_the_penalty_of_wgan_gp_is_forty_where_the_slope_is_three() -> None:
    slope = torch.tensor([1.0, 2.0, 2.0])
    real, fake = torch.randn(2, 4, 3, generator=torch.Generator().manual_seed(0))
    _, _, penalty = one_centred(linear(slope), real, fake, torch.full((4,), 0.3), 10.0)
    torch.testing.assert_close(penalty, torch.full((4,), 40.0))


def test_the_penalty_of_wgan_gp_is_taken_between_each_pair_at_its_own_share() -> None:
    real, fake = torch.full((2, 1), 5.0), torch.full((2, 1), 1.0)
    _, _, penalty = one_centred(lambda x: x**2 / 2, real, fake, torch.tensor([0.0, 0.5]), 1.0)  # its slope is x
    torch.testing.assert_close(penalty, torch.tensor([0.0, 4.0]))  # (1 - 1)^2, (3 - 1)^2


def test_a_critic_of_no_slope_has_a_finite_penalty_and_gradient() -> None:
    weight = torch.zeros(3, requires_grad=True)
    _, _, penalty = one_centred(linear(weight), torch.ones(2, 3), torch.zeros(2, 3), torch.ones(2), 10.0)
    penalty.sum().backward()
    assert penalty.tolist() == pytest.approx([10, 10], rel=1e-4)
    assert torch.isfinite(weight.grad).all()


def test_the_penalty_can_be_differentiated_and_leaves_the_pictures_alone() -> None:
    slope = torch.tensor([3.0, 4.0], requires_grad=True)
    pictures = torch.ones(1, 2)
    _, square = with_slope(linear(slope), pictures)
    square.sum().backward()
    assert slope.grad.tolist() == [6.0, 8.0]  # d/da |a|^2 = 2 a
    assert not pictures.requires_grad


def test_under_no_gradients_a_penalty_is_the_same_number() -> None:
    with torch.no_grad():
        _, square = with_slope(linear(torch.tensor([3.0, 4.0])), torch.ones(1, 2))
    assert square.item() == 25


@pytest.mark.parametrize(
    ("method", "critic", "generator"),
    [
        ("r3gan", math.log(2), math.log(2)),
        ("dcgan", 2 * math.log(2), math.log(2)),
        ("wgan-gp", 0.0, 0.0),
    ],
)
def test_where_nothing_is_told_apart_every_loss_has_its_known_value(
    method: str, critic: float, generator: float
) -> None:
    even = torch.zeros(3)
    assert CONTESTS[method].critic(even, even).tolist() == pytest.approx([critic] * 3)
    assert CONTESTS[method].generator(even, even).tolist() == pytest.approx([generator] * 3)


@pytest.mark.parametrize("method", METHODS)
def test_what_is_good_for_the_critic_is_bad_for_the_generator(method: str) -> None:
    contest, one = CONTESTS[method], torch.ones(1)
    assert contest.critic(one, -one) < contest.critic(-one, one)
    assert contest.generator(one, -one) > contest.generator(one, one)


def test_only_r3gan_compares_pairs() -> None:
    """Raising both scores alike changes nothing for it."""
    real, fake = torch.tensor([0.3]), torch.tensor([-0.2])
    assert torch.allclose(CONTESTS["r3gan"].critic(real, fake), CONTESTS["r3gan"].critic(real + 5, fake + 5))
    assert not torch.allclose(CONTESTS["dcgan"].critic(real, fake), CONTESTS["dcgan"].critic(real + 5, fake + 5))


@pytest.mark.parametrize("method", METHODS)
def test_each_objective_moves_its_own_network_only(method: str) -> None:
    config = tiny(method=method)
    model = build(config, seed=0)
    critic, generator = model.objectives()
    assert critic.parameters | generator.parameters == {name for name, _ in model.named_parameters()}
    assert not critic.parameters & generator.parameters
    for objective in (critic, generator):
        for name, parameter in model.named_parameters():
            parameter.requires_grad_(name in objective.parameters)
            parameter.grad = None
        objective.loss(model, batch(4), stacked(config, 4)).backward()
        moved = {name for name, parameter in model.named_parameters() if parameter.grad is not None}
        assert moved == objective.parameters


def test_the_real_and_the_generated_picture_of_a_sample_are_changed_each_in_its_own_way() -> None:
    drawn = stacked(tiny(), 8)
    real, fake = of("real", drawn), of("fake", drawn)
    assert real.keys() == fake.keys() >= {"brightness", "saturation", "contrast", "shift", "middle", "chance of cut"}
    assert all(not torch.equal(real[name], fake[name]) for name in real)


def test_a_loss_is_a_function_of_its_arguments_alone() -> None:
    config = tiny()
    model, drawn = build(config, seed=0), stacked(config, 4)
    for objective in model.objectives():
        assert torch.equal(objective.loss(model, batch(4), drawn), objective.loss(model, batch(4), drawn))


def test_a_wrong_caption_counts_only_where_it_contradicts() -> None:
    config = tiny()
    model, drawn, shown = build(config, seed=0), stacked(config, 4), batch(4)
    [critic, _] = model.objectives()
    alike = Batch(shown.pictures, shown.words, torch.zeros(4, dtype=torch.int64))
    [without, _] = build(tiny(mismatch=0.0), seed=0).objectives()
    assert critic.loss(model, alike, drawn).item() == pytest.approx(without.loss(model, shown, drawn).item())
    assert critic.loss(model, shown, drawn) > critic.loss(model, alike, drawn)


@pytest.mark.parametrize("method", METHODS)
def test_without_captions_the_contest_is_about_pictures_alone(method: str) -> None:
    shown, drawn = batch(4), stacked(tiny(), 4)
    silent = replace(shown, words=replace(shown.words, mask=torch.zeros_like(shown.words.mask)))
    model, losses = build(tiny(method=method), seed=0), {}
    for mismatch in (0.0, 5.0):
        [critic, _] = build(tiny(method=method, mismatch=mismatch), seed=0).objectives()
        losses[mismatch] = critic.loss(model, silent, drawn)
    assert torch.equal(losses[0.0], losses[5.0])
