"""Near-duplicates by meaning: pictures that a frozen picture encoder finds as good as the same, where pixels differ.

Cleaning compares pixels and PDQ's perceptual hash, which see a re-encoded copy and miss a thing that was drawn anew,
recoloured or moved. What counts as the same here is measured on the collection itself and is no fixed number: two
pictures are alike that are no farther apart than a picture and itself moved by a sixteenth of its edge.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, UInt8
from numpy.typing import NDArray

from mindseye.collection.collection import Collection
from mindseye.files import cache_folder
from mindseye.observe.pictures import load_picture_encoder, picture_features
from mindseye.recall.features import seen_at
from mindseye.recall.hashers.hasher import unit

MOVED_BY = 1 / 16  # of the edge
MOVED = 100  # pictures that are moved to measure the limit, evenly spread
MOST_PAIRS = 200
_BLOCK = 1024

Log = Callable[[str], None]


@dataclass(frozen=True)
class Lookalikes:
    """The pairs of a collection, nearest first.

    Attributes:
        encoder: what compared them.
        limit: the median cosine distance of a picture to itself moved, up to which pairs count.
        count: how many pairs there are.
        pairs: the nearest `MOST_PAIRS` of them: two file names and their distance.
    """

    encoder: str
    limit: float
    count: int
    pairs: tuple[tuple[str, str, float], ...]

    def as_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        pairs = [{"one": one, "other": other, "distance": round(far, 4)} for one, other, far in self.pairs]
        return {"encoder": self.encoder, "limit": round(self.limit, 4), "count": self.count, "pairs": pairs}


def lookalikes(collection: Collection, log: Log = lambda line: None) -> Lookalikes:
    """The pairs of pictures that are alike and that cleaning has put in different groups.

    Args:
        collection: all of its splits; looked at once, then remembered in the cache folder.
        log: called with a line of text now and then.

    Raises:
        Unavailable: the encoder is missing, or the cache cannot be written.
    """
    encoder, cache = load_picture_encoder(), cache_folder() / "features"
    splits = list(collection.splits.values())
    log(f"looking at {sum(map(len, splits)):,} pictures with {encoder.name} (done once)")
    arrays = [split.arrays(*seen_at(collection)) for split in splits]
    pooled = np.concatenate([picture_features(encoder, each, cache).pooled.numpy() for each in arrays])
    some = np.linspace(0, len(pooled) - 1, min(MOVED, len(pooled))).round().astype(int)
    again = encoder.encode(moved(np.concatenate(arrays)[some])).pooled.numpy()
    seen = unit(pooled).astype(np.float32)
    limit = float(np.median(1 - (seen[some] * unit(again)).sum(1)))
    names = [name for split in splits for name in split.file_names]
    groups = np.unique([group for split in splits for group in split.groups], return_inverse=True)[1]
    count, nearest = pairs_within(seen, groups, limit)
    return Lookalikes(encoder.name, limit, count, tuple((names[i], names[j], far) for i, j, far in nearest))


def moved(pictures: UInt8[np.ndarray, "picture size size channel"]) -> UInt8[np.ndarray, "picture size size channel"]:
    """The same pictures, down and to the right by a sixteenth of their edge; their border is continued."""
    size = pictures.shape[1]
    at = (np.arange(size) - max(1, round(size * MOVED_BY))).clip(0)
    return np.ascontiguousarray(pictures[:, at][:, :, at])


def pairs_within(
    directions: Float[np.ndarray, "picture feature"], groups: NDArray[np.intp], limit: float
) -> tuple[int, list[tuple[int, int, float]]]:
    """How many pairs of different groups are at most `limit` apart, by 1 - cosine, and the nearest `MOST_PAIRS`.

    Args:
        directions: of length 1.
        groups: a number a picture.
        limit: a cosine distance.
    """
    count = 0
    nearest: list[tuple[int, int, float]] = []
    for begin in range(0, len(directions), _BLOCK):
        distance = 1 - directions[begin : begin + _BLOCK] @ directions.T
        later = np.arange(len(directions)) > begin + np.arange(len(distance))[:, None]
        there = later & (distance <= limit) & (groups[begin : begin + _BLOCK, None] != groups)
        rows, columns = np.nonzero(there)
        count += len(rows)
        order = np.argsort(distance[rows, columns], kind="stable")[:MOST_PAIRS]
        nearest += [
            (begin + int(rows[at]), int(columns[at]), max(0.0, float(distance[rows[at], columns[at]]))) for at in order
        ]
    return count, sorted(nearest, key=lambda pair: pair[2])[:MOST_PAIRS]
