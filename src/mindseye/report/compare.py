"""Models side by side: the same prompts, seeds and judge, and no difference claimed that may be chance."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mindseye import files
from mindseye.collection.collection import Collection
from mindseye.collection.opening import open_collection
from mindseye.imagine.imaginer import Imaginer, load
from mindseye.report.drawn import compared_as, draw_for
from mindseye.report.evaluate import BUDGET_SECONDS, Evaluation, judge_drawn
from mindseye.report.explained import parsed
from mindseye.report.reference import refer
from mindseye.think.figure import Figure
from mindseye.think.likelihood import BOUND, EXACT

COPYING = {"copy_rate", "memorised_rate", "duplicate_rate"}
LIKELIHOOD = {EXACT, BOUND}
LOWER_IS_BETTER = {"kid", "frechet_distance", "auc", "calibration_error"} | COPYING | LIKELIHOOD
NEITHER = {"density", "inception_style_score"}  # more is not better beyond some point, or means little
NO_DIFFERENCE = "no difference"
NOT_COMPARABLE = "not comparable"  # such as bits of pictures that one model writes in fewer colours


@dataclass(frozen=True)
class Compared:
    """A figure of several models.

    Attributes:
        name: of the figure.
        figures: one a model, in their order.
        verdict: which model is better than every other, "no difference", "not comparable" where they were measured in
            different ways, or "" where neither more nor less is better.
    """

    name: str
    figures: tuple[Figure, ...]
    verdict: str


def compare(
    models: Sequence[Imaginer | str | Path],
    collection: Collection | str | Path,
    *,
    budget: float = BUDGET_SECONDS,
    page: Path | None = None,
    log: Callable[[str], None] = lambda line: None,
) -> dict[str, Any]:
    """Draws with each model for `budget` seconds and compares what all of them had time to draw.

    Args:
        models, collection, budget, log: as for `drawn_and_compared`.
        page: where to write the report as one HTML file.

    Returns:
        Plain JSON values: `models` (names), `collection`, `pictures` (how many of each set), `judge`, `notes` (what is
        to be doubted), `rows` ({name, values, figures, verdict} each).

    Raises:
        BadInput: no such model or collection, or a model takes no prompts.
        Unavailable: the page cannot be written.
    """
    result, evaluations = drawn_and_compared(models, collection, budget=budget, log=log)
    if page is not None:
        from mindseye.report.evaluation_page import render_comparison

        files.write_text(page, render_comparison(result, evaluations))
    return result


def drawn_and_compared(
    models: Sequence[Imaginer | str | Path],
    collection: Collection | str | Path,
    *,
    budget: float = BUDGET_SECONDS,
    log: Callable[[str], None] = lambda line: None,
) -> tuple[dict[str, Any], list[Evaluation]]:
    """What `compare` returns, and the evaluations that it was made from, one a model.

    Args:
        models: two or more.
        collection: the one that they were trained on.
        budget: seconds to draw, for each.
        log: called with a line of text now and then.

    Raises:
        BadInput: no such model or collection, or a model takes no prompts.
    """
    imaginers = [model if isinstance(model, Imaginer) else load(model) for model in models]
    if not isinstance(collection, Collection):
        collection = open_collection(collection)
    formats = [compared_as(imaginer, collection) for imaginer in imaginers]
    referred = {each: refer(collection, each, log) for each in dict.fromkeys(formats)}
    references = [referred[each] for each in formats]
    drawn = []
    for imaginer, reference in zip(imaginers, references, strict=True):
        log(f"drawing with {imaginer.name}")
        drawn.append(draw_for(imaginer, reference.sets, budget, log))
    common = [min(len(sets[place].pictures) for sets in drawn) for place in range(len(drawn[0]))]
    evaluations = [
        judge_drawn(reference, [each.first(count) for each, count in zip(sets, common, strict=True)], log, imaginer)
        for imaginer, reference, sets in zip(imaginers, references, drawn, strict=True)
    ]
    names = _distinct([imaginer.name for imaginer in imaginers], models)
    compared = compared_figures(names, evaluations)
    result = {
        "models": names,
        "collection": collection.name,
        "pictures": evaluations[0].facts["pictures"],
        "judge": evaluations[0].facts["judge"],
        "notes": list(dict.fromkeys(note for each in evaluations for note in each.facts["notes"])),
        "rows": [
            {
                "name": row.name,
                "values": [f"{figure.value:.3g} ({figure.low:.3g} to {figure.high:.3g})" for figure in row.figures],
                "figures": [figure.as_json() for figure in row.figures],
                "verdict": row.verdict,
            }
            for row in compared
        ],
    }
    return result, evaluations


def compared_figures(names: Sequence[str], evaluations: Sequence[Evaluation]) -> list[Compared]:
    """The figures that all models have, each with the model that is better than every other beyond its interval."""
    tables = [{figure.name: figure for figure in evaluation.figures} for evaluation in evaluations]
    rows = []
    for name in tables[0]:
        kind, not_of_the_model, _ = parsed(name)
        if not_of_the_model or not all(name in table for table in tables):
            continue
        figures = tuple(table[name] for table in tables)
        sign = -1 if kind in LOWER_IS_BETTER else 1
        best = max(range(len(figures)), key=lambda place: sign * figures[place].value)
        others = [figure for place, figure in enumerate(figures) if place != best]
        if len({figure.encoder for figure in figures}) > 1:
            rows.append(Compared(name, figures, NOT_COMPARABLE))
            continue
        better = all(figures[best].differs_from(other) for other in others)
        verdict = f"{names[best]} is better" if better else NO_DIFFERENCE
        rows.append(Compared(name, figures, "" if kind in NEITHER and better else verdict))
    return rows


def _distinct(names: Sequence[str], models: Sequence[Imaginer | str | Path]) -> list[str]:
    """The models' names, or how they were asked for where two have one name."""
    if len(set(names)) == len(names):
        return list(names)
    return [str(model.path) if isinstance(model, Imaginer) else str(model) for model in models]
