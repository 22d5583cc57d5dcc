"""How good a ranking is: mean average precision and recall, with a rule for ties.

Hamming distances tie massively, and whoever may choose among equals can choose the figure: here a permutation of the
database, drawn from a seed and the same for every query, settles all ties. Figures of different definitions are not
comparable, so each says which it is.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float, Int
from numpy.typing import NDArray

from mindseye.randomness import rng_at


def ranked(distances: NDArray[np.generic], seed: int = 0) -> Int[np.ndarray, "query item"]:
    """The items of the database in the order of their distance from each query, nearest first.

    Args:
        distances: of each query to each item [query, item].
        seed: of the permutation that settles ties.
    """
    shuffled = rng_at(seed, "ties").permutation(distances.shape[1])
    order: NDArray[np.int64] = shuffled[np.argsort(distances[:, shuffled], axis=1, kind="stable")]
    return order


def reranked(
    coarse: Int[np.ndarray, "query item"], fine: Float[np.ndarray, "query item"], first: int
) -> Int[np.ndarray, "query item"]:
    """The order `coarse` with its `first` items put in the order of another distance; the rest stays as it is."""
    candidates = coarse[:, :first]
    again = np.argsort(np.take_along_axis(fine, candidates, axis=1), axis=1, kind="stable")
    return np.concatenate([np.take_along_axis(candidates, again, axis=1), coarse[:, first:]], axis=1)


def average_precision(
    relevant: Bool[np.ndarray, "query item"], order: Int[np.ndarray, "query item"], at: int | None = None
) -> Float[np.ndarray, "query"]:
    """AP of every query: the mean, over its relevant items, of the precision at each one's place.

    With `at` = N only the first N places count and the sum is divided by min(N, relevant items): the standard
    definition, of which public code of cross-modal hashing has two others.

    Returns:
        NaN for a query to which nothing is relevant; leave it out of a mean.
    """
    hits = np.take_along_axis(relevant, order, axis=1)[:, :at]
    precision = np.cumsum(hits, axis=1) / np.arange(1, hits.shape[1] + 1)
    possible = np.minimum(relevant.sum(1), hits.shape[1]).astype(np.float64)
    possible[possible == 0] = np.nan
    values: NDArray[np.float64] = (precision * hits).sum(1) / possible
    return values


def found_within(
    relevant: Bool[np.ndarray, "query item"], order: Int[np.ndarray, "query item"], k: int
) -> Bool[np.ndarray, "query"]:
    """Whether something relevant is among the first `k`: its mean is recall at k, R@k, of retrieval by pairs."""
    return np.asarray(np.take_along_axis(relevant, order[:, :k], axis=1).any(1))


def by_radius(
    relevant: Bool[np.ndarray, "query item"], distances: Int[np.ndarray, "query item"], bits: int
) -> tuple[Float[np.ndarray, "radius"], Float[np.ndarray, "radius"]]:
    """Precision and recall of looking up everything within a radius of 0, 1, ... `bits` bits, means over the queries.

    A query that finds nothing has a precision of 0 at that radius; one to which nothing is relevant is left out.
    """
    asked = relevant.any(1)
    relevant, distances = relevant[asked], distances[asked]
    every = np.stack([np.bincount(row, minlength=bits + 1) for row in distances]).cumsum(1)
    hits = np.stack(
        [np.bincount(row[own], minlength=bits + 1) for row, own in zip(distances, relevant, strict=True)]
    ).cumsum(1)
    return (hits / np.maximum(every, 1)).mean(0), (hits / hits[:, -1:]).mean(0)
