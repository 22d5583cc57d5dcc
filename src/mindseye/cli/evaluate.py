"""`mindseye evaluate` and `mindseye compare`: how good models are, in figures that can be trusted."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer

from mindseye.cli import console
from mindseye.errors import BadInput

Number = TypeVar("Number", int, float)

Budget = Annotated[
    float,
    typer.Option(
        min=1,
        help="Seconds to draw; more pictures make narrower intervals. On two cores 100 prompts of each of the emoji's "
        "sets take some 400.",
    ),
]
Page = Annotated[Path | None, typer.Option(help="Write the report as an HTML page, e.g. evaluation.html.")]


def evaluate(
    named: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="MODEL COLLECTION",
            help="A shipped model's name, a folder, a run, or a diffusers pipeline; and the collection that it was "
            "trained on. With --few-shot: collections.",
        ),
    ] = None,
    budget: Budget = 120.0,
    recall: Annotated[
        str | None, typer.Option(metavar="COLLECTION", help="Measure the hashers of search on a collection instead.")
    ] = None,
    bits: Annotated[str, typer.Option(help="With --recall: widths of codes, e.g. 32,64.")] = "16,32,64,128",
    hashers: Annotated[str, typer.Option(help="With --recall: e.g. cca_itq,lemon. All but vtph unless given.")] = "",
    seeds: Annotated[int, typer.Option(min=1, help="With --recall: fits of each hasher.")] = 3,
    few_shot: Annotated[
        bool,
        typer.Option("--few-shot", help="Measure instead whether imagining helps to recognise new concepts."),
    ] = False,
    ways: Annotated[
        str | None, typer.Option(help="With --few-shot: concepts in an episode.  [default: 5,20; with --imaginer 5]")
    ] = None,
    shots: Annotated[
        str | None,
        typer.Option(help="With --few-shot: pictures shown of each.  [default: 1,2,3,5,10,20; with --imaginer 1,5]"),
    ] = None,
    episodes: Annotated[int, typer.Option(help="With --few-shot: for each way and shot, 30 or more.")] = 60,
    imaginer: Annotated[
        list[str] | None,
        typer.Option(
            metavar="MODEL",
            help="With --few-shot: a model that imagines pictures from pictures, trained on base concepts alone "
            "(`mindseye collect COLLECTION BASE --base-concepts`). May be repeated.",
        ),
    ] = None,
    strengths: Annotated[str, typer.Option(help="With --imaginer: of its imagination; one is chosen.")] = "0.4,0.8",
    out: Page = None,
    as_json: console.Json = False,
) -> None:
    """Measure a model; with --recall the hashers of search; with --few-shot whether imagining helps to recognise.

    Of a model: quality, variety, whether it draws what is asked for, and whether it copies. Every figure has a 95 %
    interval. Of hashers: how well words find pictures and pictures words. Of imagining: ten ways to get extra examples
    of a concept of which a few pictures are shown. For the last two --out also writes the tables and every single
    figure beside the page, as .md and .jsonl.
    """
    if few_shot:
        models = imaginer or []
        asked = {
            "ways": _numbers("--ways", ways or ("5" if models else "5,20"), int),
            "shots": _numbers("--shots", shots or ("1,5" if models else "1,2,3,5,10,20"), int),
            "strengths": _numbers("--strengths", strengths, float),
            "episodes": episodes,
        }
        _evaluate_few_shot(named or [], models, asked, out, as_json)
        return
    if imaginer:
        raise BadInput("--imaginer is for --few-shot", next_step="add --few-shot, or leave it out")
    if recall is not None:
        _evaluate_recall(recall, bits, hashers, seeds, out, as_json)
        return
    if not named or len(named) != 2:
        raise BadInput(
            f"{'too much' if named and len(named) > 2 else 'nothing'} was named to evaluate",
            next_step="name a model and a collection; or --recall and a collection; or --few-shot and collections",
        )
    from mindseye.report.evaluate import evaluate as evaluate_model

    result = evaluate_model(*named, budget=budget, page=out, log=console.say)
    page = {"page": str(out)} if out else {}
    console.answer({**result.facts, **page}, summary(result.facts), as_json=as_json)
    if out:
        console.say(f"report: {out}")


def _evaluate_recall(collection: str, bits: str, hashers: str, seeds: int, out: Path | None, as_json: bool) -> None:
    from mindseye.report.recall import evaluate_recall
    from mindseye.report.recall_page import HEADS, said, table, theme_sentence

    widths = _numbers("--bits", bits, int)
    found = evaluate_recall(collection, hashers=_listed(hashers), bits=widths, seeds=seeds, page=out, log=console.say)
    page = {"page": str(out)} if out else {}
    text = "\n".join(
        [console.table(HEADS, table(found.facts)), said(found.facts), theme_sentence(found.facts["theme"])]
    )
    console.answer({**found.facts, **page}, text, as_json=as_json)
    if out:
        console.say(f"report: {out}")


def _evaluate_few_shot(
    collections: list[str], models: list[str], asked: dict[str, Any], out: Path | None, as_json: bool
) -> None:
    import mindseye
    from mindseye.report.few_shot import evaluate_few_shot
    from mindseye.report.few_shot_page import concept_counts, measured_with, skipped, tables

    if not collections:
        raise BadInput("no collection was named", next_step="name some: mindseye evaluate --few-shot emoji shapes")
    imaginers = [mindseye.load(model) for model in models]
    found = evaluate_few_shot(collections, imaginers=imaginers, **asked, page=out, log=console.say)
    lines = [measured_with(found.facts)]
    for one in found.facts["collections"]:
        lines += ["", f"{one['collection']}: {concept_counts(one)}"]
        for way, heads, rows in tables(one):
            lines += ["", f"{way}-way accuracy", console.table(heads, rows)]
        lines += ["", *(verdict["said"] for verdict in one["verdicts"]), *skipped(one)]
    page = {"page": str(out)} if out else {}
    console.answer({**found.facts, **page}, "\n".join(lines), as_json=as_json)
    if out:
        console.say(f"report: {out}")


def _numbers(option: str, text: str, kind: Callable[[str], Number]) -> list[Number]:
    try:
        numbers = [kind(number) for number in _listed(text)]
    except ValueError:
        raise BadInput(f"{option} {text!r} is no list of numbers", next_step="write them with commas: 5,20") from None
    if not numbers:
        raise BadInput(f"{option} names no number", next_step="write them with commas: 5,20")
    return numbers


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
    from mindseye.report.compare import compare as compare_models
    from mindseye.report.origins import collections_of

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
