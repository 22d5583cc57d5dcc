"""Figures of a code, against posteriors whose information is known."""

from __future__ import annotations

import math

import pytest
import torch
from tests.observe.sentences.small import learnt, model

from mindseye.observe.sentences.figures import active_units, cost, information, negative_log_likelihood, normal_numbers
from mindseye.observe.sentences.objective import Posterior
from mindseye.observe.sentences.words import Reader


def test_posteriors_that_are_all_the_prior_share_nothing_with_the_sentence() -> None:
    collapsed = Posterior(torch.zeros(500, 4), torch.zeros(500, 4))
    assert information(collapsed) == pytest.approx(0.0, abs=1e-6)


def test_posteriors_far_apart_tell_which_sentence_it_was() -> None:
    apart = Posterior(torch.arange(64.0)[:, None] * 100, torch.zeros(64, 1))
    assert information(apart) == pytest.approx(math.log(64), abs=0.3)


def test_of_gaussian_posteriors_the_information_is_that_of_a_noisy_channel() -> None:
    """Means from N(0, 0.8), variance 0.2: z and x share 1/2 log(1 / 0.2) nats a dimension."""
    means = normal_numbers((4000, 2), "channel", 0) * math.sqrt(0.8)
    channel = Posterior(means, torch.full((4000, 2), math.log(0.2)))
    assert information(channel) == pytest.approx(2 * 0.5 * math.log(5), abs=0.08)


def test_a_unit_is_active_when_its_mean_goes_with_the_sentence() -> None:
    assert active_units(torch.tensor([0.5, 0.011, 0.009, 0.0])) == 2


def test_the_importance_weighted_bound_is_tighter_than_the_elbo_and_falls_with_the_samples() -> None:
    made = learnt()
    ids, mask = Reader.of(made.config).padded(["a red cat"])
    elbo = sum(float(cost(made, ids, mask, seed=seed).elbo) for seed in range(60)) / 60
    one = sum(negative_log_likelihood(made, ids, mask, samples=1, seed=seed) for seed in range(60)) / 60
    many = negative_log_likelihood(made, ids, mask, samples=500)
    assert one == pytest.approx(-elbo, abs=0.7)
    assert many < one


def test_where_the_code_is_ignored_the_likelihood_is_exact() -> None:
    made = model()
    with torch.no_grad():
        for layer in (made.to_state, made.to_posterior):
            layer.weight.zero_()
            layer.bias.zero_()
        made.decoder.weight_ih_l0[:, 32:].zero_()
    ids, mask = Reader.of(made.config).padded(["a red cat"])
    assert negative_log_likelihood(made, ids, mask, samples=5) == pytest.approx(float(cost(made, ids, mask).surprise))


def test_of_a_language_model_it_is_the_surprise() -> None:
    made = model(kind="language-model")
    ids, mask = Reader.of(made.config).padded(["a red cat"])
    assert negative_log_likelihood(made, ids, mask) == pytest.approx(float(cost(made, ids, mask).surprise))
    assert float(cost(made, ids, mask).kl) == 0.0
