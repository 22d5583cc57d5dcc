"""Do corrections work, in other words too, and does the rest stay? Sets in the manner of TIMED, made of known things.

    python benchmarks/correct.py emoji --out bench                         the shipped model; the same command goes on
    python benchmarks/correct.py my_run --world shapes --out bench         a model of the shapes, judged exactly
    python benchmarks/correct.py emoji --together 1 5 10 25 --out bench    so many edits in force at once
    python benchmarks/correct.py my_pipeline --world timed --table-file TIMED_test_set.csv --clip my_clip --out bench
    python benchmarks/correct.py my_pipeline --world biases --table-file TIMED_gender_test_set.csv --clip my_clip ...
    python benchmarks/correct.py --out bench --table                       Markdown of what is there

A row is the model as it is asked for the sources (baseline) or for the destinations (oracle), or corrected by a method.
Shares of pictures: efficacy (the source), generality (other words for it), specificity (other things), and F1, the
geometric mean of the last two, as in ReFACT; and KID of pictures for captions that are about no edit, against the real
pictures of those captions. Single edits take turns at those captions. Published sets have CLIPScore of other things in
its place. Cases that a method cannot do (TIME where a destination does not say what its source says) are left out of
its row, which says how many. Professions with a bias are measured by their skew (`biases.py`).

A row is a cell: a folder of its own under --out, done in a process of its own, one JSON line when it is done. A row
that is there is not done again.
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

import biases
from cells import each_in_its_own_process, gather, is_done, write_json
from corrections import (
    BIASES,
    TABLES,
    WORLDS,
    Change,
    Clip,
    Judge,
    Model,
    Pictures,
    cases,
    judge_of,
    unrelated,
)
from mindseye.collection.opening import open_collection
from mindseye.correct.beliefs import EFFICACY, GENERALITY, SPECIFICITY, Probe, share
from mindseye.correct.changes import METHODS
from mindseye.correct.tables import Case
from mindseye.errors import BadInput
from mindseye.observe.pictures import load_picture_encoder
from mindseye.randomness import rng_at
from mindseye.think.distribution import kid
from mindseye.think.figure import Figure, block_numbers, bootstrap_interval, resampled, seeds_text
from record import circumstances, say

BASELINE, ORACLE = "baseline", "oracle"
FIRST_UNRELATED_SEED = 1_000_000
CLIP_SCORE = "clip_score"
FIGURES = (EFFICACY, GENERALITY, SPECIFICITY, "f1")


@dataclass(frozen=True)
class Cell:
    """A row.

    Attributes:
        model: a shipped model's name, a folder, or a pipeline.
        world: the set.
        split: of it, "test" or "validation".
        row: `BASELINE`, `ORACLE` or a method.
        together: how many edits are in force at once; 0 where each is alone.
        cases: how many of the set, or as many as there are.
        seeds: pictures a prompt.
        steps: of sampling; the model's own where None.
        unrelated: captions for KID, at most; 0 for none.
        collection: with the real pictures for KID, where it is not the one that the set is named after.
        table_file, clip: of a published set, and who judges it; "" for the others.
    """

    model: str
    world: str
    split: str
    row: str
    together: int
    cases: int
    seeds: int
    steps: int | None
    unrelated: int
    collection: str = ""
    table_file: str = ""
    clip: str = ""

    @property
    def folder_name(self) -> str:
        steps = f"{self.steps}steps" if self.steps else "own-steps"
        about = [Path(self.model).name, self.world, self.split, f"{self.cases}cases", f"{self.seeds}seeds", steps]
        about += [f"{self.unrelated}unrelated", self.row]
        return "-".join([*about, f"{self.together}together"] if self.together else about)


# --------------------------------------------------------------------------------------------------- cells


def run(cell: Cell, out: Path) -> None:
    """Draws and judges one row, and prints it."""
    every = cases(cell.world, cell.split, Path(cell.table_file) if cell.table_file else None)[: cell.cases]
    model = Model(cell.model, cell.steps)
    judge, who = judge_of(cell.world, Path(cell.clip) if cell.clip else None)
    told = {**asdict(cell), "judge": who, "refused": "", "seconds": None, "share_of_weights": None, "skipped": 0}
    try:
        fit, changes, told["skipped"] = corrected(cell, model, every, judge)
        if cell.world == BIASES:
            told["figures"] = biases.measured(model, fit, changes, judge, cell.seeds, cell.split)
        else:
            told["figures"] = measured(cell, model, every, fit, changes, judge, who)
        if made := [change for change in changes if change]:
            told["seconds"] = round(float(np.median([change.seconds for change in made])), 4)
            told["share_of_weights"] = round(made[0].share_of_weights, 6)
    except BadInput as refused:
        told |= {"refused": refused.what, "figures": {"refused": True}}
    told |= {"cases": len(every), **circumstances()}
    folder = out / cell.folder_name
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / "row.json", told)
    print(json.dumps(told, ensure_ascii=False), flush=True)


def corrected(cell: Cell, model: Model, every: Sequence[Any], judge: Any) -> tuple[list[Any], list[Any], int]:
    """The cases that the row's method can do, its changes for them, and how many it cannot do. A row without a method
    has all cases and no changes.

    Raises:
        BadInput: it can do none of them.
    """
    if cell.row in (BASELINE, ORACLE):
        return list(every), [None] * len(every) if cell.world == BIASES else [], 0
    fit, changes, last = [], [], None
    asked = every[: cell.together or None]
    for case in asked:
        try:
            if cell.world == BIASES:
                changes.append(biases.change_of(model, cell.row, case, judge))
            else:
                changes.append(model.change(cell.row, case.source, case.destination))
            fit.append(case)
        except BadInput as refused:  # TIME where a destination does not say what its source says
            last = refused
    if last and not fit:
        raise last
    return fit, changes, len(asked) - len(fit)


def measured(
    cell: Cell, model: Model, every: Sequence[Case], fit: Sequence[Case], changes: Sequence[Change], judge: Judge,
    who: str,
) -> dict[str, Any]:  # fmt: skip
    """The figures of a row, over the cases that fit its method; no caption for KID is about any of them all."""
    in_force = fit[: cell.together or None]
    about = {case.source for case in in_force} if cell.together else set()  # what one is about is no other thing
    asked = [
        (place, probe, oracle if cell.row == ORACLE else probe.prompt)
        for place, case in enumerate(in_force)
        for probe, oracle in zip(case.probes, case.oracles, strict=True)
        if probe.kind != SPECIFICITY or probe.prompt not in about
    ]
    probes = [probe for _, probe, _ in asked]
    if not any(probe.kind == SPECIFICITY for probe in probes):
        raise BadInput(f"{cell.together} edits leave nothing of the set that is about no edit")
    rows = [(prompt, place) for place, _, prompt in asked]
    pictures = drawn(model, rows, range(cell.seeds), changes, together=bool(cell.together))
    hits = judge(pictures, [probe for probe in probes for _ in range(cell.seeds)])
    found = shares_of(probes, hits, cell.seeds, who)
    if isinstance(judge, Clip):
        found[CLIP_SCORE] = score_of(judge, probes, pictures, cell.seeds)
    if cell.unrelated and cell.world not in TABLES and (changes or not cell.together):
        found["kid"] = kid_of_unrelated(cell, model, every, changes)
    return found


def drawn(
    model: Model, rows: Sequence[tuple[str, int]], seeds: Sequence[int], changes: Sequence[Change], *, together: bool
) -> Pictures:
    """A picture a prompt and seed: with all changes, or each prompt with the change of its own case.

    Args:
        rows: (prompt, number of its case).
    """
    if together or not changes:
        prompts = [prompt for prompt, _ in rows for _ in seeds]
        return model.draw(prompts, list(seeds) * len(rows), changes)
    pictures: list[Pictures] = []
    for place, change in enumerate(changes):
        own = [prompt for prompt, case in rows if case == place]
        if own:
            prompts = [prompt for prompt in own for _ in seeds]
            pictures.append(model.draw(prompts, list(seeds) * len(own), [change]))
    return np.concatenate(pictures)  # the rows are in the order of their cases


def shares_of(probes: Sequence[Probe], hits: np.ndarray, seeds: int, who: str) -> dict[str, Any]:
    """The three shares with their intervals, pictures of one prompt belonging together, and F1."""
    found: dict[str, Any] = {}
    for kind in (EFFICACY, GENERALITY, SPECIFICITY):
        rows = [place for place, probe in enumerate(probes) if probe.kind == kind]
        own = hits.reshape(-1, seeds)[rows].ravel()
        prompts = [probes[row].prompt for row in rows for _ in range(seeds)]
        found[kind] = share(kind, own, prompts, who, seeds_text(range(seeds))).as_json()
    f1 = math.sqrt(found[GENERALITY]["value"] * found[SPECIFICITY]["value"])
    return {**found, "f1": {"name": "f1", "value": f1, "low": None, "high": None, "seeds": found[GENERALITY]["seeds"]}}


def score_of(judge: Clip, probes: Sequence[Probe], pictures: Pictures, seeds: int) -> dict[str, Any]:
    """CLIPScore of the pictures of other things with their own prompts, the mean; an edit is to leave it as it is."""
    places = [place for place in range(len(pictures)) if probes[place // seeds].kind == SPECIFICITY]
    prompts = [probes[place // seeds].prompt for place in places]
    scores = judge.score(pictures[places], prompts)
    weights = resampled(block_numbers(prompts, len(prompts)), 0, CLIP_SCORE)
    ends = bootstrap_interval(weights @ scores / weights.sum(1), (0, 100))
    return Figure(CLIP_SCORE, float(scores.mean()), *ends, 0, len(prompts), "CLIP", seeds_text(range(seeds))).as_json()


def kid_of_unrelated(cell: Cell, model: Model, every: Sequence[Case], changes: Sequence[Change]) -> dict[str, Any]:
    """KID between pictures for captions that no edit of the set is about and the real pictures of these captions."""
    collection = open_collection(cell.collection or cell.world.partition("-")[0])
    split = collection.splits["validation"]
    captions = [texts[0] if texts else "" for texts in split.captions]
    free = [row for row in unrelated(captions, every) if captions[row]]
    rows = [free[place] for place in rng_at(0, "unrelated captions").permutation(len(free))[: cell.unrelated]]
    turns = len(changes) or len(every)
    in_turn = sorted(range(len(rows)), key=lambda place: place % turns)  # in the order of the cases
    asked = [(captions[rows[place]], place % turns) for place in in_turn]
    seeds = [FIRST_UNRELATED_SEED]
    pictures = drawn(model, asked, seeds, changes, together=bool(cell.together))
    encoder, info = load_picture_encoder(), collection.info
    form = pictures.shape[1], 4 if info["transparent"] else 3, info["pixel_art"]
    real = split.arrays(*form, rows=[rows[place] for place in in_turn])
    features = [encoder.encode(some).pooled for some in (real, pictures)]
    return kid(*features, encoder=encoder.name, seeds=str(FIRST_UNRELATED_SEED)).as_json()


# --------------------------------------------------------------------------------------------------- table


def table(rows: Sequence[dict[str, Any]]) -> str:
    """Markdown: for each model and set a table of single edits, and one of edits in force at once."""
    groups = list(dict.fromkeys(map(set_of, rows)))
    parts = []
    for group in groups:
        mine = [row for row in rows if set_of(row) == group]
        alone = [row for row in mine if not row["together"]]
        at_once = sorted((row for row in mine if row["together"]), key=lambda row: row["together"])
        parts += [f"### {', '.join(map(str, group))}"]
        if group[1] == BIASES:
            parts += [biases.lines(alone)]
            continue
        parts += [lines(alone, lambda row: row["row"])] if alone else []
        parts += [lines(at_once, lambda row: f"{row['row']}, {row['together']} together")] if at_once else []
    return "\n\n".join(parts) if parts else "There is nothing yet."


def set_of(row: dict[str, Any]) -> tuple[str, str, str, str]:
    return (
        Path(row["model"]).name,
        row["world"],
        row["split"],
        f"{row['cases']} cases, {row['seeds']} pictures a prompt",
    )


def lines(rows: Sequence[dict[str, Any]], named: Callable[[dict[str, Any]], str]) -> str:
    """A line a row, unedited ones first; F1 also as a share of the oracle's."""
    order = [BASELINE, ORACLE, *METHODS]
    rows = sorted(rows, key=lambda row: order.index(row["row"]))
    others = "CLIPScore, others" if any(CLIP_SCORE in row["figures"] for row in rows) else "KID, unrelated"
    heads = ["", *FIGURES, "of the oracle's F1", others, "seconds, median", "weights", "cases left out"]
    out = [f"| {' | '.join(heads)} |", f"|{' --- |' * len(heads)}"]
    for row in rows:
        figures = row["figures"]
        if row["refused"]:
            out.append(f"| {named(row)} | {row['refused']} |{' |' * (len(heads) - 2)}")
            continue
        same = [each["figures"] for each in rows if (each["row"], each["together"]) == (ORACLE, row["together"])]
        oracle = same[0]["f1"] if same else None
        values = [shown(figures.get(name)) for name in FIGURES]
        values += [f"{figures['f1']['value'] / oracle['value']:.2f}" if oracle and oracle["value"] else "-"]
        values += [shown(figures.get(CLIP_SCORE), 1) if CLIP_SCORE in figures else shown(figures.get("kid"), 3)]
        values += [f"{row['seconds']:.3g}" if row["seconds"] is not None else ""]
        values += [f"{row['share_of_weights']:.2%}" if row["share_of_weights"] else ""]
        values += [str(row.get("skipped") or "")]
        out.append(f"| {' | '.join([named(row), *values])} |")
    judges = "; ".join(sorted({row["judge"] for row in rows}))
    machines = "; ".join(sorted({f"{row['processor']}, {row['cores']} cores, {row['date'][:10]}" for row in rows}))
    return "\n".join([*out, "", f"Judged by {judges}; in brackets the 95 % interval, and n. {machines}."])


