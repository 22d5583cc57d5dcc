"""The plain index: every code is compared with every query. It needs no other package, and is the oracle of the tests.

A million codes of 64 bits take about 8 ms a query, of 128 bits 34 ms.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Int, Int64, UInt8

from mindseye.recall.bits import checked_bits, checked_codes, distances
from mindseye.recall.index.interface import Nearest, Within, checked_count, checked_ids, padded


class NumpyIndex:
    """See `HammingIndex`. The codes lie in the order of their ids, so a stable sort by distance settles ties."""

    backend = "numpy"

    def __init__(self, bits: int) -> None:
        self.bits = checked_bits(bits)
        # Replaced as one pair, never changed: a search that is under way goes on with what it has.
        self._held = np.empty(0, np.int64), np.empty((0, bits // 8), np.uint8)

    def __len__(self) -> int:
        return len(self._held[0])

    def add(self, ids: Int[np.ndarray, "code"], codes: UInt8[np.ndarray, "code byte"]) -> None:
        held_ids, held_codes = self._held
        codes = checked_codes(codes, self.bits)
        all_ids = np.concatenate([held_ids, checked_ids(ids, len(codes), held_ids)])
        order = np.argsort(all_ids)
        self._held = all_ids[order], np.concatenate([held_codes, codes])[order]

    def remove(self, ids: Int[np.ndarray, "code"]) -> int:
        held_ids, codes = self._held
        kept = ~np.isin(held_ids, ids)
        self._held = held_ids[kept], codes[kept]
        return int((~kept).sum())

    def search(self, queries: UInt8[np.ndarray, "query byte"], k: int) -> Nearest:
        ids, codes = self._held
        apart = distances(checked_codes(queries, self.bits), codes)
        order = np.argsort(apart.astype(np.uint16), axis=1, kind="stable")[:, : checked_count(k)]
        return padded(np.take_along_axis(apart, order, axis=1), ids[order], k, self.bits)

    def within(self, queries: UInt8[np.ndarray, "query byte"], radius: int) -> list[Within]:
        ids, codes = self._held
        found = []
        for apart in distances(checked_codes(queries, self.bits), codes):
            near = np.flatnonzero(apart <= radius)
            order = near[np.argsort(apart[near], kind="stable")]
            found.append(Within(apart[order], ids[order]))
        return found

    def contents(self) -> tuple[Int64[np.ndarray, "code"], UInt8[np.ndarray, "code byte"]]:
        return self._held
