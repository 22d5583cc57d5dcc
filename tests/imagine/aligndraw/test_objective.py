"""The bound: what a code costs, what a picture costs, and which way each is differentiated."""

from __future__ import annotations

import math

import pytest
import torch
from torch.distributions import Normal, kl_divergence

from mindseye.imagine.aligndraw.language import READERS
from mindseye.imagine.aligndraw.network import Gaussian
from mindseye.imagine.aligndraw.objective import bernoulli, bound, kl, loss, without_padding

from .small import batch, config, draws, model, pictures, with_captions, words


def gaussian(mean: float, sigma: float) -> Gaussian:
    return Gaussian(torch.tensor([[mean]]), torch.tensor([[math.log(sigma)]]))


def test_a_code_costs_nothing_where_the_posterior_is_the_prior() -> None:
    for mean, sigma in ((0.0, 1.0), (0.7, 0.4), (-2.0, 2.5)):
        assert kl(gaussian(mean, sigma), gaussian(mean, sigma)).item() == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize(("mean", "log_sigma", "nats"), [(1.0, 0.0, 0.5), (0.0, 1.0, 2.194528), (0.0, 0.5, 0.359141)])
def test_the_price_against_a_standard_normal_is_that_of_any_vae(mean: float, log_sigma: float, nats: float) -> None:
    """Of the published code's two conventions, log variance and log standard deviation, all here is the second."""
    assert kl(gaussian(mean, math.exp(log_sigma)), gaussian(0, 1)).item() == pytest.approx(nats, abs=1e-5)


def test_the_price_is_the_divergence_of_the_two_normal_distributions() -> None:
    for q, p in (((0.3, 0.5), (-0.2, 1.7)), ((2.0, 1.5), (1.0, 0.6))):
        expected = kl_divergence(Normal(*q), Normal(*p)).item()
        assert kl(gaussian(*q), gaussian(*p)).item() == pytest.approx(expected, rel=1e-5)


def test_the_inference_gives_a_log_variance_which_is_halved() -> None:
    network = model().network
    with torch.no_grad():
        network.posterior.weight.zero_()
        network.posterior.bias.fill_(math.log(4.0))
    posterior, _ = network.infer(pictures(2), network.begin(2), network.begin(2).generator)
    assert torch.allclose(posterior.log_sigma.exp(), torch.full((2, 8), 2.0))
    assert torch.allclose(posterior.sample(torch.ones(2, 8)), torch.full((2, 8), math.log(4.0) + 2.0))


def test_the_picture_costs_its_entropy_at_best() -> None:
    shown = torch.tensor([0.0, 1.0, 0.25, 0.5]).reshape(1, 1, 2, 2)
    best = torch.logit(shown.clamp(1e-7, 1 - 1e-7))
    entropy = -(0.25 * math.log(0.25) + 0.75 * math.log(0.75)) + math.log(2)
    assert bernoulli(shown, best).item() == pytest.approx(entropy, abs=1e-4)
    assert bernoulli(shown, best + 0.5).item() > entropy
    black = torch.full_like(shown, -10.0)
    assert bernoulli(torch.ones_like(shown), black).item() == pytest.approx(40, abs=1e-2)


def test_the_bound_has_one_price_a_step_and_compares_the_last_canvas() -> None:
    made = model()
    noise = draws(made.config, 3)["noise"]
    parts = bound(made.network, pictures(3), words(5, 5, 5), with_captions(3), noise)
    assert parts.kl.shape == (3, 4) and (parts.kl > 0).all()
    assert parts.surprise.shape == (3,)
    few = bound(made.network, pictures(3), words(5, 5, 5), with_captions(3), noise[:, :2])
    assert torch.equal(few.kl, parts.kl[:, :2]) and not torch.equal(few.surprise, parts.surprise)


def test_the_loss_is_the_bound_for_each_number_of_a_picture() -> None:
    made = model()
    numbers = draws(made.config, 4)
    parts = bound(made.network, batch(4).pictures, batch(4).words, numbers["without_caption"], numbers["noise"])
    expected = (parts.surprise + parts.kl.sum(1)).mean() / (4 * 16 * 16)
    assert torch.allclose(loss(made.network, batch(4), numbers, made.config), expected)


@pytest.mark.parametrize("reader", READERS)
def test_a_picture_s_bound_does_not_depend_on_its_neighbours(reader: str) -> None:
    network = model(reader=reader).network
    noise = draws(config(), 3)["noise"]
    captions = words(12, 3, 7)
    together = bound(network, pictures(3), captions, with_captions(3), noise)
    order = [2, 0, 1]
    permuted = bound(network, pictures(3)[order], captions.rows(order), with_captions(3), noise[order])
    assert torch.allclose(permuted.surprise, together.surprise[order], rtol=1e-4)
    alone = bound(network, pictures(3)[1:2], captions.rows([1]), with_captions(1), noise[1:2])
    assert torch.allclose(alone.kl, together.kl[1:2], rtol=1e-3, atol=1e-5)


def test_padding_behind_the_longest_caption_is_not_read_and_changes_nothing() -> None:
    captions = words(5, 3)
    cut = without_padding(captions)
    assert cut.tokens.shape[1] == 5 and without_padding(words(0)).tokens.shape[1] == 1
    network = model().network
    long, short = (network.reader.words(each.tokens, each.mask) for each in (captions, cut))
    assert torch.allclose(long[:, :5], short, atol=1e-6)


def test_the_first_code_s_prior_is_standard_and_later_ones_are_bounded() -> None:
    network = model().network
    state = network.begin(2)
    assert (state.prior.mean == 0).all() and (state.prior.log_sigma == 0).all()
    state = network.write(100 * torch.ones(2, 8), state, network.language(words(5, 5), with_captions(2)))
    assert state.prior.mean.abs().max() <= 1 and state.prior.log_sigma.abs().max() <= 1
    assert not (state.prior.mean == 0).all()


def test_the_inference_does_not_see_the_caption_and_the_generator_does_not_see_the_picture() -> None:
    network = model().network
    state = network.begin(1)
    posterior, _ = network.infer(pictures(1), state, state.generator)
    posterior.mean.sum().backward()
    assert all(parameter.grad is None for parameter in network.reader.parameters())
    network.zero_grad()
    after = network.write(torch.zeros(1, 8), state, network.language(words(5), with_captions(1)))
    after.canvas.sum().backward()
    assert all(p.grad is None for part in (network.inference, network.posterior) for p in part.parameters())
