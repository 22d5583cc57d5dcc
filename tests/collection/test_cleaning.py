from __future__ import annotations

import io
from itertools import pairwise

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageEnhance
from tests.collection.drawing import photo, sprite

from mindseye.collection.cleaning import compare, looks, near_duplicates


def groups(*pictures: NDArray[np.uint8] | Image.Image) -> list[int]:
    images = [one if isinstance(one, Image.Image) else Image.fromarray(one) for one in pictures]
    return near_duplicates([looks(image) for image in images])


def as_jpeg(pixels: NDArray[np.uint8], quality: int) -> Image.Image:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=quality)
    return Image.open(buffer).convert("RGB")


def trimmed(image: Image.Image) -> Image.Image:
    width, height = image.size
    return image.crop((1, 1, width - 1, height - 1))


@pytest.mark.parametrize("number", range(5))
def test_copies_of_a_photograph_are_found(number: int) -> None:
    pixels = photo(number, 160)
    image = Image.fromarray(pixels)
    copies = {
        "re-encoded": as_jpeg(pixels, 50),
        "smaller": image.resize((120, 120), Image.Resampling.LANCZOS),
        "darker": ImageEnhance.Brightness(image).enhance(0.9),
        "trimmed": trimmed(image),
        "mirrored": image.transpose(Image.Transpose.FLIP_LEFT_RIGHT),
        "mirrored and re-encoded": as_jpeg(pixels[:, ::-1], 60),
    }
    for what, copy in copies.items():
        assert groups(image, copy) == [0, 0], what


def test_different_photographs_are_not_grouped() -> None:
    assert groups(*(photo(number) for number in range(60))) == list(range(60))


def test_different_sprites_on_transparent_ground_are_not_grouped() -> None:
    assert groups(*(sprite(number) for number in range(60))) == list(range(60))


def test_a_recoloured_sprite_is_another_picture() -> None:
    red = sprite(1, 32)
    blue = red[..., [2, 0, 1, 3]]
    assert groups(red, blue) == [0, 1]


def test_a_recoloured_photograph_is_another_picture() -> None:
    assert groups(photo(1), photo(1)[..., [2, 0, 1]]) == [0, 1]


def test_a_mirrored_sprite_is_grouped_with_its_original() -> None:
    assert groups(sprite(1), sprite(2), sprite(1)[:, ::-1]) == [0, 1, 0]


def test_a_bar_upright_and_lying_are_two_pictures() -> None:
    bar = np.full((60, 10, 3), (200, 30, 30), np.uint8)
    assert groups(bar, bar.transpose(1, 0, 2)) == [0, 1]


def test_flat_colours_are_told_apart() -> None:
    colours = [(255, 0, 0), (0, 255, 0), (0, 0, 255), (240, 240, 240), (255, 255, 255), (0, 0, 0)]
    assert groups(*(np.full((64, 64, 3), colour, np.uint8) for colour in colours)) == list(range(6))


def test_a_group_is_linked_through_its_chain_whatever_the_order() -> None:
    dark, middle, bright = (np.full((8, 8, 3), level, np.uint8) for level in (100, 103, 106))
    assert groups(dark, bright) == [0, 1]
    assert groups(dark, bright, middle) == [0, 0, 0]


def test_more_pictures_than_fit_one_block_are_compared_across_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mindseye.collection.cleaning._BLOCK", 4)
    numbers = [0, 1, 2, 3, 4, 5, 1, 6, 7, 0]
    assert groups(*(sprite(number) for number in numbers)) == [0, 1, 2, 3, 4, 5, 1, 7, 8, 0]


def test_the_digest_is_of_the_pixels_and_their_shape() -> None:
    one, same = looks(Image.fromarray(photo(1))), looks(Image.fromarray(photo(1)))
    wide, high = (looks(Image.fromarray(np.zeros(shape, np.uint8))) for shape in ((2, 8, 3), (8, 2, 3)))
    assert one.digest == same.digest
    assert wide.digest != high.digest


def test_extreme_shapes_do_no_harm() -> None:
    shapes = [(1, 1), (1, 256), (256, 1), (2, 2)]
    labels = groups(*(photo(number, 256)[: shape[0], : shape[1]] for number, shape in enumerate(shapes)))
    assert all(one <= index for index, one in enumerate(labels))
    assert all(first <= second or second in labels for first, second in pairwise(labels))


def test_two_lists_are_compared_across_blocks_with_the_distance_of_the_nearer_side(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("mindseye.collection.cleaning._BLOCK", 4)
    ones = [looks(Image.fromarray(sprite(number, 32))) for number in range(6)]
    others = [looks(Image.fromarray(sprite(number, 32)[:, ::-1])) for number in range(1, 10)]
    compared = compare(ones, others)
    assert np.argwhere(compared.near).tolist() == [[row, row - 1] for row in range(1, 6)]
    for row, column in ((0, 0), (5, 8), (3, 2)):
        sides = (others[column].small.astype(float), others[column].small[:, ::-1].astype(float))
        expected = min(np.sqrt(np.square(ones[row].small - side).mean()) for side in sides)
        assert compared.distance[row, column] == pytest.approx(expected, abs=0.1)
