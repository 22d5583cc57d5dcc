"""`benchmarks/oit.py`: copies of a card, pictures of other cards, and one picture for all are each told by a figure."""

from __future__ import annotations

import importlib
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F

BENCHMARKS = Path(__file__).parents[3] / "benchmarks"
COUNT = 24


@pytest.fixture
def benchmark(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return importlib.import_module("oit")


class Looks:
    """Sees a picture's numbers, and knows the cards as training pictures."""

    def __init__(self, cards: np.ndarray) -> None:
        self.encoder = SimpleNamespace(encode=lambda pictures: SimpleNamespace(pooled=features(pictures)))
        self.directions = F.normalize(features(cards), dim=1)

    def nearest(self, pictures: np.ndarray, count: int) -> list[list[Any]]:
        cosines = F.normalize(features(pictures), dim=1) @ self.directions.T
        return [[SimpleNamespace(cosine=float(each))] for each in cosines.amax(1)]


def features(pictures: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(pictures.reshape(len(pictures), -1).astype(np.float32) - 128)


def test_figures_tell_copies_from_others_and_from_one_picture_for_all(benchmark: Any) -> None:
    rng = np.random.default_rng(0)
    cards = rng.integers(0, 256, (COUNT, 8, 8, 4), dtype=np.uint8)
    looks, each = Looks(cards), benchmark.OF_A_CARD
    copies = np.repeat(cards[:, None], each, 1)
    noise = rng.integers(-60, 60, copies.shape)
    similar = np.clip(copies.astype(int) + noise, 0, 255).astype(np.uint8)
    same = np.broadcast_to(cards[0], copies.shape)

    def means(imagined: np.ndarray) -> dict[str, float]:
        found = benchmark.figures(looks, imagined, looks.directions)
        assert all(values.shape == (COUNT,) for values in found.values())
        return {name: values.mean() for name, values in found.items()}

    assert means(copies) == pytest.approx(dict.fromkeys(found_names(), 1.0))
    told = means(similar)
    assert told["own card"] == 1 and 0.8 < told["to each other"] < 0.95 and told["to the card"] < 0.98
    assert means(same)["own card"] < 0.15 and means(same)["to each other"] == pytest.approx(1)
    assert means(copies[::-1])["own card"] < 0.1


def found_names() -> tuple[str, ...]:
    return "own card", "to the card", "to each other", "to the nearest"
