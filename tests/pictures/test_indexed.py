"""Palettes: original colours only, all of them where they fit, and an honest account of what a limit costs."""

import numpy as np
import pytest

from mindseye.pictures.indexed import indexing, oklab, rgb_of
from mindseye.randomness import rng_at


def test_oklab_of_white_black_and_the_primaries_is_that_of_its_author() -> None:
    # https://bottosson.github.io/posts/oklab: white is (1, 0, 0); red, green and blue as in CSS Color 4
    rgb = np.array([[255, 255, 255], [0, 0, 0], [255, 0, 0], [0, 255, 0], [0, 0, 255]])
    expected = [[1, 0, 0], [0, 0, 0], [0.628, 0.225, 0.126], [0.866, -0.234, 0.179], [0.452, -0.032, -0.312]]
    np.testing.assert_allclose(oklab(rgb), expected, atol=1e-3)


def test_all_colours_are_kept_where_they_fit_the_most_frequent_first() -> None:
    picture = np.array([[[1, 2, 3], [1, 2, 3], [9, 9, 9]], [[1, 2, 3], [9, 9, 9], [255, 0, 0]]], np.uint8)[None]
    found = indexing(picture, limit=3)
    assert found.palette == ("#010203", "#090909", "#ff0000")
    assert (found.colours, found.recoloured, found.error) == (3, 0, 0)
    assert rgb_of(found.palette).tolist() == [[1, 2, 3], [9, 9, 9], [255, 0, 0]]


def test_beyond_the_limit_rare_colours_become_near_ones_and_the_loss_is_told() -> None:
    row = [[255, 0, 0]] * 5 + [[250, 0, 0]] * 3 + [[0, 0, 255]] * 2
    found = indexing(np.array([[row]], np.uint8), limit=2)
    assert found.palette == ("#ff0000", "#0000ff")  # the second most frequent is hardly different from the first
    assert found.recoloured == pytest.approx(0.3)
    near = np.linalg.norm(oklab(np.array([255, 0, 0])) - oklab(np.array([250, 0, 0])))
    assert found.error == pytest.approx(0.3 * near)
    assert "30%" in str(found)


def test_a_palette_holds_colours_that_were_there_and_no_mixtures() -> None:
    pictures = rng_at(0, "colours").integers(0, 256, (4, 16, 16, 3)).astype(np.uint8)
    there = {f"#{r:02x}{g:02x}{b:02x}" for r, g, b in pictures.reshape(-1, 3)}
    found = indexing(pictures, limit=64)
    assert len(found.palette) == len(set(found.palette)) == 64
    assert set(found.palette) <= there


def test_invisible_pixels_have_one_entry_and_half_transparent_ones_are_counted() -> None:
    picture = np.array([[[[9, 9, 9, 0], [7, 7, 7, 127], [255, 0, 0, 128], [255, 0, 0, 255]]]], np.uint8)
    found = indexing(picture, limit=8)
    assert found.palette == ("transparent", "#ff0000")
    assert found.half_transparent == pytest.approx(0.5)
    assert "half transparent" in str(found)


def test_a_collection_of_nothing_visible_has_only_the_transparent_entry() -> None:
    assert indexing(np.zeros((1, 2, 2, 4), np.uint8), limit=8).palette == ("transparent",)
