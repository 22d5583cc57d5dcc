"""What an index of codes costs: beside FAISS called directly, and beside a search by floats that finds as much.

    python benchmarks/indexes.py --codes 1000000 10000000 > indexes.jsonl        ten million take some 12 GB of memory

Vectors of 128 numbers lie near a surface of 16 dimensions, as what networks make of pictures does, and on it around
centres; a query is a vector of the set, moved a little. One query at a time on one thread, as an online search has
them. Two lines for each number of codes:

    codes        the ten nearest codes by `FaissIndex`, and by FAISS's own index: what our exact order of ties costs
    re-ranked    the nearest codes put in order by cosine, as `mindseye search` does, with so many candidates that nine
                 of the ten truly nearest are found; beside it FAISS's inverted lists over the floats themselves, with
                 as many lists looked into as it takes for that. `recall` says what each found, `bytes` by how much it
                 made the process grow, our floats included
"""

from __future__ import annotations

import argparse
import ctypes
import os
import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray

from mindseye.randomness import rng_at
from mindseye.recall.bits import pack
from mindseye.recall.index import FaissIndex
from record import print_figure, say

DIMENSIONS = 128  # and bits of a code
SURFACE = 16  # dimensions of the surface that vectors lie near
CENTRES = 2_000
SPREAD, AWAY, MOVED = 0.6, 0.1, 0.1  # around a centre on the surface, away from it, and of a query from a vector
QUERIES = 200
K = 10
WANTED = 0.9  # of the truly nearest
CANDIDATES = (50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000)
PROBES = (1, 2, 4, 8, 16, 32, 64, 128, 256)
AT_ONCE = 500_000  # vectors drawn together

Vectors = NDArray[np.float32]
Ask = Callable[[Vectors], NDArray[np.int64]]  # one query to ids


def vectors(count: int) -> Iterator[Vectors]:
    """So many vectors of length 1, some at a time."""
    rng = rng_at(0, "centres of vectors")
    centres = rng.standard_normal((CENTRES, SURFACE), dtype=np.float32)
    surface = rng.standard_normal((SURFACE, DIMENSIONS), dtype=np.float32) / np.sqrt(SURFACE)
    for part, begin in enumerate(range(0, count, AT_ONCE)):
        rng = rng_at(0, "vectors", part)
        some = min(AT_ONCE, count - begin)
        drawn = centres[rng.integers(0, CENTRES, some)]
        drawn = (drawn + SPREAD * rng.standard_normal(drawn.shape, dtype=np.float32)) @ surface
        yield unit(drawn + AWAY * rng.standard_normal(drawn.shape, dtype=np.float32))


def unit(rows: Vectors) -> Vectors:
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), np.float32)


def timed(queries: Vectors, *asks: Ask) -> list[tuple[float, list[NDArray[np.int64]]]]:
    """Of each way to ask: milliseconds a query, the median, and what was found. They take turns, query by query."""
    found: list[list[NDArray[np.int64]]] = [[] for _ in asks]
    times: list[list[float]] = [[] for _ in asks]
    for row in [0, *range(len(queries))]:
        for ask, answers, took in zip(asks, found, times, strict=True):
            began = time.perf_counter()
            answers.append(ask(queries[row : row + 1]))
            took.append(1000 * (time.perf_counter() - began))
    return [(statistics.median(took[1:]), answers[1:]) for answers, took in zip(found, times, strict=True)]


def measure(count: int) -> None:
    """The lines of one number of codes."""
    faiss.omp_set_num_threads(1)
    rows = np.concatenate(list(vectors(count)))
    codes = pack(rows)
    rng = rng_at(0, "queries")
    near = rows[rng.integers(0, count, QUERIES)]
    queries = unit(near + MOVED / np.sqrt(DIMENSIONS) * rng.standard_normal(near.shape, dtype=np.float32))
    flat = faiss.IndexFlatIP(DIMENSIONS)
    flat.add(rows)
    ((exact_ms, truth),) = timed(queries, lambda query: flat.search(query, K)[1][0])
    say(f"{count:,} vectors: exact floats take {exact_ms:.2f} ms")
    del flat

    def share(found: list[NDArray[np.int64]]) -> float:
        return float(np.mean([len(np.intersect1d(*pair)) / K for pair in zip(found, truth, strict=True)]))

    about: dict[str, Any] = {"codes": count, "bits": DIMENSIONS, "queries": QUERIES, "threads": 1}
    ours, direct = FaissIndex(DIMENSIONS), faiss.IndexBinaryFlat(DIMENSIONS)
    ours_bytes = grown(lambda: ours.add(np.arange(count), codes))
    direct_bytes = grown(lambda: direct.add(codes))
    (ours_ms, found), (direct_ms, _) = timed(
        queries,
        lambda query: ours.search(pack(query), K).ids[0],
        lambda query: direct.search(pack(query), K)[1][0],
    )
    print_figure(
        "codes", ours_ms, direct_ms, "FAISS called directly", "ms", better="lower", recall=round(share(found), 4),
        bytes=ours_bytes, peer_bytes=direct_bytes, **about,
    )  # fmt: skip
    del direct

    def reranked(candidates: int) -> Ask:
        def ask(query: Vectors) -> NDArray[np.int64]:
            ids = ours.search(pack(query), candidates).ids[0]
            return np.asarray(ids[np.argsort(-(rows[ids] @ query[0]), kind="stable")[:K]])

        return ask

    ours_ms, ours_share, candidates = first_enough(CANDIDATES, reranked, queries, share)
    lists = faiss.IndexIVFFlat(faiss.IndexFlatIP(DIMENSIONS), DIMENSIONS, CENTRES, faiss.METRIC_INNER_PRODUCT)
    lists.train(rows[:: max(1, count // 100_000)])
    lists_bytes = grown(lambda: lists.add(rows))

    def probing(probes: int) -> Ask:
        def ask(query: Vectors) -> NDArray[np.int64]:
            lists.nprobe = probes
            return np.asarray(lists.search(query, K)[1][0])

        return ask

    float_ms, float_share, probes = first_enough(PROBES, probing, queries, share)
    print_figure(
        "re-ranked", ours_ms, float_ms, "FAISS IndexIVFFlat over floats", "ms", better="lower",
        recall=round(ours_share, 4), peer_recall=round(float_share, 4), candidates=candidates, probes=probes,
        exact_floats_ms=round(exact_ms, 3), bytes=ours_bytes + rows.nbytes, peer_bytes=lists_bytes, **about,
    )  # fmt: skip


def grown(work: Callable[[], object]) -> int:
    """By how many bytes the memory of this process is larger after `work` than before."""
    before = resident()
    work()
    return resident() - before


def resident() -> int:
    """Bytes of this process that are in memory, when what was freed has been given back."""
    ctypes.CDLL(None).malloc_trim(0)
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def first_enough(
    settings: tuple[int, ...],
    asking: Callable[[int], Ask],
    queries: Vectors,
    share: Callable[[list[NDArray[np.int64]]], float],
) -> tuple[float, float, int]:
    """Milliseconds, share found and setting of the least setting that finds `WANTED`, or of the last."""
    for setting in settings:
        ((milliseconds, found),) = timed(queries, asking(setting))
        if share(found) >= WANTED:
            break
    return milliseconds, share(found), setting


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--codes", nargs="+", type=int, default=[1_000_000], help="[1000000]")
    for count in parser.parse_args().codes:
        measure(count)


if __name__ == "__main__":
    main()
