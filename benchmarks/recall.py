"""How well words find pictures and pictures find words, by floats and by codes, and how fast.

    MINDSEYE_BENCH_DATA=data python benchmarks/recall.py emoji crawl_tiles open_clip_art > recall.jsonl
    python benchmarks/recall.py --table < recall.jsonl
    MINDSEYE_BENCH_DATA=data python benchmarks/recall.py --speed open_clip_art > recall_speed.jsonl

Hashers are fitted on the training split; the queries are the captions and pictures of the held-out splits. Each line
has mAP@all beside that of random codes (`peer`: what chance gives), and mAP@50, R@1, R@5, R@10 and what they were taken
from. `mindseye.report.retrieval` says what is relevant to what.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import mindseye
from mindseye.collection.builtin import BUILTIN
from mindseye.collection.collection import Collection
from mindseye.collection.opening import open_collection
from mindseye.files import cache_folder
from mindseye.observe.pictures import load_picture_encoder
from mindseye.observe.text import load_text_encoder
from mindseye.recall.features import collection_features
from mindseye.recall.hashers import FITS
from mindseye.recall.index import FaissIndex, NumpyIndex
from mindseye.recall.search import Found, open_searcher
from mindseye.report.retrieval import measure_retrieval, retrieval_task
from record import print_figure, say

BITS = (16, 32, 64, 128)
CHANCE = "random"
HASHERS = (CHANCE, "sign_projection", "cca_itq")  # `mindseye evaluate --recall` measures all of them
QUERIES = 100  # of each timing
CODES = 1_000_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("collections", nargs="*", help="a built-in's name, or a folder in MINDSEYE_BENCH_DATA")
    parser.add_argument("--speed", action="store_true", help="milliseconds a query instead")
    parser.add_argument("--table", action="store_true", help="read lines from standard input and print Markdown")
    asked = parser.parse_args()
    if asked.table:
        print(table([json.loads(line) for line in sys.stdin]))
        return
    for name in asked.collections:
        collection = opened(name)
        say(f"{collection}")
        speed(collection) if asked.speed else quality(collection)
    if asked.speed:
        speed_of_indexes()


def opened(name: str) -> Collection:
    """A built-in collection, or one collected from the benchmark data, once."""
    if name in BUILTIN:
        return open_collection(name)
    prepared = cache_folder() / "benchmarks" / name
    if not prepared.is_dir():
        mindseye.collect(str(Path(os.environ["MINDSEYE_BENCH_DATA"]) / name), prepared, log=say)
    return open_collection(prepared)


def quality(collection: Collection) -> None:
    """A line for every hasher, width, direction and way of measuring nearness."""
    features = collection_features(collection, load_text_encoder(), load_picture_encoder(), say)
    task = retrieval_task(collection, features)
    for bits in BITS:
        measured = {name: list(measure_retrieval(task, FITS[name](features["train"], bits))) for name in HASHERS}
        for rows in zip(*measured.values(), strict=True):
            chance = next(row for row in rows if row.hasher == CHANCE)
            for row in rows:
                print_figure(
                    "mAP@all", row.map_all, chance.map_all, "random codes", "share", better="higher",
                    collection=collection.name, labels=task.labelled_by,
                    **{k: v for k, v in row.as_json().items() if k != "map_all"},
                )  # fmt: skip


def speed(collection: Collection) -> None:
    """What a warm search takes: the query's encoder, and everything after it."""
    searcher = open_searcher(collection, say)
    captions = [split.captions[0][0] for split in collection.splits.values()]
    image = collection.splits["train"].image(0)
    kinds: dict[str, Callable[[int], Found]] = {
        "words": lambda turn: searcher.by_words(f"{captions[turn % len(captions)]} {turn}"),
        "picture": lambda turn: searcher.by_picture(image),
    }
    for kind, ask in kinds.items():
        ask(0)
        answers = [ask(turn) for turn in range(QUERIES)]
        for part in ("encode", "search"):
            times = [1000 * getattr(answer, f"{part}_seconds") for answer in answers]
            print_figure(
                f"search by {kind}: {part}", statistics.median(times), None, "", "ms", better="lower",
                collection=collection.name, pictures=len(searcher.index), backend=searcher.index.backend,
                queries=QUERIES, slowest=round(max(times), 2),
            )  # fmt: skip


def speed_of_indexes() -> None:
    """The ten nearest of a million random codes, one query at a time."""
    rng = np.random.default_rng(0)
    for bits in (64, 128):
        codes = rng.integers(0, 256, (CODES, bits // 8), dtype=np.uint8)
        medians = {}
        for make in (FaissIndex, NumpyIndex):
            index = make(bits)
            index.add(np.arange(CODES), codes)
            times = []
            for query in rng.integers(0, 256, (20, 1, bits // 8), dtype=np.uint8):
                began = time.perf_counter()
                index.search(query, 10)
                times.append(1000 * (time.perf_counter() - began))
            medians[make.backend] = statistics.median(times)
        print_figure(
            f"the 10 nearest of 1,000,000 codes of {bits} bits", medians["faiss"], medians["numpy"], "numpy", "ms",
            better="lower", queries=20,
        )  # fmt: skip


def table(lines: list[dict[str, Any]]) -> str:
    """Markdown: a row a collection, direction, hasher and width; mAP@all by float, code, and code then float."""
    ways = ("float", "binary", "binary, re-ranked")
    keys = list(dict.fromkeys((r["collection"], r["direction"], r["hasher"], r["bits"]) for r in lines))
    heads = ["collection", "direction", "hasher", "bits", *(f"mAP@all, {way}" for way in ways), "mAP@50, re-ranked"]
    heads += [*(f"R@1 / 5 / 10, {way}" for way in ways), "queries"]
    out = [f"| {' | '.join(heads)} |", "|" + " --- |" * len(heads)]
    for key in keys:
        rows = {r["nearness"]: r for r in lines if (r["collection"], r["direction"], r["hasher"], r["bits"]) == key}
        maps = [f"{rows[way]['ours']:.3f}" for way in ways]
        recalls = [" / ".join(f"{share:.2f}" for share in rows[way]["recall"]) for way in ways]
        first = f"{rows[ways[2]]['map_first']:.3f}"
        out.append(f"| {' | '.join([*map(str, key), *maps, first, *recalls, str(rows[ways[0]]['queries'])])} |")
    return "\n".join(out)


if __name__ == "__main__":
    main()
