"""Figures as dots with 95 % whiskers on one axis. Places are percentages, so a chart is as wide as it may be."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from markupsafe import Markup

from mindseye.report.explained import Explained, about, count_text, interval_text, value_text
from mindseye.think.figure import Figure

Source = Literal["drawn", "real", "retrieval"]

ROUND_STEPS = (1, 2, 2.5, 5, 10)
MOST_STEPS = 5
SIGNS = {
    "drawn": "M-5.5 0A5.5 5.5 0 1 0 5.5 0A5.5 5.5 0 1 0 -5.5 0Z",
    "real": "M0 -7L7 0L0 7L-7 0Z",
    "retrieval": "M-5 -5H5V5H-5Z",
}


@dataclass(frozen=True)
class Row:
    """A line of a chart.

    Attributes:
        label: what was measured, in words.
        figure: None, or not finite, where there is none: then it is said so.
        source: whose pictures: drawn by the model, real, or found by a search. It gives the colour and the sign.
        small: more words, below the label.
    """

    label: str
    figure: Figure | None
    source: Source = "drawn"
    small: str = ""

    @property
    def available(self) -> bool:
        return self.figure is not None and math.isfinite(self.figure.value)


@dataclass(frozen=True)
class Mark:
    """A dashed line through all rows: where guessing is, or perfection."""

    value: float
    label: str


@dataclass(frozen=True)
class Axis:
    """What all rows of a chart are drawn on, from `low` to `high`."""

    low: float
    high: float
    step: float
    share: bool

    def place(self, value: float) -> float:
        """Where a value is, in percent of the width; what is beyond an end is drawn at the end."""
        return 100 * min(1.0, max(0.0, (value - self.low) / (self.high - self.low)))

    @property
    def ticks(self) -> list[float]:
        count = round((self.high - self.low) / self.step)
        return [self.low + place * self.step for place in range(count + 1)]


def axis_for(figures: Iterable[Figure], include: Sequence[float] = (0.0,), *, share: bool = False) -> Axis:
    """An axis with round ends that holds all values and whiskers.

    Args:
        figures: those that are drawn on it.
        include: values that it must hold besides.
        share: its numbers are written as percentages, and none is below 0 or above 1.
    """
    ends = [*include, *(end for one in figures for end in (one.value, one.low, one.high) if math.isfinite(end))]
    low, high = min(ends), max(ends)
    spread = (high - low) or 1.0
    power = 10 ** math.floor(math.log10(spread / MOST_STEPS))
    step = next(factor * power for factor in ROUND_STEPS if factor * power * MOST_STEPS >= spread * 0.999)
    low, high = math.floor(low / step + 1e-9) * step, math.ceil(high / step - 1e-9) * step
    return Axis(low, high if high > low else low + step, step, share)


SHARES = Axis(0.0, 1.0, 0.25, True)


def chart(rows: Sequence[Row], axis: Axis, marks: Sequence[Mark] = ()) -> Markup:
    """The rows below one another, with the axis at the foot and the names of the marks at the head.

    Args:
        rows: in the order in which they are shown.
        axis: that they have in common.
        marks: lines through all of them.
    """
    parts = [_mark_names(marks, axis)] if marks else []
    parts += [_row(row, axis, marks) for row in rows]
    return Markup('<div class="intervals">{}</div>').format(Markup("").join([*parts, _ticks(axis)]))


def _row(row: Row, axis: Axis, marks: Sequence[Mark]) -> Markup:
    label = Markup("<span class='label'>{}{}</span>").format(
        row.label, Markup("<small>{}</small>").format(row.small) if row.small else ""
    )
    if row.figure is None or not row.available:
        said = Markup("<span class='value none'>not available</span>")
        return Markup("<div class='interval'>{}{}{}</div>").format(label, _track([], axis, marks), said)
    kind: Explained = about(row.figure.name)
    value, interval, count = value_text(row.figure, kind), interval_text(row.figure, kind), count_text(row.figure)
    low, middle, high = (axis.place(end) for end in (row.figure.low, row.figure.value, row.figure.high))
    drawn = [
        Markup('<line class="whisker" x1="{:.2f}%" x2="{:.2f}%" y1="50%" y2="50%"/>').format(low, high),
        Markup('<svg class="dot" x="{:.2f}%" y="50%"><path d="{}"/></svg>').format(middle, SIGNS[row.source]),
    ]
    title = Markup("<title>{}: {}, {}, {}</title>").format(row.label, value, interval, count)
    said = Markup("<span class='value'><b>{}</b> {}<small>{}</small></span>").format(value, interval, count)
    return Markup("<div class='interval {}'>{}{}{}</div>").format(
        row.source, label, _track([title, *drawn], axis, marks), said
    )


def _track(parts: Sequence[Markup], axis: Axis, marks: Sequence[Mark]) -> Markup:
    lines = [_upright(axis.place(tick), "grid") for tick in axis.ticks]
    lines += [_upright(axis.place(mark.value), "mark") for mark in marks]
    return Markup('<svg class="track" role="img">{}</svg>').format(Markup("").join([*lines, *parts]))


def _upright(place: float, kind: str) -> Markup:
    return Markup('<line class="{0}" x1="{1:.2f}%" x2="{1:.2f}%" y1="0" y2="100%"/>').format(kind, place)


def _ticks(axis: Axis) -> Markup:
    every = 1 if len(axis.ticks) <= 6 else 2
    texts = [
        Markup('<text x="{:.2f}%" y="14">{}</text>').format(
            axis.place(tick), f"{100 * tick:.3g}%" if axis.share else f"{tick:.3g}"
        )
        for tick in axis.ticks[::every]
    ]
    return _beside("ticks", texts)


def _mark_names(marks: Sequence[Mark], axis: Axis) -> Markup:
    texts = []
    for mark in marks:
        place = axis.place(mark.value)
        anchor = "start" if place < 25 else "end" if place > 75 else "middle"
        texts.append(
            Markup('<text x="{:.2f}%" y="12" style="text-anchor:{}">{}</text>').format(place, anchor, mark.label)
        )
    return _beside("marks", texts)


def _beside(kind: str, texts: Sequence[Markup]) -> Markup:
    return Markup('<div class="interval {}"><span></span><svg class="track">{}</svg><span></span></div>').format(
        kind, Markup("").join(texts)
    )
