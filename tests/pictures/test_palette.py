"""Colours and their shares, and the eye for pixel art."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from PIL import Image, ImageDraw, ImageFont

from mindseye.pictures.palette import looks_like_pixel_art, palette

SPRITE = """
....kkkk....
..kkrrrrkk..
.krrrwwrrrk.
.krrwwrrrrk.
krrrrrrrrrrk
krrryyyyrrrk
kkkkyykykkkk
.kwwwyywwwk.
..kkwwwwkk..
....kkkk....
"""
INKS = {".": (0, 0, 0, 0), "k": (20, 12, 28, 255), "r": (208, 70, 72, 255), "w": (222, 238, 214, 255)}
INKS["y"] = (218, 212, 94, 255)


def sprite() -> np.ndarray:
    return np.array([[INKS[c] for c in line] for line in SPRITE.split()], np.uint8)


def letter(character: str, edge_px: int) -> np.ndarray:
    image = Image.new("RGB", (edge_px, edge_px), "white")
    font = ImageFont.load_default(edge_px * 0.8)
    ImageDraw.Draw(image).text((edge_px // 2, edge_px // 2), character, fill="black", font=font, anchor="mm")
    return np.asarray(image)


def test_colours_come_with_their_share_most_frequent_first() -> None:
    pictures = [np.full((2, 3, 3), 9, np.uint8), np.full((1, 2, 4), (255, 0, 1, 255), np.uint8)]
    assert palette(pictures) == [((9, 9, 9), 0.75), ((255, 0, 1), 0.25)]
    assert palette(pictures, limit=1) == [((9, 9, 9), 0.75)]


def test_invisible_pixels_have_no_colour() -> None:
    assert palette([np.full((2, 2, 4), (1, 2, 3, 0), np.uint8)]) == []
    assert palette([]) == []


@given(st.lists(arrays.arrays(np.uint8, (4, 5, 3), elements=st.sampled_from([0, 100, 255])), min_size=1, max_size=4))
@settings(max_examples=30, deadline=None)
def test_shares_fall_and_add_up_to_one(pictures: list[np.ndarray]) -> None:
    shares = [share for _, share in palette(pictures)]
    assert shares == sorted(shares, reverse=True)
    assert sum(shares) == pytest.approx(1)


@pytest.mark.parametrize("factor", [1, 3, 20, 100])
def test_a_sprite_is_pixel_art_at_any_whole_scale(factor: int) -> None:
    assert looks_like_pixel_art([sprite().repeat(factor, 0).repeat(factor, 1)])


def test_rendered_letters_and_shapes_are_not_pixel_art() -> None:
    assert not looks_like_pixel_art([letter(c, edge_px) for c in "Qg8&@" for edge_px in (32, 64)])
    disc = Image.new("RGBA", (256, 256))
    ImageDraw.Draw(disc).ellipse((30, 40, 200, 220), fill="teal")
    assert not looks_like_pixel_art([np.asarray(disc.resize((64, 64), Image.Resampling.LANCZOS))])


def test_noise_and_gradients_are_not_pixel_art() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    gradient = np.linspace(0, 255, 64).astype(np.uint8)[None, :, None].repeat(64, 0).repeat(3, 2)
    assert not looks_like_pixel_art([noise])
    assert not looks_like_pixel_art([gradient])


def test_pictures_without_edges_do_not_vote() -> None:
    flat = np.full((8, 8, 3), 7, np.uint8)
    assert not looks_like_pixel_art([])
    assert not looks_like_pixel_art([flat])
    assert looks_like_pixel_art([flat, flat, sprite()])
