"""Samplers against problems with known answers; seeds, guidance and batches against bit equality."""

import itertools
from collections.abc import Callable

import pytest
import torch
from diffusers.schedulers import FlowMatchEulerDiscreteScheduler

from mindseye.imagine.diffusion.model import Diffusion
from mindseye.imagine.diffusion.sample import SAMPLERS, guided, picture_noise, shifted_times
from mindseye.imagine.family import Settings
from mindseye.learn.batch import Words
from mindseye.randomness import rng_at

ORDER = {"euler": 1, "heun": 2, "adams-bashforth": 2}


def times(steps: int) -> torch.Tensor:
    return torch.linspace(1, 0, steps + 1, dtype=torch.float64)


def gaussian_field(mean: float, std: float):
    """The exact velocity when the data are N(mean, std^2): v = (x_t - E[x | x_t]) / t."""

    def field(x: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
        variance = (1 - t) ** 2 * std**2 + t**2
        expected_clean = mean + (1 - t) * std**2 / variance * (x - (1 - t) * mean)
        return (x - expected_clean) / t

    return field


def last(iterator):
    *_, value = iterator
    return value


@pytest.mark.parametrize("name", SAMPLERS)
def test_on_gaussian_data_every_sampler_reproduces_mean_and_standard_deviation(name: str) -> None:
    noise = torch.from_numpy(rng_at(0, "gauss").standard_normal(20_000))
    noise = (noise - noise.mean()) / noise.std()
    x = last(SAMPLERS[name](gaussian_field(0.3, 0.25), noise, times(40 if ORDER[name] == 2 else 400)))
    # the last step, to t = 0, is Euler's: it ends on the posterior mean, whose spread is 0.6 % too small at 40 steps
    assert x.mean().item() == pytest.approx(0.3, rel=0.01)
    assert x.std().item() == pytest.approx(0.25, rel=0.01)


@pytest.mark.parametrize("name", SAMPLERS)
def test_halving_the_steps_raises_the_error_by_the_order_of_the_sampler(name: str) -> None:
    """On dx/dt = x from t = 1 to 0, whose answer is x(0) = x(1) / e."""
    start = torch.ones(1, dtype=torch.float64)
    exact = torch.exp(torch.tensor(-1.0, dtype=torch.float64))
    errors = [(last(SAMPLERS[name](lambda x, t: x, start, times(steps))) - exact).abs().item() for steps in (40, 80)]
    # Heun's last step is Euler's, and Adams-Bashforth's first: one step of order 1 costs a global error of order 2
    assert errors[0] / errors[1] == pytest.approx(2 ** ORDER[name], rel=0.15)


@pytest.mark.parametrize("name", SAMPLERS)
def test_on_data_of_two_points_every_sampler_lands_on_one_of_them(name: str) -> None:
    points = torch.tensor([-0.7, 0.6], dtype=torch.float64)

    def field(x: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
        log_weight = -((x[:, None] - (1 - t) * points) ** 2) / (2 * t**2)
        return (x - log_weight.softmax(1) @ points) / t

    noise = torch.from_numpy(rng_at(0, "two points").standard_normal(500))
    x = last(SAMPLERS[name](field, noise, times(40)))
    assert (x[:, None] - points).abs().min(1).values.max() < 1e-4
    assert 0.3 < (x > 0).double().mean() < 0.7


def test_guidance_is_linear_and_exact_at_its_ends() -> None:
    against, with_caption = torch.tensor([1.0]), torch.tensor([3.0])
    assert guided(with_caption, against, 2.0).item() == 5.0
    assert guided(with_caption, against, 1.0) is with_caption
    assert guided(with_caption, against, 0.0) is against


def test_guiding_the_clean_picture_the_noise_or_the_velocity_is_the_same() -> None:
    generator = torch.Generator().manual_seed(0)
    x_t, c, u = torch.randn(3, 100, generator=generator, dtype=torch.float64)
    t, w = 0.37, 2.5
    by_clean = guided(c, u, w)
    by_velocity = x_t - t * guided((x_t - c) / t, (x_t - u) / t, w)
    by_noise = (x_t - t * guided((x_t - (1 - t) * c) / t, (x_t - (1 - t) * u) / t, w)) / (1 - t)
    torch.testing.assert_close(by_velocity, by_clean, atol=1e-12, rtol=0)
    torch.testing.assert_close(by_noise, by_clean, atol=1e-12, rtol=0)


def test_a_schedule_with_shift_three_turns_one_half_into_three_quarters() -> None:
    assert shifted_times(steps=2, shift=3.0).tolist() == [1.0, 0.75, 0.0]


def test_the_times_are_those_of_the_scheduler_that_the_folder_names() -> None:
    scheduler = FlowMatchEulerDiscreteScheduler(shift=3.0)
    scheduler.set_timesteps(sigmas=[1 - step / 12 for step in range(12)])
    torch.testing.assert_close(shifted_times(steps=12, shift=3.0), scheduler.sigmas, atol=1e-6, rtol=0)


@pytest.fixture
def model(tiny_model: Callable[[], Diffusion]) -> Diffusion:
    return tiny_model()


def caption(number: int) -> Words:
    tokens = torch.from_numpy(rng_at(number, "caption").standard_normal((1, 32, 384), dtype="float32"))
    return Words(tokens, torch.ones(1, 32, dtype=torch.bool), tokens.mean(1))


def draw(model, captions, seeds, negative=None, **fields):
    return last(model.draw(Words.cat(captions), negative, seeds, Settings(**fields))).pictures


def test_a_picture_is_the_same_bytes_alone_and_in_any_company(model) -> None:
    alone = draw(model, [caption(2)], [7])
    company = [(caption(number), seed) for number, seed in ((1, 3), (2, 7), (3, 9), (4, 4), (5, 1), (6, 0))]
    for count in (2, 3, 4, 5, 6):
        together = draw(model, [words for words, _ in company[:count]], [seed for _, seed in company[:count]])
        assert torch.equal(together[1], alone[0]), count
    for order in itertools.islice(itertools.permutations(company), 0, 720, 131):
        together = draw(model, [words for words, _ in order], [seed for _, seed in order])
        assert torch.equal(together[[seed for _, seed in order].index(7)], alone[0])


def test_guidance_one_ignores_the_negative_prompt_and_zero_ignores_the_prompt(model) -> None:
    plain = draw(model, [caption(1)], [0], guidance=1.0)
    assert torch.equal(plain, draw(model, [caption(1)], [0], negative=caption(2), guidance=1.0))
    other = draw(model, [caption(3)], [0], negative=caption(2), guidance=0.0)
    assert torch.equal(other, draw(model, [caption(1)], [0], negative=caption(2), guidance=0.0))
    assert torch.equal(other, draw(model, [caption(2)], [0], guidance=1.0))


def test_seeds_give_different_noise_over_the_whole_range() -> None:
    noises = [picture_noise(seed, (4,)) for seed in (0, 1, 2**31, 2**32 - 1)]
    assert all(not torch.equal(a, b) for a, b in itertools.combinations(noises, 2))


def test_progress_counts_every_step_once_and_ends_with_finite_pictures(model) -> None:
    seen = list(model.draw(Words.cat([caption(1)] * 5), None, range(5), Settings(steps=3)))
    assert [(progress.step, progress.steps) for progress in seen] == [(i, 15) for i in range(1, 16)]
    assert seen[-1].pictures.shape == (5, 4, 16, 16)
    assert torch.isfinite(seen[-1].pictures).all()
