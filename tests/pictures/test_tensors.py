"""The two forms of a picture and the way between them."""

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from PIL import Image

from mindseye.pictures.tensors import fit, from_model, to_model


def test_every_opaque_value_comes_back_to_the_bit() -> None:
    ramp = np.arange(256, dtype=np.uint8).reshape(16, 16, 1).repeat(3, axis=2)
    assert np.array_equal(from_model(to_model(ramp)), ramp)


def test_every_value_under_every_visible_alpha_comes_back_to_the_bit() -> None:
    value, alpha = np.meshgrid(np.arange(256, dtype=np.uint8), np.arange(1, 256, dtype=np.uint8))
    pictures = np.stack([value, value, value, alpha], axis=-1)
    assert np.array_equal(from_model(to_model(pictures)), pictures)


def test_the_colour_of_an_invisible_pixel_is_forgotten() -> None:
    invisible = np.array([[[255, 128, 3, 0]]], np.uint8)
    assert torch.equal(to_model(invisible), torch.full((4, 1, 1), -1.0))
    assert from_model(to_model(invisible)).tolist() == [[[0, 0, 0, 0]]]


@given(arrays.arrays(np.uint8, st.tuples(*[st.integers(1, 6)] * 3, st.sampled_from([3, 4]))))
@settings(max_examples=50, deadline=None)
def test_batches_keep_their_shape_and_range(pictures: np.ndarray) -> None:
    seen = to_model(pictures)
    n, h, w, c = pictures.shape
    assert seen.shape == (n, c, h, w) and seen.dtype == torch.float32
    assert seen.min() >= -1 and seen.max() <= 1
    assert np.array_equal(from_model(seen)[..., 3:], pictures[..., 3:])


def test_premultiplication_happens_in_the_unit_interval() -> None:
    half_red = np.array([[[255, 0, 0, 51]]], np.uint8)  # alpha 0.2
    assert torch.allclose(to_model(half_red).flatten(), torch.tensor([-0.6, -1.0, -1.0, -0.6]))


def test_values_beyond_the_range_are_clipped() -> None:
    assert from_model(torch.full((3, 1, 1), 7.0)).tolist() == [[[255, 255, 255]]]
    assert from_model(torch.full((4, 1, 1), -7.0)).tolist() == [[[0, 0, 0, 0]]]


def test_pixel_art_grows_by_whole_factors_and_gains_no_colour() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (20, 20, 4), dtype=np.uint8)
    square = fit(Image.fromarray(pixels), 48, 4, pixel_art=True)
    assert np.array_equal(square[4:44:2, 4:44:2], pixels)
    assert np.array_equal(square[5:44:2, 5:44:2], pixels)
    assert not square[:4].any() and not square[44:].any()


def test_padding_takes_the_border_colour_without_alpha_and_is_transparent_with_it() -> None:
    wide = Image.new("RGB", (40, 20), (10, 200, 30))
    assert (fit(wide, 32, 3, pixel_art=False) == (10, 200, 30)).all()
    square = fit(wide, 32, 4, pixel_art=False)
    assert (square[8:24] == (10, 200, 30, 255)).all()
    assert not square[:8].any() and not square[24:].any()


def test_smooth_scaling_lets_no_invisible_colour_bleed_in() -> None:
    pixels = np.zeros((64, 64, 4), np.uint8)
    pixels[..., 1] = 255  # invisible green around ...
    pixels[16:48, 16:48] = (255, 0, 0, 255)  # ... a red square
    square = fit(Image.fromarray(pixels), 24, 4, pixel_art=False)
    assert square[square[..., 3] > 0][:, 1].max() <= 1


def test_a_transparent_picture_in_three_channels_lies_on_white() -> None:
    assert (fit(Image.new("RGBA", (8, 8), (9, 9, 9, 0)), 16, 3, pixel_art=True) == 255).all()


def test_a_very_narrow_picture_stays_visible() -> None:
    assert fit(Image.new("RGB", (1, 10_000)), 32, 4, pixel_art=False)[..., 3].sum() == 32 * 255
