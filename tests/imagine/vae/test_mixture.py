"""The mixture of Gaussians against distributions that are known."""

import numpy as np
import pytest
import torch
from tests.imagine.vae import small

from mindseye.imagine.vae.mixture import Mixture, fitted
from mindseye.imagine.vae.network import Posterior
from mindseye.randomness import rng_at


def two_clouds(count: int, purpose: str = "clouds") -> np.ndarray:
    """A quarter around (-3, 0), long in y; the rest around (2, 1), round."""
    rng = rng_at(0, purpose)
    first = rng.random(count) < 0.25
    codes = rng.standard_normal((count, 2))
    return np.where(first[:, None], codes * [0.2, 1.0] + [-3, 0], codes * 0.5 + [2, 1])


def test_clouds_are_found_with_their_share_their_middle_and_their_form() -> None:
    mixture = fitted(two_clouds(60))
    assert len(mixture.weights) == 3  # ten codes for each dimension of a component
    mixture = fitted(two_clouds(4000))
    left = mixture.means[:, 0] < -1
    assert mixture.weights[left].sum() == pytest.approx(0.25, abs=0.02)
    assert (mixture.weights[left] @ mixture.means[left]) / mixture.weights[left].sum() == pytest.approx(
        [-3, 0], abs=0.1
    )


def test_unseen_codes_are_likelier_than_under_one_normal_distribution() -> None:
    codes, unseen = two_clouds(4000), two_clouds(1000, "unseen")
    one = Mixture(np.ones(1), codes.mean(0)[None], np.linalg.cholesky(np.cov(codes.T))[None])
    assert fitted(codes).log_density(unseen).mean() > one.log_density(unseen).mean() + 0.5


def test_the_density_is_that_of_a_normal_distribution_where_it_is_one() -> None:
    """N((1, 0), ((4, 0), (0, 1))) at its middle, and two of its standard deviations away."""
    one = Mixture(np.ones(1), np.array([[1.0, 0.0]]), np.array([[[2.0, 0.0], [0.0, 1.0]]]))
    peak = -np.log(2 * np.pi) - np.log(2)
    assert one.log_density(np.array([[1.0, 0.0], [5.0, 0.0], [1.0, 2.0]])) == pytest.approx([peak, peak - 2, peak - 2])


def test_what_is_drawn_has_the_mean_and_the_spread_of_what_was_fitted() -> None:
    codes = two_clouds(4000)
    mixture = fitted(codes)
    drawn = np.stack([mixture.draw(rng_at(seed, "picture")) for seed in range(4000)])
    assert drawn.mean(0) == pytest.approx(codes.mean(0), abs=0.12)
    assert np.cov(drawn.T) == pytest.approx(np.cov(codes.T), abs=0.5)
    cold = np.stack([mixture.draw(rng_at(seed, "picture"), temperature=0.0) for seed in range(50)])
    assert all((np.abs(mixture.means - one).sum(1) < 1e-12).any() for one in cold)


def test_the_same_codes_give_the_same_mixture_and_equal_codes_give_a_finite_one() -> None:
    one, same = fitted(two_clouds(500)), fitted(two_clouds(500))
    assert np.array_equal(one.means, same.means) and np.array_equal(one.factors, same.factors)
    flat = fitted(np.ones((300, 3)))
    assert np.isfinite(flat.factors).all() and np.isfinite(flat.log_density(np.ones((1, 3)))).all()


def test_before_a_training_ends_the_mixture_is_the_prior_and_then_it_is_where_the_codes_lie() -> None:
    codes = small.model().with_words
    prior = codes.mixture
    at = rng_at(0, "at").standard_normal((5, 4))
    assert prior.log_density(at) == pytest.approx(-0.5 * (at**2).sum(1) - 2 * np.log(2 * np.pi))
    far = torch.from_numpy(rng_at(0, "far").standard_normal((400, 4), dtype="float32")) * 0.1 + 3
    codes.measure([Posterior(part, torch.full_like(part, -9.0)) for part in far.split(150)], noise=1)
    assert codes.mixture.means.mean(0) == pytest.approx([3] * 4, abs=0.1)
    assert codes.kl.tolist() == pytest.approx([0.5 * (np.exp(-9) - 1 + 9 + 9.01)] * 4, rel=0.01)
