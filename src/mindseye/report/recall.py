"""The recall room, measured: every hasher at every width, both ways, with its seeds, beside chance and CCA-ITQ.

A hasher learns from the training split. The queries are the captions and pictures of the held-out splits, and nothing
is chosen by them: what the hashers were set to was chosen on parts of training splits. A picture is ranked by the code
of its pixels, never by its captions. What the seeds change is a hasher's own chance and how ties are settled.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

from mindseye import files
from mindseye.collection.collection import Collection
from mindseye.collection.opening import open_collection
from mindseye.errors import BadInput
from mindseye.observe.pictures import load_picture_encoder
from mindseye.observe.text import load_text_encoder
from mindseye.randomness import rng_at
from mindseye.recall.bits import checked_bits, distances, pack
from mindseye.recall.companions import with_companions
from mindseye.recall.features import PLAIN, VIEWS, collection_features, parts
from mindseye.recall.hashers import FITS, KEPT, READS, SLOW, Hasher, Pairs, encode_pictures
from mindseye.recall.hashers.vtph import LAYOUT
from mindseye.recall.ranking import by_radius
from mindseye.report.forgetting import forgetting
from mindseye.report.neighbourhoods import bucket_figures, theme_figures
from mindseye.report.retrieval import Retrieval, Task, directions, measure_retrieval, retrieval_task

BITS = (16, 32, 64, 128)
SEEDS = 3
BASELINE = "cca_itq"
RESAMPLED = 1000  # times, for an interval over queries
BETTER, WORSE, NO_DIFFERENCE = "better", "worse", "no difference"

Log = Callable[[str], None]


@dataclass(frozen=True)
class Run:
    """One hasher of one width, fitted with one seed.

    Attributes:
        retrieval: two directions by three ways of measuring nearness.
        radius: by direction, precision and recall of looking up everything within 0, 1, ... bits.
        fit_seconds: of the fit, features given.
        encode_microseconds: a picture, from features to code.
    """

    hasher: str
    bits: int
    seed: int
    retrieval: list[Retrieval]
    radius: dict[str, tuple[list[float], list[float]]]
    fit_seconds: float
    encode_microseconds: float

    def lines(self) -> list[dict[str, Any]]:
        """A line a direction and way."""
        about = {
            "seed": self.seed,
            "fit_seconds": round(self.fit_seconds, 2),
            "encode_microseconds": round(self.encode_microseconds, 1),
            "bytes": self.bits // 8,
        }
        return [row.as_json() | about for row in self.retrieval]


@dataclass(frozen=True)
class RecallEvaluation:
    """What was found.

    Attributes:
        facts: plain JSON values: `table` (means over the seeds, each with the least and the most, and a verdict),
            `forgetting`, `theme`, `buckets`, and what all of it was taken from.
        runs: every fit.
    """

    facts: dict[str, Any]
    runs: list[Run]

    def lines(self) -> str:
        """JSON lines: one a fit, direction and way of measuring nearness, and one a step of a forgetting curve."""
        rows = [line for run in self.runs for line in run.lines()] + self.facts["forgetting"]
        return "".join(json.dumps({"collection": self.facts["collection"], **row}) + "\n" for row in rows)


@dataclass(frozen=True)
class Measured:
    """Features of one view: what is to be found, and what hashers learn from."""

    task: Task
    train: Pairs


def evaluate_recall(
    collection: Collection | str | Path,
    *,
    hashers: Sequence[str] = (),
    bits: Sequence[int] = BITS,
    seeds: int = SEEDS,
    page: Path | None = None,
    log: Log = lambda line: None,
) -> RecallEvaluation:
    """Fits hashers on a collection's training split and measures them on the others.

    Args:
        collection: a prepared collection, its folder, or a built-in's name; with captions and a held-out split.
        hashers: names of `FITS`; all but the `SLOW` ones unless given. Chance (`random`) and `cca_itq` always are.
        bits: widths of codes.
        seeds: how many fits of each, with the seeds 0, 1, ...
        page: where to write the report as HTML; the same name with `.jsonl` and `.md` holds lines and tables.
        log: called with a line of text now and then.

    Raises:
        BadInput: there is no such hasher, width or collection, or it has no captioned held-out pictures.
        Unavailable: an encoder is missing, or the disk refuses.
    """
    names = hashers_of(hashers)
    for width in bits:
        checked_bits(width)
    if seeds < 1:
        raise BadInput(f"{seeds} seeds cannot be measured", next_step="use 1 or more; 3 show how much chance there is")
    opened = collection if isinstance(collection, Collection) else open_collection(collection)
    views = {
        view: Measured(retrieval_task(opened, features), features["train"])
        for view, features in features_of(opened, {READS.get(name, PLAIN) for name in names}, log)
    }
    evaluation = measure_all(opened.name, views, names, bits, seeds, log)
    if page:
        from mindseye.report.recall_page import markdown, render

        for path, text in (
            (page, render(evaluation)),
            (page.with_suffix(".jsonl"), evaluation.lines()),
            (page.with_suffix(".md"), markdown(evaluation.facts)),
        ):
            files.write_text(path, text)
    return evaluation


def features_of(collection: Collection, reads: Set[str], log: Log) -> Iterator[tuple[str, dict[str, Pairs]]]:
    """The features, by split, for each of the values of `READS` and "plain" that is asked for."""
    encoders = load_text_encoder(), load_picture_encoder()
    for view in dict.fromkeys(VIEWS[name] for name in sorted(reads)):
        features = collection_features(collection, *encoders, log, view)
        for name in sorted(name for name in reads if VIEWS[name] is view):
            paired = name == "own pictures"
            yield name, with_companions(features, LAYOUT, paired=paired) if view is parts else features


def measure_all(
    name: str, views: Mapping[str, Measured], hashers: Sequence[str], bits: Sequence[int], seeds: int, log: Log
) -> RecallEvaluation:
    """The evaluation of features that are there already.

    Args:
        name: of the collection.
        views: `plain` features, and those that `READS` names for the hashers.
        hashers: names of `FITS`, chance and `cca_itq` among them.
        bits, seeds, log: as for `evaluate_recall`.
    """
    task, train = views[PLAIN].task, views[PLAIN].train
    runs, skipped = [], {}
    for hasher in hashers:
        view = views[READS.get(hasher, PLAIN)]
        for width in bits:
            for seed in range(seeds):
                try:
                    runs.append(measured(view.task, view.train, hasher, width, seed))
                except BadInput as refusal:
                    skipped[hasher, width] = str(refusal)
                    break
                log(_said(runs[-1]))
    fitted = sorted({run.bits for run in runs if run.hasher == BASELINE})
    if not fitted:
        raise BadInput(
            f"{BASELINE} cannot be fitted at any of {', '.join(map(str, bits))} bits",
            why=skipped[BASELINE, bits[0]].splitlines()[0],
            next_step="use fewer bits",
        )
    width = 64 if 64 in fitted else fitted[-1]
    facts = {
        "collection": name,
        "queries": int(task.held_out.sum()),
        "labelled": runs[0].retrieval[0].labelled,
        "database": runs[0].retrieval[0].database,
        "gallery": runs[0].retrieval[0].gallery,
        "labels": task.labelled_by,
        "seeds": seeds,
        "bits": list(bits),
        "table": summarised(runs),
        "skipped": [{"hasher": hasher, "bits": width, "why": why} for (hasher, width), why in skipped.items()],
        "forgetting": [
            row
            for hasher in hashers
            if hasher in KEPT and (hasher, width) not in skipped
            for view in [views[READS.get(hasher, PLAIN)]]
            for row in forgetting(view.task, view.train, hasher, width, log)
        ],
        "theme": theme_figures(task, train, width),
        "buckets": bucket_figures(task, train, fitted) if "ecc_snap" in hashers else [],
    }
    return RecallEvaluation(facts, runs)


def measured(task: Task, train: Pairs, name: str, bits: int, seed: int) -> Run:
    """One fit and all its figures."""
    began = time.perf_counter()
    hasher: Hasher = FITS[name](train, bits, seed)
    fitted = time.perf_counter()
    encode_pictures(hasher, task.pictures)
    encoded = time.perf_counter()
    return Run(
        hasher=name,
        bits=bits,
        seed=seed,
        retrieval=list(measure_retrieval(task, hasher, seed)),
        radius=_radius(task, hasher),
        fit_seconds=fitted - began,
        encode_microseconds=1e6 * (encoded - fitted) / len(task.pictures),
    )


def summarised(runs: Sequence[Run]) -> list[dict[str, Any]]:
    """A row a hasher, width, direction and way: means over the seeds with the least and the most.

    The verdict is against `cca_itq` of the same width: by the codes' average precision of every query, a mean over the
    seeds, "better" or "worse" where the interval (95 %) of the mean difference over resampled queries is on one side.
    """
    keys = list(dict.fromkeys((run.hasher, run.bits) for run in runs))
    fits = {key: [run for run in runs if (run.hasher, run.bits) == key] for key in keys}
    rows = []
    for (hasher, bits), own in fits.items():
        for place, first in enumerate(own[0].retrieval):
            each = [run.retrieval[place] for run in own]
            theirs = [run.retrieval[place] for run in fits.get((BASELINE, bits), [])]
            difference = None if hasher == BASELINE else _difference(each, theirs)
            rows.append(
                {
                    "hasher": hasher,
                    "bits": bits,
                    "direction": first.direction,
                    "nearness": first.nearness,
                    "map_all": _spread([row.map_all for row in each]),
                    "map_first": _spread([row.map_first for row in each]),
                    "recall": [_spread([row.recall[k] for row in each]) for k in range(len(first.recall))],
                    "fit_seconds": round(float(np.mean([run.fit_seconds for run in own])), 2),
                    "encode_microseconds": round(float(np.mean([run.encode_microseconds for run in own])), 1),
                    "bytes": bits // 8,
                    "difference": difference,
                    "verdict": _verdict(difference),
                }
            )
    return rows


def _difference(each: Sequence[Retrieval], theirs: Sequence[Retrieval]) -> list[float] | None:
    """Mean, low and high of mAP@all minus the baseline's, over queries drawn again and again."""
    if not theirs:
        return None
    apart: NDArray[np.float64] = np.mean([row.precisions for row in each], axis=0)
    apart = apart - np.mean([row.precisions for row in theirs], axis=0)
    apart = apart[np.isfinite(apart)]
    rng = rng_at(0, "resampled queries")
    means = [apart[rng.integers(0, len(apart), len(apart))].mean() for _ in range(RESAMPLED)]
    return [round(float(value), 4) for value in (apart.mean(), *np.quantile(means, (0.025, 0.975)))]


