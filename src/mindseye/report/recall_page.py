"""The evaluation of recall as a page, and its tables as Markdown."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from mindseye.recall.hashers import READS, SUPERVISED
from mindseye.report import charts
from mindseye.report.html import environment, markdown_table

if TYPE_CHECKING:
    from mindseye.report.recall import RecallEvaluation

WAYS = ("words to pictures", "pictures to words")
UNTAUGHT = ("random", "sign_projection")
CURVES = ("updated", "kept", "refit")


def render(evaluation: RecallEvaluation) -> str:
    """The report's HTML.

    Args:
        evaluation: what `mindseye evaluate --recall` found.
    """
    facts = evaluation.facts
    page = environment().get_template("recall.html")
    return page.render(
        facts=facts,
        pixel_art=False,
        heads=HEADS,
        table=table(facts),
        precision_recall=_precision_recall(evaluation),
        curves=_forgetting_charts(facts["forgetting"]),
        forgetting_heads=FORGETTING_HEADS,
        forgetting=forgetting_table(facts["forgetting"]),
        bucket_heads=BUCKET_HEADS,
        buckets=bucket_table(facts["buckets"]),
        theme=theme_sentence(facts["theme"]),
    )


def markdown(facts: dict[str, Any]) -> str:
    """The tables, to be put into a text.

    Args:
        facts: of an evaluation.
    """
    parts = [said(facts), markdown_table(HEADS, table(facts))]
    if facts["forgetting"]:
        parts.append(markdown_table(FORGETTING_HEADS, forgetting_table(facts["forgetting"])))
    if facts["buckets"]:
        parts.append(markdown_table(BUCKET_HEADS, bucket_table(facts["buckets"])))
    return "\n\n".join([*parts, theme_sentence(facts["theme"])]) + "\n"


HEADS = [
    "hasher", "learns from", "bits", "words to pictures", "against cca_itq", "pictures to words", "against cca_itq",
    "mAP@50", "R@1 / 5 / 10", "fit", "a picture", "bytes",
]  # fmt: skip
FORGETTING_HEADS = [
    "hasher", "pictures so far", "updated", "old codes kept", "fitted anew", "among the first fifth", "codes changed",
    "update", "fit anew",
]  # fmt: skip
BUCKET_HEADS = [
    "code", "bits", "name of a bucket", "too far", "relevant in the bucket", "all in the bucket",
    "first bits: relevant", "first bits: all",
]  # fmt: skip


def said(facts: dict[str, Any]) -> str:
    """What the figures were taken from, in a sentence."""
    return (
        f"{facts['collection']}: {facts['queries']:,} held-out queries, {facts['labelled']:,} of them with anything "
        f"relevant among {facts['database']:,} training pictures; R@k among all {facts['gallery']:,}; "
        f"labels are {facts['labels']}; {facts['seeds']} seeds."
    )


def table(facts: dict[str, Any]) -> list[list[str]]:
    """A row a hasher and width: mAP@all by codes, means over the seeds with half the range; R@k re-ranked."""
    rows = facts["table"]
    found = {(row["hasher"], row["bits"], row["direction"], row["nearness"]): row for row in rows}
    out = []
    for hasher, bits in dict.fromkeys((row["hasher"], row["bits"]) for row in rows):
        one, other = (found[hasher, bits, way, "binary"] for way in WAYS)
        again = found[hasher, bits, WAYS[0], "binary, re-ranked"]
        maps = (part for row in (one, other) for part in (spread(row["map_all"]), row["verdict"]))
        recall = " / ".join(f"{share[0]:.2f}" for share in again["recall"])
        out.append(
            [
                hasher, learns_from(hasher), str(bits), *maps, f"{one['map_first'][0]:.3f}", recall,
                f"{one['fit_seconds']:.1f} s", f"{one['encode_microseconds']:.0f} µs", str(one["bytes"]),
            ]
        )  # fmt: skip
    return out


def learns_from(hasher: str) -> str:
    """What a hasher is told of the training pictures."""
    if READS.get(hasher) == "own pictures":
        return "labels; texts with their pictures"
    return "nothing" if hasher in UNTAUGHT else "labels" if hasher in SUPERVISED else "captions"


def spread(values: Sequence[float]) -> str:
    """A mean over the seeds and half of what lies between the least and the most; of one seed the value alone."""
    mean, low, high = values
    return f"{mean:.3f} ± {(high - low) / 2:.3f}" if high > low else f"{mean:.3f}"


def forgetting_table(rows: Sequence[dict[str, Any]]) -> list[list[str]]:
    return [
        [
            row["hasher"], f"{row['pictures']:,}", *(f"{row[kind]:.3f}" for kind in (*CURVES, "first")),
            "" if row["drift"] is None else f"{row['drift']:.0f}%", f"{row['update_seconds']:.1f} s",
            f"{row['refit_seconds']:.1f} s",
        ]
        for row in rows
    ]  # fmt: skip


def bucket_table(rows: Sequence[dict[str, Any]]) -> list[list[str]]:
    return [
        [
            row["code"], str(row["bits"]), f"{row['message']} bits", f"{row['failed']:.0%}",
            *(f"{row[kind][share]:.2%}" for kind in ("snapped", "first_bits") for share in ("recall", "looked_at")),
        ]
        for row in rows
    ]  # fmt: skip


def theme_sentence(theme: dict[str, Any] | None) -> str:
    """The ratios of one theme, in words."""
    if theme is None:
        return "No theme has five held-out captions, so the broad and the narrow hasher were not compared."
    return (
        f"Two held-out captions of the theme “{theme['theme']}” are, on the mean, {theme['broad']:.2f} times as far "
        f"apart as any two under a hasher of everything ({theme['learnt']['broad']:,} pictures), and "
        f"{theme['narrow']:.2f} times under a hasher of that theme alone ({theme['learnt']['narrow']:,} pictures); "
        f"{theme['pairs']:,} pairs of {theme['captions']} captions, {theme['bits']} bits."
    )


def _precision_recall(evaluation: RecallEvaluation) -> list[tuple[str, Markup]]:
    """Of every hasher precision over recall by radius, with the first seed at one width, all on one scale."""
    widths = {run.bits for run in evaluation.runs}
    width = 64 if 64 in widths else max(widths)
    shown = [run for run in evaluation.runs if run.seed == 0 and run.bits == width]
    top = max(max(precision) for run in shown for precision, _ in run.radius.values())
    return [
        (
            f"{run.hasher}, {width} bits",
            charts.lines(
                {
                    name: list(zip(recall, precision, strict=True))
                    for name, (precision, recall) in zip(("by words", "by pictures"), run.radius.values(), strict=True)
                },
                label=f"precision over recall of {run.hasher}, {width} bits",
                across=(0.0, 1.0),
                upward=top,
            ),
        )
        for run in shown
    ]


def _forgetting_charts(rows: Sequence[dict[str, Any]]) -> list[tuple[str, Markup]]:
    """Of every hasher that was brought up to date, all on one scale."""
    top = max((row[kind] for row in rows for kind in CURVES), default=1.0)
    charted = []
    for hasher in dict.fromkeys(row["hasher"] for row in rows):
        own = [row for row in rows if row["hasher"] == hasher]
        found = {kind: [(row["pictures"], row[kind]) for row in own] for kind in CURVES}
        ends = own[0]["pictures"], own[-1]["pictures"]
        label = f"mAP@all of {hasher} after each chunk"
        charted.append((hasher, charts.lines(found, label=label, across=ends, upward=top)))
    return charted
