from __future__ import annotations

import pytest

from mindseye.wording import counted, duration, three_digits


@pytest.mark.parametrize(
    ("count", "text"), [(0, "0 pictures"), (1, "1 picture"), (2, "2 pictures"), (1317, "1,317 pictures")]
)
def test_one_of_a_kind_is_not_many(count: int, text: str) -> None:
    assert counted(count, "picture") == text


def test_a_word_may_have_its_own_form_for_several() -> None:
    words = "group of duplicates", "groups of duplicates"
    assert [counted(count, *words) for count in (1, 2)] == ["1 group of duplicates", "2 groups of duplicates"]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.04, "0.0 s"), (9.94, "9.9 s"), (12.3, "12 s"), (59.7, "1 min 0 s"), (200, "3 min 20 s"), (7500, "2 h 5 min")],
)
def test_durations_read_well(seconds: float, text: str) -> None:
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("value", "text"), [(0.04123, "0.0412"), (16.49, "16.5"), (99.4, "99.4"), (100.4, "100"), (1234.5, "1,234")]
)
def test_a_figure_is_no_finer_than_it_was_measured(value: float, text: str) -> None:
    assert three_digits(value) == text
