"""Palette-true pictures and their indexed PNG."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

from mindseye.pictures.opener import open_picture
from mindseye.pictures.snap import colours, indexed, snapped
from mindseye.pictures.story import png_bytes

PALETTE = ("ff0000", "00ff00", "101010")


def test_a_colour_becomes_the_nearest_as_the_eye_sees_it() -> None:
    pixels = np.array([[[200, 40, 40], [90, 200, 90], [60, 60, 60], [255, 0, 0]]], np.uint8)
    expected = [[[255, 0, 0], [0, 255, 0], [16, 16, 16], [255, 0, 0]]]
    assert snapped(pixels, PALETTE).tolist() == expected
    assert snapped(pixels[None].repeat(2, 0), PALETTE).tolist() == [expected, expected]


def test_half_transparent_pixels_become_opaque_or_nothing() -> None:
    pixels = np.array([[[200, 0, 0, 127], [200, 0, 0, 128], [200, 0, 0, 255]]], np.uint8)
    assert snapped(pixels, PALETTE).tolist() == [[[0, 0, 0, 0], [255, 0, 0, 255], [255, 0, 0, 255]]]


def test_an_indexed_png_has_the_same_pixels_and_the_palette_in_its_order() -> None:
    for channels in (3, 4):
        noise = np.random.default_rng(0).integers(0, 256, (16, 16, channels), dtype=np.uint8)
        pixels = snapped(noise, PALETTE)
        data = png_bytes(indexed(pixels, PALETTE), None)
        opened = Image.open(io.BytesIO(data))
        assert opened.mode == "P" and len(data) < len(png_bytes(noise, None))
        entries = np.array(opened.getpalette("RGB")).reshape(-1, 3)[channels - 3 :][:3]
        assert entries.tolist() == [[255, 0, 0], [0, 255, 0], [16, 16, 16]]
        mode = "RGBA" if channels == 4 else "RGB"
        assert np.array_equal(np.asarray(open_picture(data).convert(mode)), pixels)


def test_other_colours_join_the_palette_while_there_is_room_and_else_the_picture_stays_as_it_is() -> None:
    row = np.zeros((1, 256, 4), np.uint8)
    row[0, :, 0], row[0, :, 3] = np.arange(256), 255
    assert indexed(row[:, :200], PALETTE).mode == "P"
    assert indexed(row, PALETTE).mode == "RGBA", "256 colours, those of the palette and transparency are too many"
    half = np.full((2, 2, 4), 128, np.uint8)
    assert indexed(half, PALETTE).mode == "RGBA"


def test_the_colours_of_a_collection_are_its_own_the_most_frequent_first() -> None:
    pixels = np.zeros((2, 4, 4, 4), np.uint8)
    pixels[0, :2] = (255, 0, 0, 255)
    pixels[1, 0, 0] = (1, 2, 3, 255)
    assert colours(pixels, 256) == ("ff0000", "010203")
    assert colours(pixels, 2) == ("ff0000",), "one of the two entries is for transparency"
