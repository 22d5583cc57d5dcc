"""`benchmarks/frames.py` judges frames as it says: the truth is faultless, and other films are not."""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mindseye.collection.builtin.moving.picture import frames_of
from mindseye.collection.builtin.moving.scene import film_at

BENCHMARKS = Path(__file__).parents[3] / "benchmarks"
FILMS = [film_at("joystick", 0, "test", index, frame_px=16) for index in range(20)]
TRUE = np.stack([frames_of(film) for film in FILMS])


@pytest.fixture
def benchmark(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return importlib.import_module("frames")


def told(benchmark: Any, capsys: pytest.CaptureFixture[str], predicted: np.ndarray) -> dict[str, Any]:
    benchmark.tell(FILMS, predicted, TRUE[:, benchmark.GIVEN :], world="joystick", model="test")
    line: dict[str, Any] = json.loads(capsys.readouterr().out)
    return line


def test_the_truth_is_faultless(benchmark, capsys) -> None:
    line = told(benchmark, capsys, TRUE[:, 2:])
    assert line["psnr_db"] == [48.13] * 14 and line["ssim"] == line["mass"] == [1.0] * 14
    assert line["place_error_px"] == [0.0] * 14 and line["action_error"] == line["mass_off_by_a_fifth"] == 0
    assert line["n"] == 20


def test_standing_still_is_wrong_wherever_an_action_moved_the_sprite(benchmark, capsys) -> None:
    still = np.repeat(TRUE[:, 1:2], 14, axis=1)
    line = told(benchmark, capsys, still)
    assert line["place_error_px"][-1] > 1 and line["psnr_db"][-1] < 30
    assert 0.5 < line["action_error"] < 0.95, "one action in five is to stay, and beside a wall others stay, too"


def test_half_a_sprite_is_half_its_mass(benchmark, capsys) -> None:
    line = told(benchmark, capsys, (TRUE[:, 2:] // 2).astype(np.uint8))
    assert line["mass"] == pytest.approx([0.5] * 14, abs=0.01) and line["mass_off_by_a_fifth"] == 1
    assert line["place_error_px"] == [0.0] * 14
