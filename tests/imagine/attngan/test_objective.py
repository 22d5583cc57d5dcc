"""The losses against numbers worked out by hand, and what each of them moves."""

from __future__ import annotations

import math

import pytest
import torch
from tests.imagine.attngan.small import batch, config, draws, model, named, normal

from mindseye.imagine.attngan.objective import (
    DISCRIMINATOR,
    at_each_stage,
    for_damsm,
    kl_divergence,
    match_loss,
    moved,
    says_no,
    says_yes,
)
from mindseye.learn.batch import Batch

LN2 = math.log(2)


@pytest.mark.parametrize(
    ("mean", "log_variance", "expected"), [(0.0, 0.0, 0.0), (1.0, 0.0, 0.5), (0.0, 1.0, 0.3591409), (2.0, 0.0, 2.0)]
)
def test_the_divergence_of_the_conditioning_is_a_mean_over_its_dimensions(
    mean: float, log_variance: float, expected: float
) -> None:
    value = kl_divergence(torch.full((3, 7), mean), torch.full((3, 7), log_variance))
    assert value.item() == pytest.approx(expected, abs=1e-6)


def test_what_a_discriminator_says_is_the_cross_entropy_of_its_logit() -> None:
    logits = torch.tensor([-2.0, 0.5, 3.0])
    assert says_yes(logits).item() == pytest.approx(-torch.sigmoid(logits).log().mean().item(), abs=1e-6)
    assert says_no(logits).item() == pytest.approx(-(1 - torch.sigmoid(logits)).log().mean().item(), abs=1e-6)
    assert torch.isfinite(says_yes(torch.tensor([-1e4]))) and torch.isfinite(says_no(torch.tensor([1e4])))


@pytest.mark.parametrize(("form", "expected"), [("paper", 2 * LN2), ("released", 2 * LN2)])
def test_where_nothing_is_told_apart_right_and_wrong_cost_ln_2_each(form: str, expected: float) -> None:
    even, contradicts = torch.zeros(4), torch.ones(4, dtype=torch.bool)
    assert DISCRIMINATOR[form]([even, even], [even, even], even, contradicts).item() == pytest.approx(expected)


def test_only_the_released_form_punishes_a_wrong_caption_and_only_where_it_contradicts() -> None:
    even, high = torch.zeros(4), torch.full((4,), 3.0)
    contradicts, agrees = torch.ones(4, dtype=torch.bool), torch.zeros(4, dtype=torch.bool)
    paper, released = DISCRIMINATOR["paper"], DISCRIMINATOR["released"]
    sides = [even, even], [even, even]
    assert torch.equal(paper(*sides, even, contradicts), paper(*sides, high, contradicts))
    difference = released(*sides, high, contradicts) - released(*sides, even, contradicts)
    assert difference.item() == pytest.approx((math.log1p(math.e**3) - LN2) / 3, abs=1e-5)
    assert torch.equal(released(*sides, high, agrees), released(*sides, even, agrees))


def test_before_training_the_four_terms_of_the_damsm_are_about_ln_of_the_batch_each() -> None:
    attngan, shown = model(damsm_preset="small"), batch(24)
    value = match_loss(attngan, shown.pictures, attngan.text(shown.words), shown, attngan.config)
    assert 4 * (math.log(24) - 0.1) < value < 4 * (math.log(24) + 0.5)


def test_the_weight_of_the_damsm_multiplies_its_term_alone() -> None:
    shown = batch(6)
    losses = {}
    for weight in (0.0, 1.0, 5.0):
        attngan = model(damsm_weight=weight)
        generator = named(attngan, "generator")
        losses[weight] = generator.loss(attngan, shown, draws(generator, 6)).item()
    assert losses[5.0] - losses[0.0] == pytest.approx(5 * (losses[1.0] - losses[0.0]), rel=1e-4)
    assert losses[1.0] - losses[0.0] > 3 * math.log(6)


def test_each_objective_moves_its_own_networks_only() -> None:
    attngan, shown = model(), batch(6)
    objectives = attngan.objectives()
    assert [objective.name for objective in objectives] == ["discriminators", "generator", "damsm"]
    for objective in objectives:
        for name, parameter in attngan.named_parameters():
            parameter.requires_grad_(name in objective.parameters)
            parameter.grad = None
        objective.loss(attngan, shown, draws(objective, 6)).backward()
        moved_names = {name for name, parameter in attngan.named_parameters() if parameter.grad is not None}
        assert moved_names == objective.parameters


def test_real_pictures_of_the_stages_are_averages_of_the_whole_one() -> None:
    pictures = normal(2, 4, 16, 16)
    small, middle, whole = at_each_stage(pictures, config())
    assert torch.equal(whole, pictures)
    torch.testing.assert_close(middle[0, 1, 0, 0], pictures[0, 1, :2, :2].mean())
    torch.testing.assert_close(small[1, 2, 3, 3], pictures[1, 2, 12:, 12:].mean())


def test_pictures_are_moved_by_their_own_share_of_an_eighth_of_the_edge() -> None:
    picture = torch.arange(16.0).expand(3, 1, 16, 16)
    across = moved(picture, torch.tensor([[0.0, 1.0], [0.0, -1.0], [0.0, 0.1]]), config())
    assert across[0, 0, 0].tolist() == [0, 0, *range(14)]
    assert across[1, 0, 0].tolist() == [*range(2, 16), 15, 15]
    assert across[2, 0, 0].tolist() == list(range(16))


def test_a_picture_of_another_size_is_brought_to_the_damsm_s() -> None:
    twenty = config(20)
    assert twenty.matcher.size_px == 24
    assert for_damsm(normal(1, 4, 20, 20), twenty).shape == (1, 4, 24, 24)
    same = normal(1, 4, 16, 16)
    assert for_damsm(same, config()) is same


def test_a_loss_is_a_function_of_its_arguments_alone() -> None:
    attngan, shown = model(), batch(4)
    for objective in attngan.objectives():
        numbers = draws(objective, 4)
        assert torch.equal(objective.loss(attngan, shown, numbers), objective.loss(attngan, shown, numbers))


def test_captions_without_words_have_finite_losses() -> None:
    attngan, shown = model(), batch(4)
    mute = Batch(
        shown.pictures,
        type(shown.words)(
            torch.zeros_like(shown.words.tokens),
            torch.zeros_like(shown.words.mask),
            torch.zeros_like(shown.words.sentence),
        ),
        shown.concepts,
    )
    for objective in attngan.objectives():
        assert torch.isfinite(objective.loss(attngan, mute, draws(objective, 4)))


def test_rivals_learn_at_the_paper_s_rate_where_a_training_has_the_usual_one() -> None:
    rates = {objective.name: (objective.rate, objective.betas) for objective in model().objectives()}
    assert rates["generator"] == rates["discriminators"] == (0.2, (0.5, 0.999))  # of 1e-3: 2e-4
    assert rates["damsm"][0] == 1.0
