"""`mindseye evaluate` and `mindseye compare`: how good models are, in figures that can be trusted."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from mindseye.cli import console
from mindseye.errors import BadInput

Budget = Annotated[float, typer.Option(min=1, help="Seconds to draw; more pictures make narrower intervals.")]
Page = Annotated[Path | None, typer.Option(help="Write the report as an HTML page, e.g. evaluation.html.")]


def evaluate(
    model: Annotated[
        str | None, typer.Argument(help="A shipped model's name, a folder, a run, or a diffusers pipeline.")
    ] = None,
    collection: Annotated[str | None, typer.Argument(help="The collection that it was trained on.")] = None,
    budget: Budget = 120.0,
    recall: Annotated[
        str | None, typer.Option(metavar="COLLECTION", help="Measure the hashers of search on a collection instead.")
    ] = None,
    bits: Annotated[str, typer.Option(help="With --recall: widths of codes, e.g. 32,64.")] = "16,32,64,128",
    hashers: Annotated[str, typer.Option(help="With --recall: e.g. cca_itq,lemon. All but vtph unless given.")] = "",
    seeds: Annotated[int, typer.Option(min=1, help="With --recall: fits of each hasher.")] = 3,
    out: Page = None,
    as_json: console.Json = False,
) -> None:
    """Measure a model, or with --recall the hashers that search can use.

    Of a model: quality, variety, whether it draws what is asked for, and whether it copies. Every figure has a 95 %
    interval. Of hashers: how well words find pictures and pictures words; with --out the tables and every single figure
    are written beside the page, as .md and .jsonl.
    """
    if recall is not None:
        _evaluate_recall(recall, bits, hashers, seeds, out, as_json)
        return
    if model is None or collection is None:
        raise BadInput(
            "nothing was named to evaluate", next_step="name a model and a collection, or --recall and a collection"
        )
    from mindseye.report.evaluate import evaluate as evaluate_model

    result = evaluate_model(model, collection, budget=budget, page=out, log=console.say)
    page = {"page": str(out)} if out else {}
    console.answer({**result.facts, **page}, summary(result.facts), as_json=as_json)
    if out:
        console.say(f"report: {out}")


def _evaluate_recall(collection: str, bits: str, hashers: str, seeds: int, out: Path | None, as_json: bool) -> None:
    from mindseye.report.recall import evaluate_recall
    from mindseye.report.recall_page import HEADS, said, table, theme_sentence

    try:
        widths = [int(width) for width in _listed(bits)]
    except ValueError:
        raise BadInput(f"--bits {bits!r} is no list of numbers", next_step="write them with commas: 32,64") from None
    if not widths:
        raise BadInput("--bits names no width", next_step="write them with commas: 32,64")
    found = evaluate_recall(collection, hashers=_listed(hashers), bits=widths, seeds=seeds, page=out, log=console.say)
    page = {"page": str(out)} if out else {}
    text = "\n".join(
        [console.table(HEADS, table(found.facts)), said(found.facts), theme_sentence(found.facts["theme"])]
    )
    console.answer({**found.facts, **page}, text, as_json=as_json)
    if out:
        console.say(f"report: {out}")


def _listed(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def compare(
    models: Annotated[list[str], typer.Argument(help="Two or more models.")],
    collection: Annotated[
        str | None, typer.Option(help="The collection that they were trained on.  [default: the first model's own]")
    ] = None,
    budget: Budget = 120.0,
    out: Page = None,
    as_json: console.Json = False,
) -> None:
    """Put models side by side on the same prompts and seeds.

    Where two intervals overlap there is no difference that can be relied on, and it is said so.
    """
    from mindseye.cli.origins import collections_of
    from mindseye.report.compare import compare as compare_models

    if len(models) < 2:
        raise BadInput("one model cannot be compared", next_step="name two or more")
    collection = collection or next(iter(collections_of(models[:1])), None)
    if collection is None:
        raise BadInput(
            f"{models[0]} does not say where the pictures are that it was trained on",
            next_step="name them: --collection FOLDER",
        )
    result = compare_models(models, collection, budget=budget, page=out, log=console.say)
    rows = [[row["name"], *row["values"], row["verdict"]] for row in result["rows"]]
    table = console.table(["figure", *result["models"], ""], rows)
    text = "\n".join([table, f"judge: {result['judge']}", *(f"note: {note}" for note in result["notes"])])
    page = {"page": str(out)} if out else {}
    console.answer({**result, **page}, text, as_json=as_json)
    if out:
        console.say(f"report: {out}")


def summary(facts: dict[str, Any]) -> str:
    """The figures in a table.

    Args:
        facts: of an evaluation.
    """
    rows = [
        [
            figure["name"],
            f"{figure['value']:.4g}",
            f"{figure['low']:.4g} to {figure['high']:.4g}",
            f"{figure['n_real'] or ''}",
            f"{figure['n_generated']}",
            figure["encoder"],
        ]
        for figure in facts["figures"]
        if figure["value"] is not None
    ]
    table = console.table(["figure", "value", "95 % interval", "real", "drawn", "measured with"], rows)
    return "\n".join([table, f"judge: {facts['judge']}", *(f"note: {note}" for note in facts["notes"])])
