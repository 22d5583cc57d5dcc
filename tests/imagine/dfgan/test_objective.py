"""The losses of DF-GAN against numbers worked out by hand."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from tests.imagine.dfgan.small import awake, batch, model, normal
from torch import Tensor, nn

from mindseye.imagine.dfgan.config import DfGanConfig
from mindseye.imagine.dfgan.objective import with_penalty
from mindseye.learn.batch import Batch
from mindseye.learn.learner import PictureFormat
from mindseye.train.data import draws_at

CONFIG = DfGanConfig.for_pictures(PictureFormat(16, 3), "tiny")


class Linear:
    """D(x, e) = a . x + b . e"""

    def __init__(self, a: Tensor, b: Tensor) -> None:
        self.a, self.b = a, b

    def __call__(self, pictures: Tensor) -> Tensor:
        return (pictures * self.a).flatten(1).sum(1)

    def fits(self, seen: Tensor, sentence: Tensor) -> Tensor:
        return seen + (sentence * self.b).sum(1)


def penalty(a: Tensor, b: Tensor, **fields: Any) -> Tensor:
    config = CONFIG.model_copy(update=fields)
    x, e = normal(5, len(a)), normal(5, len(b), seed=1)
    return with_penalty(Linear(a, b), x, e, e.roll(1, 0), config)[2]


def test_the_penalty_is_twice_the_sixth_power_of_the_norm_of_both_gradients() -> None:
    a, b = torch.tensor([1.0, 2.0, 2.0]), torch.tensor([0.0, 4.0])
    torch.testing.assert_close(penalty(a, b, penalty_power=2.0), torch.full((5,), 2 * 25.0))  # 9 + 16
    torch.testing.assert_close(penalty(a, b), torch.full((5,), 2 * 5.0**6))


def test_where_the_discriminator_is_flat_penalty_and_gradient_are_nought_and_finite() -> None:
    a, b = (torch.zeros(3, requires_grad=True) for _ in range(2))
    value = penalty(a, b)
    value.sum().backward()
    assert value.abs().sum() == 0 and torch.isfinite(a.grad).all() and torch.isfinite(b.grad).all()


def test_the_penalty_is_taken_at_real_pictures_with_their_own_sentence_and_nowhere_else() -> None:
    """D(x, e) = (x e)^2 / 2 has the slopes x e^2 and x^2 e, other for every pair."""

    class Square:
        def __call__(self, pictures: Tensor) -> Tensor:
            return pictures

        def fits(self, seen: Tensor, sentence: Tensor) -> Tensor:
            return ((seen * sentence) ** 2 / 2).sum(1)

    x, e = torch.tensor([[1.0], [2.0], [3.0]]), torch.tensor([[2.0], [1.0], [0.5]])
    config = CONFIG.model_copy(update={"penalty": 1.0, "penalty_power": 2.0})
    matching, mismatching, value = with_penalty(Square(), x, e, e.roll(1, 0), config)
    assert matching.tolist() == [2.0, 2.0, 1.125]
    assert mismatching.tolist() == [0.125, 8.0, 4.5]
    assert value.tolist() == pytest.approx([16 + 4, 4 + 16, 0.5625 + 20.25])


def losses(dfgan: Any, shown: Batch) -> dict[str, Tensor]:
    count = len(shown.pictures)
    return {each.name: each.loss(dfgan, shown, draws_at(each, 0, "test", range(count))) for each in dfgan.objectives()}


def test_a_discriminator_that_says_nought_of_everything_has_a_loss_of_two_and_the_generator_none() -> None:
    dfgan = model()
    nn.init.zeros_(dfgan.discriminator.score.weight)
    values = losses(dfgan, batch(4))
    assert values["discriminator"].item() == pytest.approx(1 + (1 + 1) / 2)
    assert values["generator"].item() == 0


def test_a_wrong_sentence_counts_only_where_it_contradicts() -> None:
    dfgan, shown = model(), batch(4)
    nn.init.zeros_(dfgan.discriminator.score.weight)
    for concepts, expected in (([0, 0, 0, 0], 1.5), ([0, 0, 1, 1], 1.75), ([0, 1, 2, 3], 2.0)):
        alike = Batch(shown.pictures, shown.words, torch.tensor(concepts))
        assert losses(dfgan, alike)["discriminator"].item() == pytest.approx(expected)
    silent = replace(shown.words, mask=torch.zeros_like(shown.words.mask))
    assert losses(dfgan, replace(shown, words=silent))["discriminator"].item() == pytest.approx(1.5)


def test_each_objective_moves_its_own_network_only() -> None:
    dfgan, shown = awake(model()), batch(4)
    for objective in dfgan.objectives():
        for name, parameter in dfgan.named_parameters():
            parameter.requires_grad_(name in objective.parameters)
            parameter.grad = None
        objective.loss(dfgan, shown, draws_at(objective, 0, "test", range(4))).backward()
        moved = {name for name, parameter in dfgan.named_parameters() if parameter.grad is not None}
        assert moved == objective.parameters


def test_rivals_learn_at_the_paper_s_rates_where_a_training_has_the_usual_one() -> None:
    rates = {objective.name: (objective.rate, objective.betas) for objective in model().objectives()}
    assert rates == {"discriminator": (0.4, (0.0, 0.9)), "generator": (0.1, (0.0, 0.9))}  # of 1e-3: 4e-4 and 1e-4
