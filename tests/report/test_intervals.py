from __future__ import annotations

import re

import pytest

from mindseye.report.intervals import SHARES, Mark, Row, axis_for, chart
from mindseye.think.figure import Figure


def figure(value: float, low: float, high: float, name: str = "kid") -> Figure:
    return Figure(name, value, low, high, 100, 50, "made up")


@pytest.mark.parametrize(
    ("low", "high", "ends", "step"),
    [(0.003, 0.021, (0, 0.025), 0.005), (-0.6, 1.76, (-1, 2), 0.5), (12, 38, (0, 40), 10), (0, 0, (0, 0.2), 0.2)],
)
def test_an_axis_has_round_ends_around_all_whiskers(
    low: float, high: float, ends: tuple[float, float], step: float
) -> None:
    axis = axis_for([figure((low + high) / 2, low, high)])
    assert (axis.low, axis.high) == pytest.approx(ends)
    assert axis.step == pytest.approx(step)
    assert axis.ticks[0] == pytest.approx(axis.low) and axis.ticks[-1] == pytest.approx(axis.high)


def test_no_figures_have_an_axis_all_the_same() -> None:
    assert axis_for([]).high > axis_for([]).low


def test_places_are_percent_of_the_width_and_stay_inside() -> None:
    assert [SHARES.place(value) for value in (-1, 0, 0.25, 1, 7)] == [0, 0, 25, 100, 100]


def test_a_row_without_a_figure_says_so_and_draws_nothing() -> None:
    for missing in (None, figure(float("nan"), 0, 1)):
        svg = chart([Row("drawn", missing)], SHARES)
        assert "not available" in svg and "whisker" not in svg


def test_marks_run_through_every_row() -> None:
    rows = [Row("drawn", figure(0.5, 0.4, 0.6, "auc")), Row("real", None)]
    svg = chart(rows, SHARES, [Mark(0.01, "<guessing>")])
    assert len(re.findall(r'class="mark" x1="1.00%"', svg)) == 2
    assert "&lt;guessing&gt;" in svg and "<guessing>" not in svg


def test_labels_are_escaped() -> None:
    assert "<b>&" not in chart([Row("<b>&", figure(0.5, 0.4, 0.6), small="<b>&")], SHARES)
