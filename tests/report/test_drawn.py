"""What is drawn for an evaluation: with which seeds, and how long enough of it takes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from mindseye.report.drawn import Drawn, budget_for_enough
from mindseye.report.prompts import PromptSet


def prompts(count: int) -> PromptSet:
    each = tuple(str(number) for number in range(count))
    return PromptSet("seen", each, each, each, np.zeros((count, 8, 8, 3), np.uint8))


def drawn(whole: PromptSet, count: int, **seed: Any) -> Drawn:
    return Drawn(whole.first(count), np.zeros((count, 8, 8, 3), np.uint8), **seed)


def test_a_record_names_the_seeds_of_the_pictures() -> None:
    assert drawn(prompts(30), 20).seeds == "0-19"
    assert drawn(prompts(30), 20, first_seed=1_000_000).first(5).seeds == "1000000-1000004"
    assert drawn(prompts(30), 1, first_seed=7).seeds == "7"


@pytest.mark.parametrize(
    ("counts", "seconds", "budget"),
    [
        ((30, 30), 120.0, 370),  # 182 pictures at half a picture a second are 364 s
        ((100, 82), 400.0, None),  # a hundred of one, and all of the other
        ((110, 82), 400.0, None),
        ((100, 81), 362.0, 370),
    ],
)
def test_the_budget_that_lasts_for_a_hundred_of_each_set(
    counts: tuple[int, int], seconds: float, budget: int | None
) -> None:
    sets = [prompts(500), prompts(82)]
    some = [drawn(whole, count) for whole, count in zip(sets, counts, strict=True)]
    assert budget_for_enough(some, sets, seconds) == budget
