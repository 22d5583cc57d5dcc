"""Bar charts as inline SVG: they take their colours from the page's style sheet and need no script."""

from __future__ import annotations

from collections.abc import Mapping

from markupsafe import Markup, escape

WIDTH = 400
HEIGHT = 150
BASELINE = HEIGHT - 22
TOP = 18
ROW_HEIGHT = 26
LABEL_WIDTH = 130
COUNT_WIDTH = 100


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


def _svg(parts: list[Markup], height: int, label: str) -> Markup:
    body = Markup("").join(parts)
    return Markup('<svg viewBox="0 0 {} {}" role="img" aria-label="{}">{}</svg>').format(
        WIDTH, height, escape(label), body
    )
