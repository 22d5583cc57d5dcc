"""What a hasher that goes on learning keeps and loses, beside one that is fitted anew each time.

The training pictures arrive in chunks, those of one concept together. After each chunk the captions of the held-out
splits look for pictures that share a label with them among those that have arrived so far, by codes.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
from jaxtyping import Int
from numpy.typing import NDArray

from mindseye.recall.bits import distances
from mindseye.recall.hashers import FITS, Hasher, Pairs, encode_pictures, encode_words
from mindseye.recall.ranking import average_precision, ranked
from mindseye.report.retrieval import Task

CHUNKS = 5


def forgetting(
    task: Task, train: Pairs, name: str, bits: int, log: Callable[[str], None], seed: int = 0
) -> list[dict[str, Any]]:
    """The curve of a hasher: a row a chunk.

    Args:
        task: what is to be found; its rows that are not held out are the captioned training pictures.
        train: the training pictures with captions and labels.
        name: of the hasher, one of `KEPT`.
        bits: of the codes.
        log: called with a line of text now and then.
        seed: of the hashers and of how ties are settled.

    Returns:
        Plain JSON values, mAP@all of words to pictures each: `updated` (the hasher brought up to date, pictures encoded
        again), `kept` (the same, each picture with the code of its arrival), `refit` (fitted anew on all so far),
        `first` (as `updated`, among the pictures of the first chunk); `drift` (bits of 100 in which the first chunk's
        codes changed), and the seconds of `updated` and `refit`.

    Raises:
        BadInput: the first chunk is too little for a fit.
    """
    train = train.captioned()
    arrived = np.array_split(arrival(task), CHUNKS)
    online: Hasher | None = None
    kept: list[NDArray[np.uint8]] = []
    before: NDArray[np.uint8] | None = None
    rows = []
    for step in range(1, CHUNKS + 1):
        chunk, so_far = train.rows(arrived[step - 1]), np.concatenate(arrived[:step])
        began = time.perf_counter()
        online = FITS[name](chunk, bits, seed) if online is None else online.update(chunk)
        update_seconds = time.perf_counter() - began
        began = time.perf_counter()
        again = FITS[name](train.rows(so_far), bits, seed)
        refit_seconds = time.perf_counter() - began
        codes = encode_pictures(online, train.pictures[so_far])
        first = codes[: len(arrived[0])]
        kept.append(codes[-len(chunk.pictures) :])
        changed = None if before is None else 100 * float(np.bitwise_count(first ^ before).sum() / (8 * first.size))
        rows.append(
            {
                "figure": "forgetting",
                "hasher": name,
                "bits": bits,
                "pictures": len(so_far),
                "updated": _found(task, online, codes, so_far, seed),
                "kept": _found(task, online, np.concatenate(kept), so_far, seed),
                "refit": _found(task, again, encode_pictures(again, train.pictures[so_far]), so_far, seed),
                "first": _found(task, online, first, arrived[0], seed),
                "drift": None if changed is None else round(changed, 1),
                "update_seconds": round(update_seconds, 2),
                "refit_seconds": round(refit_seconds, 2),
            }
        )
        before = first
    log(f"{name}, {bits} bits: brought up to date {CHUNKS - 1} times")
    return rows


def arrival(task: Task) -> Int[np.ndarray, "row"]:
    """The training rows in the order of their concepts, so that later chunks bring what was not there before."""
    return np.argsort(task.concepts[~task.held_out], kind="stable")


def _found(task: Task, hasher: Hasher, codes: NDArray[np.uint8], rows: NDArray[np.int64], seed: int) -> float:
    """mAP@all of the held-out captions among pictures with these codes, the training rows `rows`."""
    relevant = task.same_label[:, ~task.held_out][:, rows]
    apart = distances(encode_words(hasher, task.words[task.held_out]), codes)
    return round(float(np.nanmean(average_precision(relevant, ranked(apart, seed)))), 4)
