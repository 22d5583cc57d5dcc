"""The rectified-flow objective against closed forms."""

from collections.abc import Callable

import numpy as np
import pytest
import torch

from mindseye.imagine.diffusion.config import DiffusionConfig
from mindseye.imagine.diffusion.model import Diffusion, build
from mindseye.imagine.diffusion.objective import draw, noised, velocity
from mindseye.learn.batch import Batch, Words
from mindseye.learn.learner import PictureFormat
from mindseye.randomness import rng_at


def tiny(**changes: object) -> DiffusionConfig:
    config = DiffusionConfig.for_pictures(PictureFormat(size_px=16, channels=4), "tiny")
    return config.model_copy(update=changes)


def words(batch: int, tokens: int = 32) -> Words:
    states = torch.from_numpy(rng_at(0, "test words").standard_normal((batch, tokens, 384), dtype="float32"))
    return Words(states, torch.arange(tokens).expand(batch, -1) < 5, states.mean(1))


def stacked(config: DiffusionConfig, count: int) -> dict[str, torch.Tensor]:
    samples = [draw(rng_at(0, "loss", i), config) for i in range(count)]
    return {name: torch.from_numpy(np.stack([sample[name] for sample in samples])) for name in samples[0]}


def test_noise_level_and_velocity_convert_into_each_other() -> None:
    clean, noise = torch.randn(2, 5, 4, 8, 8, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    t = torch.linspace(0.1, 1, 5, dtype=torch.float64)
    x_t = noised(clean, noise, t)
    v = velocity(x_t, clean, t)
    column = t.reshape(-1, 1, 1, 1)
    torch.testing.assert_close(v, noise - clean, rtol=0, atol=1e-13)
    torch.testing.assert_close(x_t - column * v, clean, rtol=0, atol=1e-13)
    torch.testing.assert_close(x_t + (1 - column) * v, noise, rtol=0, atol=1e-13)


def test_the_mean_noise_level_is_that_of_the_logit_normal() -> None:
    # sigmoid(N(-0.8, 0.8)) has the mean 0.331; ours counts noise at 1, so 1 - 0.331
    config = tiny(time_uniform=0.0, time_mean=0.8, time_std=0.8)
    levels = [draw(rng_at(0, "t", i), config)["t"] for i in range(4000)]
    assert np.mean(levels) == pytest.approx(1 - 0.331, abs=0.01)


def test_captions_are_dropped_a_sample_at_a_time_and_as_often_as_configured() -> None:
    dropped = [draw(rng_at(0, "drop", i), tiny())["without_caption"] for i in range(4000)]
    assert np.mean(dropped) == pytest.approx(0.1, abs=0.02)


def test_at_the_start_the_prediction_is_zero_and_the_loss_is_the_weighted_power_of_the_pictures() -> None:
    config = tiny()
    model = build(config, seed=0)
    draws = stacked(config, 8)
    pictures = torch.rand(8, 4, 16, 16, generator=torch.Generator().manual_seed(0)) * 2 - 1
    noisy = noised(pictures, draws["noise"], draws["t"])
    assert model.network(noisy, draws["t"], words(8), draws["without_caption"]).abs().max() == 0
    [objective] = model.objectives()
    expected = (pictures / draws["t"].clamp(min=0.05).reshape(-1, 1, 1, 1)).square().mean()
    loss = objective.loss(model, Batch(pictures, words(8), torch.arange(8)), draws)
    assert loss.item() == pytest.approx(expected.item(), rel=1e-6)


def test_every_parameter_is_moved_by_the_objective() -> None:
    model = build(tiny(), seed=0)
    [objective] = model.objectives()
    assert objective.parameters == {name for name, _ in model.named_parameters()}
    assert model.hidden_matrices() < objective.parameters


def test_dropping_the_caption_is_the_same_null_condition_whatever_the_caption(
    tiny_model: Callable[[], Diffusion],
) -> None:
    model = tiny_model()
    noisy = torch.ones(1, 4, 16, 16)
    t, dropped = torch.tensor([0.5]), torch.tensor([True])
    one, other = words(2).rows([0]), words(2).rows([1])
    assert torch.equal(model.network(noisy, t, one, dropped), model.network(noisy, t, other, dropped))
    kept = torch.tensor([False])
    assert not torch.equal(model.network(noisy, t, one, kept), model.network(noisy, t, other, kept))


def test_padding_tokens_change_nothing(tiny_model: Callable[[], Diffusion]) -> None:
    model = tiny_model()
    noisy, t, kept = torch.ones(1, 4, 16, 16), torch.tensor([0.5]), torch.tensor([False])
    caption = words(1)
    garbage = torch.where(caption.mask[..., None], caption.tokens, 1e3)
    plain = model.network(noisy, t, caption, kept)
    padded = model.network(noisy, t, Words(garbage, caption.mask, caption.sentence), kept)
    torch.testing.assert_close(plain, padded, rtol=0, atol=1e-5)