def shown(figure: dict[str, Any] | None, digits: int = 2) -> str:
    if figure is None:
        return "-"
    value, *ends = (f"{figure[name]:.{digits}f}" for name in ("value", "low", "high") if figure[name] is not None)
    return f"{value} ({' to '.join(ends)}; {figure['n_generated']})" if ends else value


# ---------------------------------------------------------------------------------------------------- main


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", nargs="?", help="a shipped model's name, a folder, a run, or a pipeline")
    parser.add_argument("--world", choices=WORLDS, default="emoji")
    parser.add_argument("--split", choices=("test", "validation"), default="test")
    parser.add_argument("--methods", nargs="*", choices=METHODS, default=METHODS)
    parser.add_argument("--cases", type=int, default=25, help="how many of the set [25]")
    parser.add_argument("--seeds", type=int, default=1, help="pictures a prompt [1]")
    parser.add_argument("--steps", type=int, help="sampling steps; the model's own unless given")
    parser.add_argument("--unrelated", type=int, default=100, help="captions for KID, 0 for none [100]")
    parser.add_argument("--collection", default="", help="with the real pictures for KID [named as the world]")
    parser.add_argument("--together", type=int, nargs="+", default=[], help="numbers of edits in force at once")
    parser.add_argument("--table-file", default="", help="the CSV of timed, road or biases")
    parser.add_argument("--clip", default="", help="folder of the CLIP model that judges timed, road or biases")
    parser.add_argument("--out", type=Path, required=True, help="folder for everything")
    parser.add_argument("--table", action="store_true", help="print Markdown of what is there, and end")
    parser.add_argument("--cell", help=argparse.SUPPRESS)  # one cell, as JSON
    asked = parser.parse_args()
    if asked.cell:
        run(Cell(**json.loads(asked.cell)), asked.out)
    elif asked.table:
        print(table(gather(asked.out)))
    elif asked.model:
        compare(asked)
    else:
        parser.error("name a model, or --table")


def compare(asked: argparse.Namespace) -> None:
    """Every row that is not there yet, the unedited ones first."""
    cell = Cell(
        asked.model, asked.world, asked.split, BASELINE, 0, asked.cases, asked.seeds, asked.steps, asked.unrelated,
        asked.collection, asked.table_file, asked.clip,
    )  # fmt: skip
    rows = (BASELINE, *asked.methods, biases.EVENED) if asked.world == BIASES else (BASELINE, ORACLE, *asked.methods)
    every = [replace(cell, row=row, together=count) for row in rows for count in asked.together or [0]]
    todo = {each.folder_name: asdict(each) for each in every if not is_done(asked.out / each.folder_name)}
    say(f"{len(todo)} of {len(every)} rows to do")
    each_in_its_own_process(__file__, todo, asked.out, [])


if __name__ == "__main__":
    main()
