"""The rows of the quality race as a Markdown table, a line an arm, and as figures, a line each; means over seeds."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence
from typing import Any

from judge import better, unit_of
from record import line_of

OURS = "mindseye"
ORDER = ("real", "retrieval", OURS)  # the references first, then ours, then the peers
Row = dict[str, Any]


def table(rows: Sequence[Row], figures: Sequence[str] = ()) -> str:
    """A Markdown table for each collection, number of minutes and set of prompts, of all figures or those named.

    A value is the mean over the seeds; in brackets stand the lowest and the highest end of the seeds' 95 % intervals.
    """
    if not any(row["figures"] for row in rows):
        return "There is nothing yet."
    parts = [
        f"### {collection}, {minutes:g} minutes, prompts: {prompts}\n\n{_table(race, figures)}"
        for (collection, minutes, prompts), race in _races(rows)
    ]
    return "\n\n".join(parts) if parts else "Nothing is trained yet."


def lines(rows: Sequence[Row]) -> Iterator[dict[str, Any]]:
    """Each figure of ours beside that of every other arm, with what the table says of the two: [ours, the other's]."""
    for (collection, minutes, prompts), race in _races(rows):
        ours = [row for row in race if row["arm"] == OURS]
        for arm in _arms(race):
            pair = ours, [row for row in race if row["arm"] == arm]
            for name in _shown(ours) if arm != OURS else ():
                mine, its = (_over_seeds(_each(some, name)) for some in pair)
                if mine is None or its is None:
                    continue
                yield line_of(
                    name, mine[0], its[0], arm, unit_of(name),
                    better=better(name),
                    collection=collection,
                    minutes=minutes,
                    prompts=prompts,
                    intervals=[mine[1:], its[1:]],
                    pictures=[some[0]["drawn"] for some in pair],
                    picture_seeds=[[row["drew"][prompts]["picture_seeds"] for row in some] for some in pair],
                    training_seeds=[[row["seed"] for row in some] for some in pair],
                    parameters=[some[0]["parameters"] for some in pair],
                    pictures_seen=[round(statistics.mean(row["pictures_seen"] for row in some)) for some in pair],
                    dates=[max(row["date"] for row in some) for some in pair],
                    processor=ours[0]["processor"],
                    versions=ours[0]["versions"],
                )  # fmt: skip


def _races(rows: Sequence[Row]) -> Iterator[tuple[tuple[str, float, str], list[Row]]]:
    """(collection, minutes, set of prompts) and the rows of it, those among them that need no training."""
    each = [
        {**row, "prompts": name, "figures": figures, "drawn": figures["kid"]["n_generated"]}
        for row in rows
        for name, figures in row["figures"].items()
    ]
    for race in sorted({(row["collection"], row["minutes"], row["prompts"]) for row in each if row["minutes"]}):
        collection, minutes, prompts = race
        yield (
            race,
            [
                row
                for row in each
                if (row["collection"], row["prompts"]) == (collection, prompts) and row["minutes"] in (minutes, 0)
            ],
        )


def _arms(rows: Sequence[Row]) -> list[str]:
    return sorted({row["arm"] for row in rows}, key=lambda arm: (*(arm != name for name in ORDER), arm))


def _table(rows: Sequence[Row], wanted: Sequence[str]) -> str:
    figures = [name for name in _shown(rows) if not wanted or name.partition("/")[0] in wanted]
    heads = ["arm", "parameters", "rate", "pictures seen", "cores it had", "seeds", "n", *figures, "date"]
    names = [head.partition("/")[0] for head in heads]  # "/SET" stands in the title
    lines = [f"| {' | '.join(names)} |", f"|{' --- |' * len(heads)}"]
    for arm in _arms(rows):
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
            *(interval(_each(mine, name)) for name in figures),
            max(row["date"] for row in mine)[:10],
        ]
        lines.append(f"| {' | '.join(fields)} |")
    versions = {f"{name} {version}" for row in rows for name, version in row["versions"].items()}
    machines = {f"{row['processor']}, {row['threads']} threads" for row in rows}
    return "\n".join([*lines, "", f"{'; '.join(sorted(machines))}. {', '.join(sorted(versions))}."])


def _shown(rows: Sequence[Row]) -> list[str]:
    """The figures, without those of real and retrieved pictures, which are arms here, and without the parts of
    following a prompt."""
    shown = []
    for name in dict.fromkeys(name for row in rows for name in row["figures"]):
        figure = name.partition("/")[0]
        is_part = figure.startswith("following_") and figure != "following_right"
        if not (name.endswith("_real") or figure.endswith(("_real", "_retrieval")) or is_part):
            shown.append(name)
    return shown


def _each(rows: Sequence[Row], name: str) -> list[dict[str, Any]]:
    return [row["figures"][name] for row in rows if name in row["figures"]]


def interval(figures: Sequence[dict[str, Any]]) -> str:
    """The mean of one figure over several seeds, and the lowest and highest end of their intervals."""
    found = _over_seeds(figures)
    if found is None:
        return "-"
    mean, low, high = found
    return f"{mean:.4g}" if low is None else f"{mean:.4g} [{low:.4g}, {high:.4g}]"


def _over_seeds(figures: Sequence[dict[str, Any]]) -> tuple[float, float | None, float | None] | None:
    known = [figure for figure in figures if figure["value"] is not None]
    if not known:
        return None
    ends = [figure[end] for figure in known for end in ("low", "high") if figure[end] is not None]
    return statistics.mean(figure["value"] for figure in known), min(ends, default=None), max(ends, default=None)
