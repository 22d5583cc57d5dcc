"""Animated GIFs out and in again: every frame, within bounds, and no surprise from a broken one."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from mindseye.pictures.film import gif_bytes, open_film
from mindseye.pictures.opener import Limits, PictureError
from mindseye.pictures.sheet import sprite_sheet


def frames(count: int = 4, size_px: int = 192) -> list[np.ndarray]:
    """Of two colours each, so that a GIF keeps them as they are."""
    made = np.zeros((count, size_px, size_px, 3), np.uint8)
    for index, frame in enumerate(made):
        frame[index * 8 : index * 8 + 16, 16:32] = (200, 10 * index, 30)
    return list(made)


def test_the_frames_of_a_gif_come_back_in_order() -> None:
    film = open_film(gif_bytes(frames()))
    assert all(np.array_equal(np.asarray(image), frame) for image, frame in zip(film, frames(), strict=True))


def test_a_gif_shows_its_frames_as_long_as_it_is_told() -> None:
    def seconds(data: bytes) -> list[float]:
        film = Image.open(io.BytesIO(data))
        return [(film.seek(index), film.info["duration"] / 1000)[1] for index in range(film.n_frames)]

    assert seconds(gif_bytes(frames(), frame_seconds=0.2)) == [0.2] * 4
    assert seconds(gif_bytes(frames())) == [0.5, 0.5, 0.5, 1.5]


def test_any_other_picture_is_a_film_of_one_frame() -> None:
    png = io.BytesIO()
    Image.fromarray(frames()[0]).save(png, "PNG")
    [only] = open_film(png.getvalue())
    assert np.array_equal(np.asarray(only), frames()[0])


def test_a_film_may_cost_no_more_than_a_picture() -> None:
    data = gif_bytes(frames(4))
    open_film(data, limits=Limits(pixels=4 * 192 * 192))
    with pytest.raises(PictureError) as refused:
        open_film(data, name="film.gif", limits=Limits(pixels=4 * 192 * 192 - 1))
    assert refused.value.reason == "too many frames" and "film.gif" in str(refused.value)


@pytest.mark.parametrize("kept", [0.99, 0.7, 0.5, 0.3, 0.1])
def test_a_torn_film_is_refused_or_gives_whole_frames(kept: float) -> None:
    data = gif_bytes(frames())
    try:
        film = open_film(data[: int(len(data) * kept)])
    except PictureError:
        return
    assert all(image.size == (192, 192) for image in film)


def test_a_sprite_sheet_has_frames_edge_to_edge() -> None:
    made = frames(5, 32)
    sheet = np.asarray(sprite_sheet(made))
    assert sheet.shape == (64, 96, 3)
    assert np.array_equal(sheet[32:, 32:64], made[4]) and not sheet[32:, 64:].any()
