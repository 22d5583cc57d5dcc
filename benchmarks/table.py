"""The rows of the quality race as a Markdown table: a line an arm, means over seeds."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from typing import Any

ORDER = ("real", "retrieval", "mindseye")  # the references first, then ours, then the peers


def table(rows: Sequence[dict[str, Any]]) -> str:
    """A Markdown table for each collection, number of minutes and set of prompts.

    A value is the mean over the seeds; in brackets stand the lowest and the highest end of the seeds' 95 % intervals.
    """
    rows = [
        {**row, "prompts": name, "figures": figures, "drawn": figures["kid"]["n_generated"]}
        for row in rows
        for name, figures in row["figures"].items()
    ]
    if not rows:
        return "There is nothing yet."
    untrained = [row for row in rows if not row["minutes"]]
    parts = []
    for race in sorted({(row["collection"], row["minutes"], row["prompts"]) for row in rows if row["minutes"]}):
        collection, minutes, prompts = race
        mine = [row for row in rows if (row["collection"], row["minutes"], row["prompts"]) == race]
        mine += [row for row in untrained if (row["collection"], row["prompts"]) == (collection, prompts)]
        parts.append(f"### {collection}, {minutes:g} minutes, prompts: {prompts}\n\n{_table(mine)}")
    return "\n\n".join(parts) if parts else "Nothing is trained yet."


def _table(rows: Sequence[dict[str, Any]]) -> str:
    figures = list(dict.fromkeys(name for row in rows for name in row["figures"] if _is_shown(name)))
    heads = ["arm", "parameters", "rate", "pictures seen", "cores it had", "seeds", "n", *figures, "date"]
    arms = sorted({row["arm"] for row in rows}, key=lambda arm: (*(arm != name for name in ORDER), arm))
    names = [head.partition("/")[0] for head in heads]  # "/SET" stands in the title
    lines = [f"| {' | '.join(names)} |", f"|{' --- |' * len(heads)}"]
    for arm in arms:
        mine = [row for row in rows if row["arm"] == arm]
        seen = statistics.mean(row["pictures_seen"] for row in mine)
        fields = [
            arm,
            f"{mine[0]['parameters'] / 1e6:.1f} M" if mine[0]["parameters"] else "-",
            f"{mine[0]['learning_rate']:g}" if mine[0]["learning_rate"] else "-",
            f"{seen:,.0f}" if seen else "-",
            f"{statistics.mean(row['cores_had'] for row in mine):.2f}" if seen else "-",
            " ".join(str(row["seed"]) for row in sorted(mine, key=lambda row: row["seed"])),
            str(mine[0]["drawn"]),
            *(interval([row["figures"][name] for row in mine if name in row["figures"]]) for name in figures),
            max(row["date"] for row in mine)[:10],
        ]
        lines.append(f"| {' | '.join(fields)} |")
    versions = {f"{name} {version}" for row in rows for name, version in row["versions"].items()}
    machines = {f"{row['processor']}, {row['threads']} threads" for row in rows}
    return "\n".join([*lines, "", f"{'; '.join(sorted(machines))}. {', '.join(sorted(versions))}."])


def _is_shown(name: str) -> bool:
    """Not the figures of real and retrieved pictures, which are arms here, nor each part of following a prompt."""
    figure = name.partition("/")[0]
    parts = figure.startswith("following_") and figure != "following_right"
    return not (name.endswith("_real") or figure.endswith(("_real", "_retrieval")) or parts)


def interval(figures: Sequence[dict[str, Any]]) -> str:
    """The mean of one figure over several seeds, and the lowest and highest end of their intervals."""
    known = [figure for figure in figures if figure["value"] is not None]
    if not known:
        return "-"
    mean = statistics.mean(figure["value"] for figure in known)
    ends = [figure[end] for figure in known for end in ("low", "high") if figure[end] is not None]
    return f"{mean:.4g} [{min(ends):.4g}, {max(ends):.4g}]" if ends else f"{mean:.4g}"
