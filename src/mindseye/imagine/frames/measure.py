"""How good predicted frames are, frame by frame, and what there is to beat: predictions that learn nothing."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, UInt8

LARGEST = 255.0
LEAST_ERROR = 1.0  # mean squared, of a frame that is off by one level everywhere; an exact one counts as that: 48.1 dB
WINDOW, SIGMA = 11, 1.5  # px, of the structural similarity
K1, K2 = 0.01, 0.03

Films = UInt8[np.ndarray, "film frame height width channel"]


def psnr(predicted: Films, true: Films) -> Float[np.ndarray, "film frame"]:
    """Peak signal-to-noise ratio of each frame in dB, 10 log10(255^2 / mean squared error), at most 48.1."""
    error = (predicted.astype(np.float64) - true).reshape(*true.shape[:2], -1)
    ratio: Float[np.ndarray, "film frame"] = 10 * np.log10(LARGEST**2 / np.maximum((error**2).mean(2), LEAST_ERROR))
    return ratio


def ssim(predicted: Films, true: Films) -> Float[np.ndarray, "film frame"]:
    """Structural similarity of each frame (Wang et al. 2004), the mean over its channels and over all places where a
    Gaussian window of 11 px fits whole; 1 is the same."""
    x, y = (np.moveaxis(films.astype(np.float64), 4, 2) for films in (predicted, true))
    c1, c2 = (K1 * LARGEST) ** 2, (K2 * LARGEST) ** 2
    mean_x, mean_y = _blurred(x), _blurred(y)
    spread_x, spread_y = _blurred(x * x) - mean_x**2, _blurred(y * y) - mean_y**2
    both = _blurred(x * y) - mean_x * mean_y
    similarity = (2 * mean_x * mean_y + c1) * (2 * both + c2)
    similarity /= (mean_x**2 + mean_y**2 + c1) * (spread_x + spread_y + c2)
    of_frame: Float[np.ndarray, "film frame"] = similarity.mean((2, 3, 4))
    return of_frame


def _blurred(films: Float[np.ndarray, "*any height width"]) -> Float[np.ndarray, "*any height width"]:
    """The Gaussian mean of every place whose window fits whole."""
    at = np.arange(WINDOW) - WINDOW // 2
    weights = np.exp(-(at**2) / (2 * SIGMA**2))
    weights /= weights.sum()
    for axis in (-2, -1):
        films = np.lib.stride_tricks.sliding_window_view(films, WINDOW, axis=axis) @ weights
    return films


def copy_last(given: Films, count: int) -> Films:
    """The last given frame, again and again."""
    return np.repeat(given[:, -1:], count, axis=1)


def constant_velocity(given: Films, count: int, furthest: int = 4) -> Films:
    """The last given frame, moved on and on by what moved it last.

    Of each film that is the shift of the whole frame, in whole pixels up to `furthest` along each axis, that makes the
    last given frame but one most like the last one by squared error, the smallest of equals. What comes in from outside
    is black.
    """
    shifts = [(y, x) for y in range(-furthest, furthest + 1) for x in range(-furthest, furthest + 1)]
    shifts.sort(key=lambda shift: shift[0] ** 2 + shift[1] ** 2)
    return np.stack([_moved_on(film, count, shifts) for film in given])


def _moved_on(
    film: UInt8[np.ndarray, "frame height width channel"], count: int, shifts: Sequence[tuple[int, int]]
) -> UInt8[np.ndarray, "frame height width channel"]:
    before, last = film[-2:]
    errors = [((shifted(before, *shift).astype(np.float64) - last) ** 2).sum() for shift in shifts]
    y, x = shifts[int(np.argmin(errors))]
    return np.stack([shifted(last, step * y, step * x) for step in range(1, count + 1)])


def shifted(
    frame: UInt8[np.ndarray, "height width channel"], y: int, x: int
) -> UInt8[np.ndarray, "height width channel"]:
    """The frame moved down by y and to the right by x pixels; what comes in is black."""
    height, width = frame.shape[:2]
    moved = np.zeros_like(frame)
    if abs(y) < height and abs(x) < width:
        moved[max(y, 0) : height + min(y, 0), max(x, 0) : width + min(x, 0)] = frame[
            max(-y, 0) : height - max(y, 0), max(-x, 0) : width - max(x, 0)
        ]
    return moved
