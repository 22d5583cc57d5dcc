"""Pools of concepts, and episodes: `way` concepts of which `shot` pictures are shown and others asked about.

An episode depends on (pool, way, shot, its number) alone, so that all arms meet the same ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from numpy.typing import NDArray

from mindseye.randomness import rng_at

QUERIES = 15  # of each concept, at most
SPARE = 10  # further pictures of each concept, for the arm that may see them

Rows = NDArray[np.intp]


@dataclass(frozen=True)
class Pool:
    """The concepts of one side (base, validation-novel or test-novel).

    Attributes:
        names: of the concepts.
        features: of all pictures of the collection, so that a row is one picture in every pool.
        members: the rows of each concept.
    """

    names: tuple[str, ...]
    features: Float[np.ndarray, "picture width"]
    members: tuple[Rows, ...]

    def with_at_least(self, pictures: int) -> list[int]:
        """The numbers of the concepts that have so many."""
        return [number for number, rows in enumerate(self.members) if len(rows) >= pictures]


@dataclass(frozen=True)
class Episode:
    """What is shown and what is asked; all are rows of the pool.

    Attributes:
        number: of the episode.
        concepts: of the pool.
        support: the pictures that are shown.
        queries: of each concept, those that are asked about: at least one.
        spare: of each concept, further ones; where it has no more, none.
    """

    number: int
    concepts: Int[np.ndarray, "way"]
    support: Int[np.ndarray, "way shot"]
    queries: tuple[Rows, ...]
    spare: tuple[Rows, ...]


def episodes(pool: Pool, way: int, shot: int, count: int, seed: int = 0) -> list[Episode]:
    """So many episodes; of each concept half of what is not shown is asked about, and the rest spare.

    Args:
        pool: with at least `way` concepts that have more than `shot` pictures.
        way: concepts in an episode.
        shot: pictures of each that are shown.
        count: of the episodes.
        seed: of all of them.
    """
    enough = np.array(pool.with_at_least(shot + 1))
    assert len(enough) >= way
    return [_episode(pool, enough, way, shot, number, seed) for number in range(count)]


def _episode(pool: Pool, enough: Int[np.ndarray, "concept"], way: int, shot: int, number: int, seed: int) -> Episode:
    rng = rng_at(seed, f"{way}-way {shot}-shot episode", number)
    concepts = rng.permutation(enough)[:way]
    shuffled: Sequence[Rows] = [rng.permutation(pool.members[concept]) for concept in concepts]
    asked = [min(QUERIES, (len(rows) - shot + 1) // 2) for rows in shuffled]
    return Episode(
        number=number,
        concepts=concepts,
        support=np.stack([rows[:shot] for rows in shuffled]),
        queries=tuple(rows[shot : shot + some] for rows, some in zip(shuffled, asked, strict=True)),
        spare=tuple(rows[shot + some :][:SPARE] for rows, some in zip(shuffled, asked, strict=True)),
    )
