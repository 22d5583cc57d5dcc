"""PSNR and SSIM against another implementation, and the predictions that learn nothing."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torchmetrics.functional.image import peak_signal_noise_ratio, structural_similarity_index_measure

from mindseye.collection.builtin.moving.picture import frames_of
from mindseye.collection.builtin.moving.scene import SPRITE_PX, film_at
from mindseye.imagine.frames.measure import constant_velocity, copy_last, psnr, shifted, ssim


def two_films(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    true = np.kron(rng.integers(0, 256, (2, 3, 4, 4, 3)), np.ones((1, 1, 4, 4, 1))).astype(np.uint8)
    return np.clip(true + rng.normal(0, 20, true.shape), 0, 255).astype(np.uint8), true


def tensor(frame: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(frame).permute(2, 0, 1)[None].double()


def test_psnr_and_ssim_are_those_of_torchmetrics() -> None:
    predicted, true = two_films()
    ours = psnr(predicted, true), ssim(predicted, true)
    for film in range(2):
        for frame in range(3):
            pair = tensor(predicted[film, frame]), tensor(true[film, frame])
            theirs = float(peak_signal_noise_ratio(*pair, data_range=(0, 255)))
            assert ours[0][film, frame] == pytest.approx(theirs, abs=1e-3)
            whole = structural_similarity_index_measure(*pair, data_range=255.0, return_full_image=True)[1]
            inner = float(whole[..., 5:-5, 5:-5].mean())
            assert ours[1][film, frame] == pytest.approx(inner, abs=1e-4)


def test_an_exact_frame_is_as_good_as_one_that_is_off_by_one_level_and_no_better() -> None:
    _, true = two_films()
    assert psnr(true, true) == pytest.approx(np.full((2, 3), 48.1308), abs=1e-3)
    assert ssim(true, true) == pytest.approx(np.ones((2, 3)))


def test_a_frame_is_shifted_and_black_comes_in() -> None:
    frame = np.arange(1, 17, dtype=np.uint8).reshape(4, 4, 1)
    moved = shifted(frame, 1, -2)
    assert np.array_equal(moved[1:, :2], frame[:3, 2:])
    assert moved.sum() == frame[:3, 2:].sum()
    assert shifted(frame, 9, 0).sum() == 0


def test_constant_velocity_is_exact_until_the_next_wall_and_copying_is_not() -> None:
    tried = 0
    for index in range(40):
        film = film_at("bouncing", 0, "test", index, frame_px=16)
        frames, places = frames_of(film), np.array(film.sprites[0].places)
        moves = np.diff(places, axis=0)
        straight = int(np.argmax((moves != moves[0]).any(1))) or len(moves)
        if straight < 3:
            continue
        tried += 1
        given, count = frames[None, :2], straight - 1
        assert np.array_equal(constant_velocity(given, count)[0], frames[2 : 2 + count])
        assert (copy_last(given, count)[0] != frames[2 : 2 + count]).any()
    assert tried > 10 and SPRITE_PX < 16
