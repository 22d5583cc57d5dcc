"""Few-shot recognition as a page, and its tables as Markdown."""

from __future__ import annotations

from typing import Any

from markupsafe import Markup

from mindseye.report import charts
from mindseye.report.html import environment, markdown_table
from mindseye.think.few_shot.trial import IMAGINATION, ORACLE, SUPPORT_ONLY

TRIED_HEADS = ["k", "arm", "settings", "accuracy on validation-novel", "chosen"]
EXTRA_HEADS = ["k", "arm", "learnt from these alone", "of their class", "copies of what is shown"]


def render(facts: dict[str, Any]) -> str:
    """The report's HTML.

    Args:
        facts: of `mindseye evaluate --few-shot`.
    """
    page = environment().get_template("few_shot.html")
    return page.render(
        facts=facts,
        pixel_art=False,
        imaginers=imaginers_said(facts),
        parts=[_part(found) for found in facts["collections"]],
        tried_heads=TRIED_HEADS,
        extra_heads=EXTRA_HEADS,
    )


def markdown(facts: dict[str, Any]) -> str:
    """The tables and verdicts, to be put into a text.

    Args:
        facts: of `mindseye evaluate --few-shot`.
    """
    parts = [measured_with(facts)]
    for found in facts["collections"]:
        parts.append(f"**{found['collection']}**: {concept_counts(found)}.")
        for way, heads, rows in tables(found):
            parts += [f"{way}-way accuracy", markdown_table(heads, rows)]
        for way, heads, rows in tables(found, gains=True):
            parts += [f"{way}-way, against support only", markdown_table(heads, rows)]
        parts += ["\n".join(f"- {verdict['said']}" for verdict in found["verdicts"])]
        parts += [markdown_table(EXTRA_HEADS, extra_table(found)), markdown_table(TRIED_HEADS, tried_table(found))]
        parts += ["\n".join(skipped(found))] if found["skipped"] else []
    return "\n\n".join(parts) + "\n"


def measured_with(facts: dict[str, Any]) -> str:
    """What the figures were taken with, in a sentence."""
    measured = (
        f"{facts['encoder']}; {facts['episodes']} episodes for each way and k, the same for all arms; settings chosen "
        f"on {facts['chosen_on']} episodes of validation-novel concepts; 95 % intervals by bootstrap over episodes."
    )
    return " ".join([measured, *imaginers_said(facts)])


def imaginers_said(facts: dict[str, Any]) -> list[str]:
    """Which models imagined in pixels, a sentence each."""
    return [
        f"{each['name']} ({each['collection']}): weights {each['sha256'][:12]}, trained on base concepts alone, "
        f"{each['pictures_seen']:,} pictures seen, strengths {', '.join(f'{s:g}' for s in each['strengths'])}."
        for each in facts["imaginers"]
    ]


def concept_counts(found: dict[str, Any]) -> str:
    """How many concepts and pictures each side has."""
    return ", ".join(
        f"{side} {counts['concepts']:,} concepts ({counts['pictures']:,} pictures)"
        for side, counts in found["concepts"].items()
    )


def tables(found: dict[str, Any], *, gains: bool = False) -> list[tuple[int, list[str], list[list[str]]]]:
    """For each way the heads and rows of a table: an arm a row, a k a column, and real pictures that the oracle had.

    Args:
        found: the facts of a collection.
        gains: what an arm gains over `support only`, instead of its accuracy.
    """
    out, written = [], _gain if gains else _cell
    for way in sorted({row["way"] for row in found["table"]}):
        cells = {(row["arm"], row["shot"]): row for row in found["table"] if row["way"] == way}
        shots = sorted({shot for _, shot in cells})
        rows = [[arm, *(written(cells[arm, shot]) for shot in shots)] for arm in dict.fromkeys(arm for arm, _ in cells)]
        spare = {row["shot"]: row["pictures"] for row in found["spare"] if row["way"] == way}
        rows.append(["(real pictures of a concept for the oracle)", *(f"{spare[shot]:.1f}" for shot in shots)])
        out.append((way, ["arm", *(f"k = {shot}" for shot in shots)], rows))
    return out


def _cell(row: dict[str, Any]) -> str:
    return f"{row['accuracy']:.3f} ({row['low']:.3f} to {row['high']:.3f})"


def _gain(row: dict[str, Any]) -> str:
    over = row["over_support"]
    return f"{over['value']:+.3f} ({over['low']:+.3f} to {over['high']:+.3f}), won {over['won']:.0%}"


def extra_table(found: dict[str, Any]) -> list[list[str]]:
    """What the extra examples of each arm are like."""
    return [
        [
            str(row["shot"]), row["arm"], f"{row['alone']:.3f}", f"{row['of_their_class']:.0%}", f"{row['copies']:.0%}",
        ]
        for row in found["extras"]
    ]  # fmt: skip


def tried_table(found: dict[str, Any]) -> list[list[str]]:
    """Every setting that was tried."""
    return [
        [
            str(row["shot"]),
            row["arm"],
            ", ".join(f"{name} {value:g}" for name, value in row["settings"].items()),
            f"{row['accuracy']:.3f}",
            "yes" if row["chosen"] else "",
        ]
        for row in found["tried"]
    ]


def skipped(found: dict[str, Any]) -> list[str]:
    """What could not be measured, and why."""
    return [f"{row['way']}-way, k = {row['shot']} was not measured: {row['why']}." for row in found["skipped"]]


def _part(found: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": found["collection"],
        "counts": concept_counts(found),
        "tables": tables(found),
        "gains": tables(found, gains=True),
        "charts": [(way, _chart(found, way)) for way, heads, _ in tables(found) if len(heads) > 2],
        "verdicts": found["verdicts"],
        "skipped": skipped(found),
        "extras": extra_table(found),
        "tried": tried_table(found),
    }


def _chart(found: dict[str, Any], way: int) -> Markup:
    """Accuracy over k: imagination, the ceiling, and what is shown alone."""
    own = [row for row in found["table"] if row["way"] == way]
    shots = sorted({row["shot"] for row in own})
    points = {
        arm: [(row["shot"], row["accuracy"]) for row in own if row["arm"] == arm]
        for arm in (ORACLE, IMAGINATION, SUPPORT_ONLY)
    }
    label = f"{way}-way accuracy at k = {', '.join(map(str, shots))}"
    return charts.lines(points, label=label, across=(shots[0], shots[-1]), upward=1.0)