def _verdict(difference: list[float] | None) -> str:
    if difference is None:
        return ""
    _, low, high = difference
    return BETTER if low > 0 else WORSE if high < 0 else NO_DIFFERENCE


def _spread(values: Sequence[float]) -> list[float]:
    return [round(float(value), 4) for value in (np.mean(values), min(values), max(values))]


def _radius(task: Task, hasher: Hasher) -> dict[str, tuple[list[float], list[float]]]:
    found = {}
    for direction, queries, rows in directions(task, hasher):
        among = ~task.held_out
        apart = distances(pack(queries), pack(rows[among]))
        precision, recall = by_radius(task.same_label[:, among], apart, hasher.bits)
        found[direction] = (_rounded(precision), _rounded(recall))
    return found


def _rounded(values: Float[np.ndarray, "radius"]) -> list[float]:
    return [round(float(value), 4) for value in values]


def hashers_of(asked: Sequence[str]) -> list[str]:
    """The hashers that are measured: chance, `cca_itq` and those asked for, or all but the slow ones.

    Raises:
        BadInput: there is no such hasher.
    """
    unknown = [name for name in asked if name not in FITS]
    if unknown:
        raise BadInput(f"there is no hasher {unknown[0]!r}", next_step=f"use {', '.join(FITS)}")
    chosen = asked or [name for name in FITS if name not in SLOW]
    return [name for name in FITS if name in (*chosen, "random", BASELINE)]


def _said(run: Run) -> str:
    by_code = {row.direction: row.map_all for row in run.retrieval if row.nearness == "binary"}
    figures = ", ".join(f"{direction} {value:.3f}" for direction, value in by_code.items())
    return f"{run.hasher}, {run.bits} bits, seed {run.seed}: mAP@all by codes {figures} ({run.fit_seconds:.1f} s)"
