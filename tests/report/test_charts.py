from __future__ import annotations

from xml.etree import ElementTree

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
