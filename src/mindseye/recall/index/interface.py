"""What every index can do. All backends pass one suite of tests, in which `NumpyIndex` is the oracle."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from jaxtyping import Int, Int32, Int64, UInt8

from mindseye.errors import BadInput

NO_ID = -1  # stands where an index holds fewer codes than were asked for; its distance is one more than there are bits


@dataclass(frozen=True)
class Nearest:
    """The codes nearest to each query, in the order of (distance, id)."""

    distances: Int32[np.ndarray, "query k"]
    ids: Int64[np.ndarray, "query k"]


@dataclass(frozen=True)
class Within:
    """All codes within a radius of one query, in the order of (distance, id)."""

    distances: Int32[np.ndarray, "found"]
    ids: Int64[np.ndarray, "found"]


class HammingIndex(Protocol):
    """Packed codes with ids, searched exactly.

    Any number of threads may search at once. Adding and removing wait for nobody: whoever does it sees to it that
    nothing else happens meanwhile.

    Attributes:
        backend: "numpy", "faiss", ...
        bits: of every code.
    """

    backend: str
    bits: int

    def __len__(self) -> int:
        """How many codes it holds."""
        ...

    def add(self, ids: Int[np.ndarray, "code"], codes: UInt8[np.ndarray, "code byte"]) -> None:
        """Adds codes.

        Raises:
            BadInput: an id is negative, or there already, or given twice; or the codes are of another width.
        """
        ...

    def remove(self, ids: Int[np.ndarray, "code"]) -> int:
        """Removes the codes with these ids and returns how many there were."""
        ...

    def search(self, queries: UInt8[np.ndarray, "query byte"], k: int) -> Nearest:
        """The `k` nearest codes of each query. Of equally near ones those with the lowest ids come first."""
        ...

    def within(self, queries: UInt8[np.ndarray, "query byte"], radius: int) -> list[Within]:
        """For each query the codes at a distance of at most `radius`; 0 finds equal codes."""
        ...

    def contents(self) -> tuple[Int64[np.ndarray, "code"], UInt8[np.ndarray, "code byte"]]:
        """All ids, ascending, with their codes."""
        ...


def checked_ids(
    ids: Int[np.ndarray, "code"], count: int, present: Int64[np.ndarray, "present"]
) -> Int64[np.ndarray, "code"]:
    """`ids` as int64, if they can be added for `count` codes to an index that holds the ids `present`.

    Raises:
        BadInput: they cannot.
    """
    ids = np.asarray(ids, np.int64)
    if ids.shape != (count,):
        raise BadInput(f"{ids.size} ids were given for {count} codes", next_step="give one id a code")
    if count and ids.min() < 0:
        raise BadInput(f"an id cannot be {ids.min()}", why="ids are 0 or more")
    values, times = np.unique(np.concatenate([present, ids]), return_counts=True)
    if (times > 1).any():
        raise BadInput(
            f"the id {values[times > 1][0]} is there already",
            why="an id names one code",
            next_step="remove it first, or use another",
        )
    return ids


def checked_count(k: int) -> int:
    """`k`, if so many results can be asked for.

    Raises:
        BadInput: it is less than 1.
    """
    if k < 1:
        raise BadInput(f"{k} results cannot be searched for", next_step="ask for 1 or more")
    return k


def settled(
    distances: Int[np.ndarray, "query found"],
    ids: Int64[np.ndarray, "query found"],
    count: int,
    ring: Callable[[int, int], Within],
) -> tuple[Int[np.ndarray, "query count"], Int64[np.ndarray, "query count"]]:
    """The nearest `count` in the order of (distance, id), for backends that choose among equals as they please.

    Args:
        distances, ids: what the backend gave, one more than `count` where it holds so many. Where that one is as near
            as the last that counts, others with lower ids may be missing.
        count: how many count.
        ring: everything within a radius of a query: (query, radius) to the codes.
    """
    order = np.lexsort((ids, distances))
    distances, ids = np.take_along_axis(distances, order, axis=1), np.take_along_axis(ids, order, axis=1)
    if distances.shape[1] > count:
        for row in np.flatnonzero(distances[:, count] == distances[:, count - 1]):
            near = ring(int(row), int(distances[row, count]))
            distances[row, :count], ids[row, :count] = near.distances[:count], near.ids[:count]
    return distances[:, :count], ids[:, :count]


def padded(
    distances: Int[np.ndarray, "query found"], ids: Int64[np.ndarray, "query found"], k: int, bits: int
) -> Nearest:
    """`Nearest` with `k` columns: where nothing was found, the id -1 and a distance of one more than there are bits."""
    queries, count = ids.shape
    if count < k:
        distances = np.hstack([distances, np.full((queries, k - count), bits + 1)])
        ids = np.hstack([ids, np.full((queries, k - count), NO_ID)])
    return Nearest(distances.astype(np.int32, copy=False), ids.astype(np.int64, copy=False))
