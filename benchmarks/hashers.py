"""Hashers on several collections, fit by fit, for a comparison that takes long: VTPH with three seeds, for instance.

    export MINDSEYE_BENCH_DATA=data
    python benchmarks/hashers.py emoji crawl_tiles open_clip_art --hashers dsph vtph vtph_published --out bench-hashers
    python benchmarks/hashers.py --out bench-hashers --table             Markdown of what is there

What `mindseye evaluate --recall` measures, and by the same functions; chance and `cca_itq`, which every verdict is
against, are always fitted, too. Each fit is one JSON line and a `row.json` in a folder of its own under --out. It is
not done again: the same command goes on where it stopped.
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from cells import gather, is_done, write_json
from mindseye.errors import BadInput
from mindseye.recall.features import PLAIN
from mindseye.recall.hashers import FITS, READS, Pairs
from mindseye.recall.labels import WORDS
from mindseye.report.html import markdown_table
from mindseye.report.recall import Run, features_of, hashers_of, measured, summarised
from mindseye.report.recall_page import HEADS, table
from mindseye.report.retrieval import Retrieval, Task, retrieval_task
from recall import opened
from record import circumstances, say


def fit_all(asked: argparse.Namespace) -> None:
    """Every fit that is not there yet."""
    for name in asked.collections:
        todo = [
            (hasher, bits, seed, folder)
            for bits in asked.bits
            for seed in asked.seeds
            for hasher in hashers_of(asked.hashers)
            if not is_done(folder := asked.out / f"{name}-{hasher}-{bits}bits-seed{seed}")
        ]
        say(f"{name}: {len(todo)} fits to do")
        if not todo:
            continue
        collection = opened(name)
        for view, features in features_of(collection, {READS.get(hasher, PLAIN) for hasher, *_ in todo}, say):
            task = retrieval_task(collection, features)
            for hasher, bits, seed, folder in todo:
                if READS.get(hasher, PLAIN) == view:
                    fit_one(task, features["train"], hasher, bits, seed, folder, name)
        gather(asked.out)


def fit_one(task: Task, train: Pairs, hasher: str, bits: int, seed: int, folder: Path, collection: str) -> None:
    """Fits and measures, and writes it down."""
    try:
        run = measured(task, train, hasher, bits, seed)
    except BadInput as refused:  # e.g. more bits than there are directions
        say(f"{hasher}, {bits} bits: {refused.what}")
        return
    row = {"collection": collection, "labels": task.labelled_by, **as_row(run), **circumstances()}
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / "row.json", row)
    shown = ("collection", "hasher", "bits", "seed", "map_all", "fit_seconds")
    print(json.dumps({key: row[key] for key in shown}), flush=True)


def as_row(run: Run) -> dict[str, Any]:
    """A fit as JSON values; the average precision of a query to which nothing is relevant is None."""
    figures = []
    for each in run.retrieval:
        precisions = [None if math.isnan(value) else value for value in each.precisions.tolist()]
        figures.append({**asdict(each), "precisions": precisions})
    by_code = {each.direction: round(each.map_all, 4) for each in run.retrieval if each.nearness == "binary"}
    return {
        "hasher": run.hasher, "bits": run.bits, "seed": run.seed, "map_all": by_code, "fit_seconds": run.fit_seconds,
        "encode_microseconds": run.encode_microseconds, "radius": run.radius, "figures": figures,
    }  # fmt: skip


def as_run(row: dict[str, Any]) -> Run:
    """The fit of a row."""
    retrieval = [
        Retrieval(**{**each, "recall": tuple(each["recall"]), "precisions": np.array(each["precisions"], float)})
        for each in row["figures"]
    ]
    names = ("hasher", "bits", "seed", "radius", "fit_seconds", "encode_microseconds")
    return Run(retrieval=retrieval, **{name: row[name] for name in names})


def tables(rows: Sequence[dict[str, Any]]) -> str:
    """Markdown: a table a collection, in the order of `FITS`, means over the seeds."""
    parts = []
    for name in dict.fromkeys(row["collection"] for row in rows):
        mine = [row for row in rows if row["collection"] == name]
        mine.sort(key=lambda row: (list(FITS).index(row["hasher"]), row["bits"], row["seed"]))
        runs = [as_run(row) for row in mine]
        one = runs[0].retrieval[0]
        seeds = sorted({run.seed for run in runs})
        labels = " and ".join(sorted({row.get("labels", WORDS) for row in mine}))  # older rows do not say
        said = (
            f"{one.queries} queries, {one.labelled} of them with anything relevant among {one.database}; labels are"
            f" {labels}; seeds {seeds}"
        )
        machines = "; ".join(sorted({f"{row['processor']}, {row['cores']} cores, {row['date'][:10]}" for row in mine}))
        parts += [f"### {name}", f"{said}. {machines}.", markdown_table(HEADS, table({"table": summarised(runs)}))]
    return "\n\n".join(parts) if parts else "There is nothing yet."


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("collections", nargs="*", help="a built-in's name, or a folder in MINDSEYE_BENCH_DATA")
    parser.add_argument("--hashers", nargs="+", default=[], help="of FITS; all but the slow ones unless given")
    parser.add_argument("--bits", nargs="+", type=int, default=[64], help="[64]")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2], help="[0 1 2]")
    parser.add_argument("--out", type=Path, required=True, help="folder for everything")
    parser.add_argument("--table", action="store_true", help="print Markdown of what is there, and end")
    asked = parser.parse_args()
    if asked.table:
        print(tables(gather(asked.out)))
    else:
        fit_all(asked)


if __name__ == "__main__":
    main()
