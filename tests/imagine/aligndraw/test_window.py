"""The window of Gaussians through which the canvas is read and written."""

from __future__ import annotations

import pytest
import torch

from mindseye.imagine.aligndraw.window import LEAST_VARIANCE, filters, placed, read, write
from mindseye.randomness import rng_at


def numbers(x: float = 0, y: float = 0, stride: float = 0, variance: float = 0, gamma: float = 0) -> torch.Tensor:
    return torch.tensor([[x, y, stride, variance, gamma]])


def noise(*shape: int) -> torch.Tensor:
    return torch.from_numpy(rng_at(0, "window").standard_normal(shape, dtype="float32"))


@pytest.mark.parametrize("size_px", [8, 9])
def test_a_window_as_large_as_the_picture_with_points_for_gaussians_changes_nothing(size_px: int) -> None:
    whole = placed(numbers(variance=-50), size_px, size_px)
    identity = torch.eye(size_px)
    assert torch.allclose(whole.down[0], identity, atol=2e-4)
    assert torch.allclose(whole.across[0], identity, atol=2e-4)
    picture = noise(1, 3, size_px, size_px)
    assert torch.allclose(write(read(picture, whole), whole), picture, atol=2e-3)


@pytest.mark.parametrize("window", [2, 5, 6, 9])
def test_filters_inside_the_picture_sum_to_one(window: int) -> None:
    inside = filters(torch.tensor([[16.0, 14.0]]), torch.tensor([2.0]), torch.tensor([1.0]), 32, window)
    assert inside.shape == (1, 2, window, 32)
    assert torch.allclose(inside.sum(3), torch.ones(1, 2, window), atol=1e-4)
    assert (inside >= 0).all()


def test_filters_outside_the_picture_see_and_write_nothing() -> None:
    outside = placed(numbers(x=9, y=9, stride=-3), 16, 4)
    assert read(noise(1, 3, 16, 16), outside).abs().max() < 1e-6
    assert write(noise(1, 3, 4, 4), outside).abs().max() < 1e-6


@pytest.mark.parametrize("window", [4, 5])
def test_the_grid_is_symmetric_around_its_middle_for_even_and_odd_windows(window: int) -> None:
    """The middles are g + delta (i - (N - 1)/2), so a window at g^ = 0 is its own mirror image."""
    centred = placed(numbers(stride=-1), 16, window)
    assert torch.allclose(centred.across, centred.across.flip(1, 2), atol=1e-6)
    places = (centred.across[0] * torch.arange(16)).sum(1) / centred.across[0].sum(1)
    delta = 15 / (window - 1) * torch.tensor(-1.0).exp()
    assert torch.allclose(places, 7.5 + delta * (torch.arange(window) - (window - 1) / 2), atol=1e-2)


def test_the_first_number_moves_across_and_the_second_down() -> None:
    picture = torch.zeros(1, 1, 16, 16)
    picture[0, 0, 3, 12] = 1.0  # row 3, column 12
    there = numbers(x=2 * 12 / 15 - 1, y=2 * 3 / 15 - 1, stride=-2, variance=-50)
    assert read(picture, placed(there, 16, 3))[0, 0, 1, 1] == pytest.approx(1, abs=1e-3)
    swapped = numbers(x=2 * 3 / 15 - 1, y=2 * 12 / 15 - 1, stride=-2, variance=-50)
    assert read(picture, placed(swapped, 16, 3)).abs().max() < 1e-3
    patch = torch.zeros(1, 1, 3, 3)
    patch[0, 0, 1, 1] = 1.0
    assert torch.allclose(write(patch, placed(there, 16, 3)), picture, atol=1e-3)


def test_intensity_multiplies_what_is_read_and_divides_what_is_written() -> None:
    plain, strong = placed(numbers(), 16, 4), placed(numbers(gamma=1), 16, 4)
    e = torch.tensor(1.0).exp()
    assert torch.allclose(read(noise(1, 3, 16, 16), strong), e * read(noise(1, 3, 16, 16), plain), atol=1e-5)
    assert torch.allclose(write(noise(1, 3, 4, 4), strong), write(noise(1, 3, 4, 4), plain) / e, atol=1e-5)


def test_numbers_at_their_extremes_give_numbers() -> None:
    for extreme in (-60.0, 60.0):
        for which in ("x", "y", "variance"):
            window = placed(numbers(**{which: extreme}), 16, 4)
            assert torch.isfinite(window.down).all() and torch.isfinite(window.across).all()
    assert LEAST_VARIANCE > 0
