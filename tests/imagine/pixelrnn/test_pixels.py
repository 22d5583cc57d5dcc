"""What a pixel is: exact ways there and back, and likelihoods that sum to one."""

import itertools

import numpy as np
import pytest
import torch

from mindseye.errors import BadInput
from mindseye.imagine.palette import oklab
from mindseye.imagine.pixelrnn.pixels import PIXELS, log_logistic
from mindseye.pictures import indexed
from mindseye.pictures.tensors import from_model, to_model
from mindseye.randomness import rng_at

LIKELY = ("palette", "levels", "logistics")


def test_a_picture_in_the_colours_of_the_palette_comes_back_to_the_bit(model) -> None:
    colours = indexed.rgb_of(model().config.palette)
    pictures = colours[rng_at(0, "indices").integers(0, 5, (3, 4, 4))]
    pixels = model().pixels.read(to_model(pictures))
    assert np.array_equal(from_model(model().pixels.show(pixels)), pictures)


def test_a_colour_that_is_not_in_the_palette_becomes_the_nearest_to_the_eye(model) -> None:
    other = np.array([[[[250, 240, 240], [30, 0, 0], [255, 80, 60], [10, 90, 255]]]], np.uint8)
    pixels = model().pixels.read(to_model(other.repeat(4, axis=1)))
    assert pixels[0, 0, :, 0].tolist() == [0, 1, 2, 3]


def test_what_is_more_than_half_transparent_is_transparent_and_the_rest_opaque(model) -> None:
    made = model(channels=4, palette=("transparent", "#ff0000", "#00ff00", "#000000"))
    picture = np.array([[[[255, 0, 0, 255], [250, 10, 0, 128], [255, 0, 0, 127], [9, 9, 9, 0]]]], np.uint8)
    shown = from_model(made.pixels.show(made.pixels.read(to_model(picture.repeat(4, axis=1)))))
    assert shown[0, 0].tolist() == [[255, 0, 0, 255], [255, 0, 0, 255], [0, 0, 0, 0], [0, 0, 0, 0]]


@pytest.mark.parametrize("name", ["levels", "logistics", "regression"])
def test_levels_come_back_to_the_bit(name: str, model) -> None:
    pictures = rng_at(0, "levels").integers(0, 256, (2, 4, 4, 3)).astype(np.uint8)
    pixels = model(pixels=name).pixels
    assert np.array_equal(from_model(pixels.show(pixels.read(to_model(pictures)))), pictures)


@pytest.mark.parametrize("mean", [-1.0, -0.3, 0.999, 3.0])
@pytest.mark.parametrize("log_scale", [-7.0, -3.0, 0.0, 2.0])
def test_a_discretised_logistic_sums_to_one(mean: float, log_scale: float) -> None:
    log_probability = log_logistic(torch.arange(256), torch.tensor(mean), torch.tensor(log_scale))
    assert log_probability.double().exp().sum().item() == pytest.approx(1, abs=1e-5)
    assert torch.isfinite(log_probability).all()


def test_a_discretised_logistic_is_the_difference_of_its_cumulative_distribution() -> None:
    # sigma((x + 1/255 - mu) / s) - sigma((x - 1/255 - mu) / s) at level 140, mu = 0.1, s = e^-2, in double precision
    x, mean, scale = 140 / 127.5 - 1, 0.1, np.exp(-2.0)
    upper, lower = (1 / (1 + np.exp(-(x + step - mean) / scale)) for step in (1 / 255, -1 / 255))
    ours = log_logistic(torch.tensor(140), torch.tensor(mean), torch.tensor(-2.0)).exp().item()
    assert ours == pytest.approx(upper - lower, rel=1e-4)


@pytest.mark.parametrize("name", LIKELY)
def test_the_next_number_always_has_probabilities_that_sum_to_one(name: str, model) -> None:
    pixels = model(pixels=name, channels=3).pixels
    features = torch.randn(5, 16, generator=torch.Generator().manual_seed(0))
    known = torch.randint(0, 5, (5, pixels.numbers), generator=torch.Generator().manual_seed(1))
    for number in range(pixels.numbers):
        probabilities = pixels.log_probabilities(features, known[:, :number]).double().exp()
        assert probabilities.shape == (5, pixels.levels)
        torch.testing.assert_close(probabilities.sum(1), torch.ones(5).double(), rtol=0, atol=1e-5)


@pytest.mark.parametrize("name", LIKELY)
@pytest.mark.parametrize("channels", [3, 4])
def test_the_cost_of_a_pixel_is_that_of_its_numbers_one_after_another(name: str, channels: int, model) -> None:
    palette = ("transparent", "#000000", "#ff0000") if channels == 4 else ("#ffffff", "#000000", "#ff0000")
    pixels = model(pixels=name, channels=channels, palette=palette).pixels
    features = torch.randn(6, 16, generator=torch.Generator().manual_seed(0))
    numbers = torch.randint(0, pixels.levels, (6, pixels.numbers), generator=torch.Generator().manual_seed(1))
    each = [
        pixels.log_probabilities(features, numbers[:, :number]).gather(1, numbers[:, number, None])[:, 0]
        for number in range(pixels.numbers)
    ]
    torch.testing.assert_close(pixels.cost(features, numbers), -torch.stack(each).sum(0), rtol=1e-4, atol=1e-4)


def test_a_channel_knows_those_before_it_and_not_those_after(model) -> None:
    for name in ("levels", "logistics"):
        pixels = model(pixels=name).pixels
        features = torch.randn(1, 16, generator=torch.Generator().manual_seed(0))
        ways = [torch.tensor([[red, 7]]) for red in (0, 255)]
        first, second = (pixels.log_probabilities(features, way[:, :1]) for way in ways)
        assert not torch.allclose(first, second), name
        shifted = [pixels.cost(features, torch.tensor([[9, 9, blue]])) for blue in (0, 128, 255)]
        assert len({round(cost.item(), 4) for cost in shifted}) == 3


def test_regression_guesses_the_mean_of_black_and_white_which_is_grey(model) -> None:
    """The lesson: where half of the pictures are black and half are white, the best single guess is neither."""
    pixels = model(pixels="regression").pixels
    features = torch.zeros(2, 16)
    black_and_white = torch.tensor([[0, 0, 0], [255, 255, 255]])
    optimiser = torch.optim.Adam(pixels.parameters(), lr=0.1)
    for _ in range(200):
        optimiser.zero_grad()
        pixels.cost(features, black_and_white).mean().backward()
        optimiser.step()
    with torch.no_grad():
        guess = [pixels.log_probabilities(features[:1], torch.zeros(1, n, dtype=torch.long)).argmax() for n in range(3)]
    assert all(abs(level.item() - 127.5) < 2 for level in guess)


def test_both_ways_to_oklab_agree() -> None:
    rgb = np.array(list(itertools.product(range(0, 256, 15), repeat=3)))
    np.testing.assert_allclose(oklab(torch.from_numpy(rgb)).numpy(), indexed.oklab(rgb), atol=1e-12)


def test_a_palette_model_without_a_palette_is_refused_with_the_way_to_get_one(model) -> None:
    with pytest.raises(BadInput, match="palette") as caught:
        model(palette=())
    assert "mindseye train" in str(caught.value)


def test_every_kind_of_pixel_is_in_the_table() -> None:
    assert set(PIXELS) == {*LIKELY, "regression"}
