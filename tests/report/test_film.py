"""How pictures came about: the steps that are kept, the animation and the sheet."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from mindseye.imagine.family import Progress
from mindseye.imagine.imaginer import load
from mindseye.imagine.request import Request
from mindseye.pictures.film import evenly, gif_bytes
from mindseye.report.film import MOST_FRAMES, Reel, film_sheet, filmed


def test_a_film_has_each_step_of_its_picture_and_ends_with_it(tiny_folder: Path) -> None:
    imaginer = load(tiny_folder, device="cpu")
    request = Request(prompt="a smiling cat", count=3, steps=5)
    seen: list[Progress] = []
    films = filmed(imaginer, request, seen.append)
    assert len(seen) == 15, "the bar is told of every step"
    for film, picture in zip(films, imaginer.imagine(request), strict=True):
        assert len(film.frames) == 5
        assert np.array_equal(film.frames[-1], picture.pixels)
        assert np.array_equal(film.picture.pixels, picture.pixels)
        assert not np.array_equal(film.frames[0], film.frames[-1])


def test_a_reel_takes_no_step_twice_and_none_before_it_is_begun() -> None:
    reel = Reel()
    blank, one, two = (torch.full((3, 4, 4), value) for value in (-1.0, 0.2, 0.7))
    for picture in (blank, blank, one, one, two, two):
        reel.take(picture)
    assert [float(frame[0, 0, 0]) for frame in reel.earlier] == pytest.approx([0.2])


def test_of_very_many_steps_some_are_kept_evenly() -> None:
    reel = Reel()
    for step in range(1, 1001):
        reel.take(torch.full((3, 1, 1), float(step)))
    kept = [int(frame[0, 0, 0]) for frame in reel.earlier]
    assert MOST_FRAMES / 2 <= len(kept) < MOST_FRAMES
    assert len({later - earlier for earlier, later in zip(kept, kept[1:], strict=False)}) == 1


def test_a_gif_shows_every_frame_enlarged_and_the_last_one_longest() -> None:
    frames = [np.full((16, 16, 3), value, np.uint8) for value in (0, 100, 250)]
    film = Image.open(io.BytesIO(gif_bytes(frames)))
    assert film.format == "GIF" and film.n_frames == 3 and film.size == (192, 192)
    shown, seconds = [], []
    for index in range(3):
        film.seek(index)
        shown.append(film.convert("RGB").getpixel((100, 100)))
        seconds.append(film.info["duration"])
    assert shown == [(0, 0, 0), (100, 100, 100), (250, 250, 250)]
    assert seconds[2] > seconds[0] and film.info["loop"] == 0
    assert gif_bytes(frames) == gif_bytes(frames)


def test_what_is_transparent_is_white_in_a_gif() -> None:
    film = Image.open(io.BytesIO(gif_bytes([np.zeros((16, 16, 4), np.uint8)])))
    assert film.convert("RGB").getpixel((5, 5)) == (255, 255, 255)


@pytest.mark.parametrize(("count", "most", "taken"), [(16, 4, [3, 7, 11, 15]), (3, 8, [0, 1, 2]), (1, 8, [0])])
def test_steps_are_taken_evenly_and_the_last_always(count: int, most: int, taken: list[int]) -> None:
    assert evenly(count, most) == taken


def test_the_sheet_has_a_row_a_picture(tiny_folder: Path) -> None:
    films = filmed(load(tiny_folder, device="cpu"), Request(prompt="a cat", count=2, steps=3))
    two, one = film_sheet(films, "a cat"), film_sheet(films[:1], "a cat")
    assert two.width == one.width and two.height > one.height
