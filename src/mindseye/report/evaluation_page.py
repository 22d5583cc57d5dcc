"""The evaluation of a model, and the comparison of several, as pages that a person reads from top to bottom."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

import numpy as np
from markupsafe import Markup

from mindseye.report import charts
from mindseye.report.answers import BY_CHANCE, GUESS, answers, by_set, set_name
from mindseye.report.by_word import best_and_worst, by_word
from mindseye.report.explained import about, count_text, explanations, interval_text, parsed, title, value_text
from mindseye.report.html import data_uri, environment
from mindseye.report.intervals import SHARES, Axis, Mark, Row, Source, axis_for, chart
from mindseye.think.figure import Figure

if TYPE_CHECKING:
    from mindseye.report.drawn import Drawn
    from mindseye.report.evaluate import Evaluation

STRIP = 12  # drawn pictures at the head of the page
PAIRS_SHOWN = 60  # drawn pictures of a set, beside real ones
PROMPTS_COMPARED = 40  # of a set
ONE_BY_ONE = ("precision", "recall", "coverage")
COPYING = ("copy_rate", "memorised_rate")
ALWAYS_SHOWN = ("auc", "kid", *ONE_BY_ONE, "r_precision", *COPYING)  # where they are missing, it is said so
GUESSING = Mark(BY_CHANCE, "guessing 1%")


def render(evaluation: Evaluation) -> str:
    """The report's HTML.

    Args:
        evaluation: what `mindseye.evaluate` found.
    """
    figures = {figure.name: figure for figure in evaluation.figures}
    sheets = [_sheet(each, evaluation.hits.get(each.asked.name, [])) for each in evaluation.drawn]
    page = environment().get_template("evaluation.html")
    return page.render(
        facts=evaluation.facts,
        pixel_art=evaluation.reference.picture_format.pixel_art,
        strip=[tile for tiles in zip_longest(*(sheet["tiles"] for sheet in sheets)) for tile in tiles if tile][:STRIP],
        answers=answers(evaluation.figures, independent=evaluation.facts["judge_is_independent"]),
        likeness=_likeness(figures),
        scores=_scores(evaluation),
        likelihood=_likelihood(evaluation.figures),
        naming=[_naming(figures, each.asked.name, evaluation.facts) for each in evaluation.drawn],
        following=_following(figures),
        words=_words(evaluation),
        sheets=sheets,
        copying=_copying(figures),
        distances=_distances(evaluation),
        closest=_closest(evaluation),
        table=_table(evaluation.figures),
        explanations=explanations([*figures, *ALWAYS_SHOWN]),
    )


def render_comparison(result: Mapping[str, Any], evaluations: Sequence[Evaluation]) -> str:
    """The comparison's HTML.

    Args:
        result: what `mindseye.compare` returns.
        evaluations: of the models, in the order of `result["models"]`, of the same prompts.
    """
    tables = [{figure.name: figure for figure in evaluation.figures} for evaluation in evaluations]
    page = environment().get_template("comparison.html")
    rows = [_compared(row, result["models"], tables) for row in result["rows"]]
    return page.render(
        result=result,
        pixel_art=all(evaluation.reference.picture_format.pixel_art for evaluation in evaluations),
        facts=evaluations[0].facts,
        rows=rows,
        better=[row for row in rows if row.is_better],
        sheets=[_side_by_side(sets) for sets in zip(*(evaluation.drawn for evaluation in evaluations), strict=True)],
        explanations=explanations(row["name"] for row in result["rows"]),
    )


@dataclass(frozen=True)
class Panel:
    """A chart with what stands around it: title, where the explanation is, what it asks, chart, and a verdict."""

    title: str
    anchor: str
    asks: str
    drawing: Markup
    verdict: str = ""

    @property
    def is_better(self) -> bool:
        """Whether the verdict is for one of the models."""
        return self.verdict.endswith(" is better")


def _likeness(figures: Mapping[str, Figure]) -> list[Panel]:
    distances = [Row("drawn", figures.get("kid")), Row("real, never seen", figures.get("kid_real"), "real")]
    shares = [
        row
        for name in ONE_BY_ONE
        for row in (
            Row(about(name).title, figures.get(name), small=about(name).asks),
            Row("real, never seen", figures.get(f"{name}_real"), "real"),
        )
    ]
    told = [Row(about("auc").title, figures.get("auc"), small="of pairs of a real and an imagined one")]
    kid = about("kid")
    return [
        Panel(
            "Can a detector tell them from real ones?", "detector", "50% is a guess: the detector is fooled.",
            chart(told, SHARES, [Mark(GUESS, "a guess")]),
        ),
        Panel(
            kid.title, kid.anchor, f"{kid.asks.capitalize()}; {kid.best}.",
            chart(distances, axis_for(_there(distances)), [Mark(0.0, "no difference")]),
        ),
        Panel(
            "One by one", "precision", "Do single pictures look real, and is every kind of real picture drawn?",
            chart(shares, SHARES),
        ),
    ]  # fmt: skip


def _there(rows: Sequence[Row]) -> list[Figure]:
    return [row.figure for row in rows if row.figure is not None]


def _scores(evaluation: Evaluation) -> dict[str, Any] | None:
    """How imagined a detector takes drawn and real pictures to be."""
    if evaluation.detection is None:
        return None
    samples = {"real": evaluation.detection.real, "drawn": evaluation.detection.generated}
    drawing = charts.curves(samples, label="how imagined pictures look, real and drawn", within=(0, 1))
    return {"drawing": drawing, "real": len(samples["real"]), "drawn": len(samples["drawn"])}


def _likelihood(figures: Sequence[Figure]) -> list[Panel]:
    """What real pictures cost, set by set, where the model gives them a probability."""
    known = [figure for figure in figures if about(figure.name).anchor == "likelihood"]
    if not known:
        return []
    kind = about(known[0].name)
    rows = [Row(set_name(parsed(figure.name)[2]).capitalize(), figure, "real") for figure in known]
    asks = f"{kind.asks.capitalize()}; {kind.best}. Pictures are {known[0].encoder}."
    return [Panel(kind.title, kind.anchor, asks, chart(rows, axis_for(known)))]


def _naming(figures: Mapping[str, Figure], name: str, facts: Mapping[str, Any]) -> Panel:
    """R-precision of a set: drawn, and on the same axis real pictures, a search and guessing."""
    drawn, real, search = (by_set(figures, "r_precision", source).get(name) for source in ("", "real", "retrieval"))
    rows = [
        Row("drawn", drawn),
        Row("search", search, "retrieval", "the training picture whose caption is nearest"),
        Row("real pictures", real, "real", "how good the judge is"),
    ]
    remarks = []
    if few := facts.get("too_few_prompts", {}).get(name):
        remarks.append(f"Too few prompts: {few}, where {facts['prompts_asked_for']} are asked for.")
    if not facts["judge_is_independent"]:
        remarks.append("Not independent: the judge learnt from the pictures that the model learnt from.")
    return Panel(f"Asked for {set_name(name)}", "r-precision", " ".join(remarks), chart(rows, SHARES, [GUESSING]))


def _following(figures: Mapping[str, Figure]) -> list[Panel]:
    """What is right in pictures whose truth can be read off, set by set."""
    panels: dict[str, list[Row]] = {}
    for name, figure in figures.items():
        kind, source, asked = parsed(name)
        if kind.startswith("following") and not source:
            real = figures.get(f"{name}_real")
            rows = panels.setdefault(asked, [])
            rows.append(Row(kind.removeprefix("following_"), figure))
            if real is not None:
                rows.append(Row("", real, "real", "real pictures"))
    return [
        Panel(f"Asked for {set_name(asked)}", "following", "", chart(rows, SHARES)) for asked, rows in panels.items()
    ]


def _words(evaluation: Evaluation) -> dict[str, Any] | None:
    """The words that are drawn best and worst, over all sets whose pictures were named."""
    prompts: list[str] = []
    hits: list[bool] = []
    for each in evaluation.drawn:
        if named := evaluation.hits.get(each.asked.name):
            prompts += each.asked.prompts
            hits += named
    words = by_word(prompts, hits, str(evaluation.facts["judge"]))
    best, worst = best_and_worst(words)
    if not best:
        return None
    parts = {"best": best, "worst": worst}
    drawn = {
        key: chart([Row(word, figure) for word, figure in some.items()], SHARES, [GUESSING])
        for key, some in parts.items()
    }
    return {**drawn, "count": len(words), "prompts": len(prompts)}


def _sheet(drawn: Drawn, hits: Sequence[bool]) -> dict[str, Any]:
    """Drawn pictures beside the real ones of the same prompts; the order of prompts is evenly spread already."""
    count = len(drawn.pictures)
    tiles = [
        {
            "drawn": data_uri(drawn.pictures[place]),
            "real": data_uri(drawn.asked.real[place]),
            "prompt": drawn.asked.prompts[place],
            "hit": hits[place] if hits else None,
        }
        for place in range(min(count, PAIRS_SHOWN))
    ]
    return {"title": set_name(drawn.asked.name), "tiles": tiles, "count": count, "painted": drawn.asked.painted}


def _copying(figures: Mapping[str, Figure]) -> Markup:
    rows = []
    for name in COPYING:
        rows.append(Row(about(name).title, figures.get(name), small=about(name).asks))
        by_asked = [(key, figure) for key, figure in figures.items() if key.startswith(f"{name}/")]
        rows += [Row("", figure, small=f"asked for {set_name(parsed(key)[2])}") for key, figure in by_asked]
        if real := figures.get(f"{name}_real"):
            rows.append(Row("", real, small="unseen real pictures"))
    return chart(rows, axis_for(_there(rows), (0.0, 0.02), share=True), [Mark(BY_CHANCE, "1%: by chance")])


def _distances(evaluation: Evaluation) -> dict[str, Any] | None:
    """How near drawn pictures come to training pictures, beside how near unseen real ones do."""
    copies = evaluation.copies
    if copies is None:
        return None
    samples = {"real": copies.held_out, "drawn": copies.generated}
    farthest = float(max(copies.held_out.max(), copies.generated.max()))
    drawing = charts.curves(
        samples,
        label="distance to the nearest training picture",
        within=(0, farthest),
        mark=(copies.threshold, "nearer is suspicious"),
    )
    return {
        "drawing": drawing,
        "held_out": len(copies.held_out),
        "drawn": len(copies.generated),
        "threshold": f"{copies.threshold:.3g}",
        "encoder": copies.rate.encoder,
        "training": copies.rate.n_real,
    }


def _closest(evaluation: Evaluation) -> list[dict[str, Any]]:
    """The nearest pairs: a drawn picture, the training picture, what was asked and what that one is called."""
    copies = evaluation.copies
    if copies is None:
        return []
    pictures = np.concatenate([each.pictures for each in evaluation.drawn])
    prompts = [prompt for each in evaluation.drawn for prompt in each.asked.prompts]
    reference = evaluation.reference
    train = reference.collection.splits["train"]
    return [
        {
            "drawn": data_uri(pictures[pair.generated]),
            "real": data_uri(reference.train_pictures[pair.training]),
            "prompt": prompts[pair.generated],
            "caption": next(iter(train.captions[pair.training]), ""),
            "file_name": train.file_names[pair.training],
            "distance": f"{pair.distance:.3g}",
            "near": pair.distance < copies.threshold,
        }
        for pair in copies.closest
    ]


def _table(figures: Sequence[Figure]) -> list[dict[str, str]]:
    """All figures, a row each."""
    return [
        {
            "title": title(figure.name),
            "name": figure.name,
            "anchor": about(figure.name).anchor,
            "value": value_text(figure, about(figure.name)),
            "interval": interval_text(figure, about(figure.name)) if math.isfinite(figure.value) else "",
            "count": count_text(figure),
            "encoder": figure.encoder,
            "seeds": figure.seeds,
        }
        for figure in figures
    ]


def _compared(row: Mapping[str, Any], models: Sequence[str], tables: Sequence[Mapping[str, Figure]]) -> Panel:
    """A figure of all models on one axis, with what bounds it."""
    name = str(row["name"])
    kind = about(name)
    rows = [Row(model, table[name]) for model, table in zip(models, tables, strict=True)] + _bounds(name, tables[0])
    axis: Axis = SHARES if kind.share else axis_for(_there(rows))
    if kind.anchor == "copies":
        axis = axis_for(_there(rows), (0.0, 0.02), share=True)
    marks = {"r_precision": [GUESSING], "auc": [Mark(GUESS, "a guess")]}.get(parsed(name)[0], [])
    asks = "; ".join(part for part in (kind.asks.capitalize(), kind.best) if part)
    return Panel(title(name), kind.anchor, asks and f"{asks}.", chart(rows, axis, marks), str(row["verdict"]))


def _bounds(name: str, table: Mapping[str, Figure]) -> list[Row]:
    """The same figure of real pictures and of a search, where they were measured."""
    labels: dict[Source, str] = {"retrieval": "search", "real": "real pictures"}
    return [
        Row(labels[source], figure, source)
        for source in labels
        for other, figure in table.items()
        if parsed(other) == (parsed(name)[0], source, parsed(name)[2])
    ]


def _side_by_side(sets: Sequence[Drawn]) -> dict[str, Any]:
    """The pictures that all models drew for the same prompts, and the real ones."""
    asked = sets[0].asked
    rows = [
        {
            "prompt": asked.prompts[place],
            "pictures": [data_uri(drawn.pictures[place]) for drawn in sets],
            "real": data_uri(asked.real[place]),
        }
        for place in range(min(len(asked), PROMPTS_COMPARED))
    ]
    return {"title": set_name(asked.name), "rows": rows, "count": len(asked)}
