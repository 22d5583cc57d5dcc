from __future__ import annotations

import numpy as np
import pytest

from mindseye.think.few_shot.views import SHIFT, views


def square(channels: int) -> np.ndarray:
    picture = np.full((32, 32, channels), 255, np.uint8)
    if channels == 4:
        picture[:] = 0
    picture[10:22, 10:22, 0], picture[10:22, 10:22, 1:3], picture[10:22, 10:22, 3:] = 200, 40, 255
    return picture


@pytest.mark.parametrize("channels", [3, 4])
def test_views_differ_a_little_on_the_same_background(channels: int) -> None:
    seen = views(square(channels), 6, np.random.default_rng(0))
    assert seen.shape == (6, 32, 32, channels)
    assert seen.dtype == np.uint8
    assert len({view.tobytes() for view in seen}) == 6
    for view in seen:
        corner = view[0, 0].astype(int)
        assert corner[-1] == 0 if channels == 4 else corner.min() > 200
        red = (view[..., 0].astype(int) - view[..., 1] > 60) & (view[..., -1] > 0 if channels == 4 else True)
        rows, columns = np.nonzero(red)
        assert abs(rows.mean() - 15.5) < SHIFT * 32 + 1.5 and abs(columns.mean() - 15.5) < SHIFT * 32 + 1.5
        assert 90 < len(rows) < 200  # of 144


def test_views_are_those_of_their_random_numbers() -> None:
    one, other = (views(square(4), 2, np.random.default_rng(5)) for _ in range(2))
    assert np.array_equal(one, other)
