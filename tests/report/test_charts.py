from __future__ import annotations

from xml.etree import ElementTree

import numpy as np
import pytest

from mindseye.report import charts


def bars(svg: str, attribute: str) -> list[float]:
    return [float(rect.get(attribute, "0")) for rect in ElementTree.fromstring(svg).iter("rect")]


def test_columns_are_as_high_as_their_counts() -> None:
    heights = bars(charts.columns({"1": 10, "2": 5, "3": 0}, label="words"), "height")
    assert heights[1] == heights[0] / 2 and heights[2] == 0


def test_rows_are_as_long_as_their_counts_and_empty_ones_left_out() -> None:
    lengths = bars(charts.rows({"square": 30, "wide": 0, "tall": 10}, label="aspect"), "width")
    assert lengths == [pytest.approx(3 * lengths[1], abs=0.2), lengths[1]]


def test_rows_beyond_the_limit_are_summed_up() -> None:
    svg = charts.rows({f"{size}": 1 for size in range(20)}, label="size", limit=8)
    assert len(bars(svg, "width")) == 8 and "13 others" in svg


def test_names_are_escaped() -> None:
    svg = charts.rows({"<b>&": 1}, label='"quoted"')
    ElementTree.fromstring(svg)
    assert "<b>" not in svg


def test_no_counts_give_an_empty_chart() -> None:
    assert bars(charts.columns({}, label="words"), "height") == []
    assert bars(charts.rows({}, label="size"), "width") == []


def test_curves_are_shares_of_their_own_sample() -> None:
    samples = {"drawn": np.full(1000, 0.1), "real": np.array([0.1, 0.1, 0.9, 0.9])}
    outlines = ElementTree.fromstring(charts.curves(samples, label="scores", within=(0, 1))).iter("polygon")
    heights = [
        {charts.BASELINE - float(point.split(",")[1]) for point in outline.get("points", "").split()}
        for outline in outlines
    ]
    assert max(heights[0]) == charts.BASELINE - charts.TOP
    assert max(heights[1]) == pytest.approx(max(heights[0]) / 2)


def test_a_mark_stands_at_its_value_and_is_escaped() -> None:
    svg = charts.curves({"drawn": np.arange(11.0)}, label="distance", mark=(2.5, "<near>"))
    lines = [line for line in ElementTree.fromstring(svg).iter("line") if line.get("class") == "mark"]
    assert [line.get("x1") for line in lines] == ["100.0"]
    assert "<near>" not in svg


def test_a_sample_of_one_value_has_a_curve() -> None:
    ElementTree.fromstring(charts.curves({"drawn": np.ones(12)}, label="equal"))
