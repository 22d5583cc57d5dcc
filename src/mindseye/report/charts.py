"""Charts as inline SVG: they take their colours from the page's style sheet and need no script."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Float
from markupsafe import Markup, escape

WIDTH = 400
HEIGHT = 150
BASELINE = HEIGHT - 22
TOP = 18
ROW_HEIGHT = 26
LABEL_WIDTH = 130
COUNT_WIDTH = 100
LINE_WIDTH, LINE_GAP = 300, 11
MOST_BINS, FEWEST_BINS = 30, 8


def columns(counts: Mapping[str, int], *, label: str) -> Markup:
    """Upright bars for an ordered quantity, such as words a caption; labels are thinned out when there are many.

    Args:
        counts: what stands under each bar, and its height; in order.
        label: what the chart shows, for people who do not see it.
    """
    highest = max(counts.values(), default=0) or 1
    step = WIDTH / max(len(counts), 1)
    every = -(-len(counts) // 14)
    parts = []
    for index, (name, count) in enumerate(counts.items()):
        height = (BASELINE - TOP) * count / highest
        centre = (index + 0.5) * step
        parts.append(
            Markup(
                '<rect x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}" rx="2"><title>{}: {}</title></rect>'
            ).format(index * step + step * 0.1, BASELINE - height, step * 0.8, height, name, count)
        )
        if index % every == 0:
            parts.append(Markup('<text x="{:.1f}" y="{}" class="tick">{}</text>').format(centre, HEIGHT - 6, name))
        if count == highest:
            parts.append(Markup('<text x="{:.1f}" y="{}" class="tick">{}</text>').format(centre, TOP - 6, f"{count:,}"))
    parts.append(Markup('<line x1="0" x2="{0}" y1="{1}" y2="{1}"/>').format(WIDTH, BASELINE))
    return _svg(parts, HEIGHT, label)


def rows(counts: Mapping[str, int], *, label: str, limit: int = 8) -> Markup:
    """Lying bars for named things, such as picture sizes; what is beyond `limit` is summed up in a last row.

    Args:
        counts: the name of each row and its number; in order.
        label: what the chart shows, for people who do not see it.
        limit: rows at most.
    """
    shown = {name: count for name, count in counts.items() if count}
    total = sum(shown.values()) or 1
    if len(shown) > limit:
        names = list(shown)
        rest = names[limit - 1 :]
        others = sum(shown[name] for name in rest)
        shown = {name: shown[name] for name in names[: limit - 1]} | {f"{len(rest)} others": others}
    highest = max(shown.values(), default=1)
    parts = []
    for index, (name, count) in enumerate(shown.items()):
        top = index * ROW_HEIGHT
        length = (WIDTH - LABEL_WIDTH - COUNT_WIDTH) * count / highest
        parts += [
            Markup('<text x="0" y="{}" class="name">{}</text>').format(top + 17, name),
            Markup('<rect x="{}" y="{}" width="{:.1f}" height="14" rx="3"/>').format(LABEL_WIDTH, top + 6, length),
            Markup('<text x="{:.1f}" y="{}" class="count">{} · {}</text>').format(
                LABEL_WIDTH + length + 8, top + 17, f"{count:,}", f"{count / total:.0%}"
            ),
        ]
    return _svg(parts, ROW_HEIGHT * len(shown), label)


def curves(
    samples: Mapping[str, Float[np.ndarray, "picture"]],
    *,
    label: str,
    within: tuple[float, float] | None = None,
    mark: tuple[float, str] | None = None,
) -> Markup:
    """Histograms of several samples over one axis, each as shares of its own sample, so that their shapes compare.

    Args:
        samples: by the class that the style sheet colours them by ("drawn", "real"), which is also their name.
        label: what the chart shows, for people who do not see it.
        within: the ends of the axis; those of all values together unless given.
        mark: a value to draw a line at, and what to write on it.
    """
    everything = np.concatenate(list(samples.values()))
    low, high = within or (float(everything.min()), float(everything.max()))
    high = high if high > low else low + 1
    bins = int(np.clip(1.5 * min(map(len, samples.values())) ** 0.5, FEWEST_BINS, MOST_BINS))
    edges = np.linspace(low, high, bins + 1)
    shares = {name: np.histogram(values, edges)[0] / len(values) for name, values in samples.items()}
    highest = max(float(heights.max()) for heights in shares.values()) or 1
    x = np.repeat(np.linspace(0, WIDTH, bins + 1), 2)
    parts = []
    for name, heights in shares.items():
        y = BASELINE - (BASELINE - TOP) * np.concatenate([[0], np.repeat(heights, 2), [0]]) / highest
        outline = " ".join(f"{across:.1f},{down:.1f}" for across, down in zip(x, y, strict=True))
        parts.append(
            Markup('<polygon points="{}" class="{}"><title>{}: {} pictures</title></polygon>').format(
                outline, name, name, f"{len(samples[name]):,}"
            )
        )
    parts.append(Markup('<line x1="0" x2="{0}" y1="{1}" y2="{1}"/>').format(WIDTH, BASELINE))
    for step in range(5):
        anchor = ("start", "middle", "middle", "middle", "end")[step]
        parts.append(
            Markup('<text x="{}" y="{}" class="tick" style="text-anchor:{}">{}</text>').format(
                step * WIDTH / 4, HEIGHT - 6, anchor, f"{low + (high - low) * step / 4:.2g}"
            )
        )
    if mark:
        place = WIDTH * (mark[0] - low) / (high - low)
        anchor = "start" if place < WIDTH / 2 else "end"
        parts.append(
            Markup(
                '<line x1="{0:.1f}" x2="{0:.1f}" y1="4" y2="{1}" class="mark"/>'
                '<text x="{2:.1f}" y="12" class="tick" style="text-anchor:{3}">{4}</text>'
            ).format(place, BASELINE, place + (5 if anchor == "start" else -5), anchor, mark[1])
        )
    return _svg(parts, HEIGHT, label)


def lines(
    points: Mapping[str, Sequence[tuple[float, float]]], *, label: str, across: tuple[float, float], upward: float
) -> Markup:
    """Lines over one axis, each with its name at its end.

    Args:
        points: of each line, from left to right.
        label: what the chart shows, for people who do not see it.
        across: the ends of the axis.
        upward: the top of it, 0 being the bottom.
    """
    low, high = across
    spread, parts = (high - low) or 1.0, []
    taken: list[float] = []  # heights at which a name stands
    for name, line in points.items():
        places = [
            (LINE_WIDTH * (x - low) / spread, BASELINE - (BASELINE - TOP) * min(y / (upward or 1.0), 1.0))
            for x, y in line
        ]
        outline = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
        parts.append(Markup('<polyline points="{}" class="line"><title>{}</title></polyline>').format(outline, name))
        height = places[-1][1] + 4
        while any(abs(height - other) < LINE_GAP for other in taken):
            height += 1
        taken.append(height)
        parts.append(Markup('<text x="{}" y="{:.1f}" class="count">{}</text>').format(LINE_WIDTH + 6, height, name))
    parts.append(Markup('<line x1="0" x2="{0}" y1="{1}" y2="{1}"/>').format(LINE_WIDTH, BASELINE))
    for share, anchor in ((0.0, "start"), (0.5, "middle"), (1.0, "end")):
        parts.append(
            Markup('<text x="{}" y="{}" class="tick" style="text-anchor:{}">{}</text>').format(
                LINE_WIDTH * share, HEIGHT - 6, anchor, f"{low + spread * share:.3g}"
            )
        )
    parts.append(Markup('<text x="0" y="{}" class="tick" style="text-anchor:start">{:.2g}</text>').format(TOP, upward))
    return _svg(parts, HEIGHT, label)


def _svg(parts: list[Markup], height: int, label: str) -> Markup:
    body = Markup("").join(parts)
    return Markup('<svg viewBox="0 0 {} {}" role="img" aria-label="{}">{}</svg>').format(
        WIDTH, height, escape(label), body
    )
