"""Where extra examples come from: one function an arm, each with the same signature once its settings are given.

Arms see what is shown, and base concepts. Only the oracle sees spare pictures, and none sees what is asked about.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from mindseye.think.few_shot.space import Base, Values, unit


@dataclass(frozen=True)
class Task:
    """What an arm is given of an episode.

    Attributes:
        support: what is shown.
        rows: the same as rows of the pool, for arms that go back to the pictures.
        spare: further pictures of each concept, for the oracle alone.
    """

    support: Float[np.ndarray, "way shot width"]
    rows: Int[np.ndarray, "way shot"]
    spare: tuple[Values, ...]


@dataclass(frozen=True)
class Extra:
    """Extra examples, the same number for each concept, and which concept each is of, in shares that sum to 1; of one
    episode, or of several side by side."""

    rows: Float[np.ndarray, "*episode way count width"]
    targets: Float[np.ndarray, "*episode way count way"]


Arm = Callable[[Task, int, np.random.Generator], Extra]


def of_own_concept(rows: Float[np.ndarray, "*episode way count width"]) -> Extra:
    """Examples that are of the concept under which they stand, and of no other."""
    way, count = rows.shape[-3:-1]
    own = np.repeat(np.eye(way, dtype=np.float32)[:, None], count, axis=1)
    return Extra(rows, np.broadcast_to(own, (*rows.shape[:-1], way)))


def mixup(task: Task, count: int, rng: np.random.Generator, *, alpha: float) -> Extra:
    """mixup (Zhang et al. 2018), on features (Verma et al. 2019): l a + (1 - l) b of two pictures shown, and of their
    labels, with l from Beta(alpha, alpha)."""
    way, shot, width = task.support.shape
    one = of_own_concept(seeds(task, count, rng))
    shown, other = task.support.reshape(-1, width), rng.integers(0, way * shot, (way, count))
    share = rng.beta(alpha, alpha, (way, count, 1)).astype(np.float32)
    labels = np.eye(way, dtype=np.float32)[other // shot]
    return Extra(share * one.rows + (1 - share) * shown[other], share * one.targets + (1 - share) * labels)


def gaussian(task: Task, count: int, rng: np.random.Generator, *, base: Base, scale: float) -> Extra:
    """Pictures shown, and noise of the covariance that base concepts have within themselves, times `scale` squared."""
    shown = seeds(task, count, rng)
    noise = rng.standard_normal(shown.shape, np.float32) @ base.root
    return of_own_concept(shown + scale * noise)


def calibration(
    task: Task, count: int, rng: np.random.Generator, *, base: Base, alpha: float, neighbours: int = 2
) -> Extra:
    """Distribution calibration (Yang, Liu, Xu 2021, equations 5 to 7): what base concepts nearby are like.

    For a picture x that is shown, and the `neighbours` base concepts i whose means are nearest to it:

        mean = (sum of mean_i + x) / (neighbours + 1),   covariance = mean of covariance_i + alpha in every entry.
    """
    shown = seeds(task, count, rng).reshape(-1, task.support.shape[2])
    distances = np.square(shown).sum(1)[:, None] - 2 * shown @ base.means.T + np.square(base.means).sum(1)
    nearest = np.argsort(distances, axis=1, kind="stable")[:, :neighbours]
    means = (base.means[nearest].sum(1) + shown) / (nearest.shape[1] + 1)
    noise = alpha**0.5 * rng.standard_normal((len(shown), 1), np.float32) * base.ones
    for row, concepts in enumerate(nearest):
        for concept in concepts:
            deviations = base.deviations[concept]
            noise[row] += rng.standard_normal(len(deviations), np.float32) @ deviations / len(concepts) ** 0.5
    return of_own_concept((means + noise).reshape(len(task.support), count, -1).astype(np.float32))


def retrieval(task: Task, count: int, rng: np.random.Generator, *, base: Base) -> Extra:
    """The base pictures that are nearest (by cosine) to any picture shown of a concept, as if they were of it
    (Burg et al. 2023)."""
    near = np.einsum("wsd,pd->wsp", unit(task.support), unit(base.pictures)).max(1)
    order = np.argsort(-near, axis=1, kind="stable")[:, :count]
    return of_own_concept(base.pictures[order[:, np.resize(np.arange(order.shape[1]), count)]])


def from_pictures(
    task: Task, count: int, rng: np.random.Generator, *, drawn: Mapping[int, Float[np.ndarray, "drawn width"]]
) -> Extra:
    """What was drawn from the pictures shown: by augmentation, or by a model that imagines in pixels.

    Args:
        drawn: features of the pictures that were drawn from each row of the pool.
    """
    rows = np.take_along_axis(task.rows, _evenly(task, count, rng), axis=1)
    chosen = [[drawn[row][rng.integers(len(drawn[row]))] for row in of_concept] for of_concept in rows]
    return of_own_concept(np.array(chosen, dtype=np.float32))


def oracle(task: Task, count: int, rng: np.random.Generator) -> Extra:
    """Real pictures that no other arm sees: the ceiling. Where a concept has none left, those shown stand in."""
    pools = [spare if len(spare) else shown for spare, shown in zip(task.spare, task.support, strict=True)]
    return of_own_concept(np.stack([pool[rng.permutation(np.resize(np.arange(len(pool)), count))] for pool in pools]))


def shuffled(arm: Arm) -> Arm:
    """The same arm with its examples under the names of other concepts: a placebo that must do harm."""

    def wrong(task: Task, count: int, rng: np.random.Generator) -> Extra:
        extra = arm(task, count, rng)
        return Extra(np.roll(extra.rows, 1, axis=0), extra.targets)

    return wrong


def seeds(task: Task, count: int, rng: np.random.Generator) -> Float[np.ndarray, "way count width"]:
    """Of each concept `count` of the pictures shown, all as often as can be, in any order."""
    chosen: Values = np.take_along_axis(task.support, _evenly(task, count, rng)[..., None], axis=1)
    return chosen


def _evenly(task: Task, count: int, rng: np.random.Generator) -> Int[np.ndarray, "way count"]:
    way, shot, _ = task.support.shape
    places = np.tile(np.resize(np.arange(shot), max(count, shot)), (way, 1))
    chosen: Int[np.ndarray, "way count"] = rng.permuted(places, axis=1)[:, :count]
    return chosen
