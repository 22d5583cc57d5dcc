"""Has the model drawn a picture, or given one back that it was trained on?

Three questions, since each misses copies that another finds:

- `copy_rate`: is it nearer to a training picture than pictures are that the model never saw? By the features of an
  encoder, or by pixels.
- `memorised_rate`: is it three times nearer to one training picture than to any other?
- `duplicate_rate`: would the collection's own cleaning have called the two near-duplicates?

All three take mirrored copies into account. Pixels are those of the picture in a square of 32 px, with transparency.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int
from numpy.typing import NDArray

from mindseye.collection.cleaning import Looks, compare
from mindseye.errors import BadInput
from mindseye.think.features import FEWEST, Features, two_sets
from mindseye.think.figure import Figure, block_numbers, share_interval

PIXELS = "pixels at 32 px"  # the "encoder" of figures that come from pixels
PERCENTILE = 1.0
RATIO = 1 / 3
PAIRS_SHOWN = 20
_AT_ONCE = 512


@dataclass(frozen=True)
class Nearest:
    """For each picture, the nearest training picture.

    Attributes:
        index: which one it is.
        distance: how far, in the unit of the comparison.
        second: how far the nearest of another group is.
        n_training: training pictures that were searched.
    """

    index: Int[np.ndarray, "picture"]
    distance: Float[np.ndarray, "picture"]
    second: Float[np.ndarray, "picture"]
    n_training: int

    def of(self, places: slice) -> Nearest:
        """Of some of the pictures."""
        return Nearest(self.index[places], self.distance[places], self.second[places], self.n_training)


@dataclass(frozen=True)
class Pair:
    """A generated picture and the training picture nearest to it, by their indices."""

    generated: int
    training: int
    distance: float


@dataclass(frozen=True)
class Copies:
    """How near generated pictures come to the training pictures, beside how near unseen real ones come.

    Attributes:
        rate: the share of generated pictures nearer than `threshold`.
        threshold: the 1st percentile of `held_out`.
        generated: distance of each generated picture to its nearest training picture.
        held_out: the same for real pictures that were not trained on.
        closest: the 20 nearest pairs, nearest first.
    """

    rate: Figure
    threshold: float
    generated: Float[np.ndarray, "picture"]
    held_out: Float[np.ndarray, "held_out_picture"]
    closest: tuple[Pair, ...]


def nearest_by_features(
    pictures: Features,
    training: Features,
    *,
    mirrored: Features | None = None,
    training_groups: Sequence[Hashable] | None = None,
) -> Nearest:
    """The nearest training pictures by cosine distance, 1 - cos, from 0 to 2.

    Args:
        pictures: features of the pictures that are asked about.
        training: features of the training pictures.
        mirrored: features of the same pictures mirrored; the nearer side counts. Needed to find mirrored copies unless
            the encoder sees no difference.
        training_groups: the near-duplicate group of each training picture; `second` is then of another group.

    Raises:
        BadInput: features that are not finite or of unequal width; fewer than two groups.
    """
    sides = [
        two_sets(side, training, ("given", "training"), fewest=1) for side in (pictures, mirrored) if side is not None
    ]
    if len({len(side) for side, _ in sides}) > 1:
        raise BadInput(
            "there are not as many mirrored pictures as pictures", next_step="mirror each of them, in the same order"
        )
    groups = _groups(training_groups, len(sides[0][1]))
    target = _unit(sides[0][1]).T
    units = [_unit(side) for side, _ in sides]
    starts = range(0, len(units[0]), _AT_ONCE)
    return _joined(
        [
            _nearest(1 - np.max([unit[start : start + _AT_ONCE] @ target for unit in units], axis=0), groups)
            for start in starts
        ]
    )


def nearest_by_pixels(
    pictures: Sequence[Looks], training: Sequence[Looks], *, training_groups: Sequence[Hashable] | None = None
) -> tuple[Nearest, Bool[np.ndarray, "picture"]]:
    """The nearest training pictures by the root mean square of pixel differences, 0 to 255, upright or mirrored.

    Args:
        pictures: `mindseye.collection.cleaning.looks` of the pictures that are asked about.
        training: of the training pictures.
        training_groups: as for `nearest_by_features`.

    Returns:
        the nearest, and whether any training picture is a near-duplicate by the collection's own rule: pixels that
        hardly differ, or a perceptual hash (PDQ) that agrees and pixels that confirm it.

    Raises:
        BadInput: no pictures, or fewer than two groups.
    """
    if not pictures:
        raise BadInput("there are no pictures to compare", next_step="give at least one")
    groups = _groups(training_groups, len(training))
    found, near = [], []
    for start in range(0, len(pictures), _AT_ONCE):
        compared = compare(pictures[start : start + _AT_ONCE], training)
        found.append(_nearest(compared.distance.astype(np.float64), groups))
        near.append(compared.near.any(1))
    return _joined(found), np.concatenate(near)


def copy_rate(
    generated: Nearest,
    held_out: Nearest,
    *,
    encoder: str,
    generated_blocks: Sequence[Hashable] | None = None,
    held_out_blocks: Sequence[Hashable] | None = None,
    seeds: str = "",
) -> Copies:
    """The share of generated pictures nearer to training pictures than 99 % of unseen real ones are, "copy_rate".

    About 0.01 is what a model has that copies nothing. Where the 1st percentile lies is known only as well as there are
    held-out pictures, so the interval runs from Wilson's lower end below the least percentile that they allow to his
    upper end below the greatest, both by their order (the binomial interval of a quantile). Of fewer than 367
    independent ones the least lies below all of them: then the share below their minimum counts, scaled to 1 % by what
    the minimum may be the percentile of, 1 - 0.025^(1/n).

    Args:
        generated: nearest training pictures of the generated ones.
        held_out: of real pictures that were not trained on, found in the same way.
        encoder: what the distances come from (`PIXELS` for `nearest_by_pixels`), for the record.
        generated_blocks: a label a generated picture, such as its prompt.
        held_out_blocks: a label a held-out picture; as many independent ones are counted as there are labels.
        seeds: of the generated pictures, for the record.

    Raises:
        BadInput: fewer than 10 held-out pictures, or searched among other training pictures.
    """
    if len(held_out.distance) < FEWEST or held_out.n_training != generated.n_training:
        raise BadInput(
            f"{len(held_out.distance)} held-out pictures, compared with {held_out.n_training} training pictures, "
            f"tell nothing of generated ones compared with {generated.n_training}",
            why=f"at least {FEWEST} held-out pictures and the same training pictures are needed",
            next_step="compare both with the whole training split",
        )
    threshold = float(np.percentile(held_out.distance, PERCENTILE, method="weibull"))
    order = np.argsort(generated.distance, kind="stable")[:PAIRS_SHOWN]
    closest = tuple(Pair(int(i), int(generated.index[i]), float(generated.distance[i])) for i in order)
    share = float((generated.distance < threshold).mean())
    independent = len(np.unique(block_numbers(held_out_blocks, len(held_out.distance))))
    least, greatest, scale = _percentile_limits(np.sort(held_out.distance), independent)
    blocks = block_numbers(generated_blocks, len(generated.distance))
    low = scale * share_interval(generated.distance < least, blocks)[0]
    high = share_interval(generated.distance < greatest, blocks)[1]
    n = (generated.n_training, len(generated.distance))
    rate = Figure("copy_rate", share, min(low, share), max(high, share), *n, encoder, seeds)
    return Copies(rate, threshold, generated.distance, held_out.distance, closest)


def memorised(nearest: Nearest) -> Bool[np.ndarray, "picture"]:
    """Which pictures are less than a third as far from one training picture as from any other group's.

    The test that Bonnaire et al. 2025 (arXiv 2505.17638) count memorised samples by; on pixels.
    """
    return np.asarray(nearest.distance < RATIO * nearest.second)


def memorised_rate(
    generated: Nearest, *, generated_blocks: Sequence[Hashable] | None = None, seeds: str = ""
) -> Figure:
    """The share of `memorised` pictures, "memorised_rate", for the nearest by pixels.

    Where the training pictures have near-duplicates, it finds copies only if these were named as groups.
    """
    hits = memorised(generated)
    return _share("memorised_rate", hits, generated.n_training, PIXELS, generated_blocks, seeds)


def duplicate_rate(
    near: Bool[np.ndarray, "picture"],
    n_training: int,
    *,
    generated_blocks: Sequence[Hashable] | None = None,
    seeds: str = "",
) -> Figure:
    """The share of generated pictures with a near-duplicate among the training pictures, "duplicate_rate".

    Args:
        near: the second result of `nearest_by_pixels`.
        n_training: training pictures that were searched.
        generated_blocks, seeds: as in `copy_rate`.
    """
    return _share("duplicate_rate", near, n_training, "PDQ and pixels", generated_blocks, seeds)


def _share(
    name: str,
    hits: NDArray[np.bool_],
    n_training: int,
    encoder: str,
    blocks: Sequence[Hashable] | None,
    seeds: str,
) -> Figure:
    interval = share_interval(hits, block_numbers(blocks, len(hits)))
    return Figure(name, float(hits.mean()), *interval, n_training, len(hits), encoder, seeds)


def _percentile_limits(ordered: NDArray[np.float64], independent: int) -> tuple[float, float, float]:
    """Between which distances the 1st percentile lies with 95 % confidence, and what a share below the lesser is to be
    multiplied by (1, unless that is the minimum for want of a lesser one)."""
    p, tail, n = PERCENTILE / 100, 0.025, independent
    ways = [math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1) for k in range(n + 1)]
    below = np.cumsum([math.exp(ways[k] + k * math.log(p) + (n - k) * math.log(1 - p)) for k in range(n + 1)])
    first, last = int(np.searchsorted(below, tail)), int(np.searchsorted(below, 1 - tail)) + 1
    at = [min(len(ordered), round(rank * len(ordered) / n)) for rank in (max(first, 1), last)]
    scale = 1.0 if first else min(1.0, p / (1 - tail ** (1 / n)))
    return float(ordered[max(at[0], 1) - 1]), float(ordered[at[1] - 1]), scale


def _unit(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """Rows of length 1; a row of zeros stays, and is at distance 1 from everything."""
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    unit: NDArray[np.float64] = rows / np.where(length > 0, length, 1)
    return unit


def _groups(labels: Sequence[Hashable] | None, count: int) -> NDArray[np.int64]:
    groups = block_numbers(labels, count)
    if len(np.unique(groups)) < 2:
        raise BadInput(
            "the training pictures are fewer than two, or all one group",
            why="nearness is judged by a second training picture",
            next_step="give the whole training split",
        )
    return groups


def _nearest(distances: NDArray[np.float64], groups: NDArray[np.int64]) -> Nearest:
    index = distances.argmin(1)
    least = distances.min(1)
    second = np.where(groups == groups[index][:, None], np.inf, distances).min(1)
    return Nearest(index, least, second, len(groups))


def _joined(found: Sequence[Nearest]) -> Nearest:
    return Nearest(
        np.concatenate([one.index for one in found]),
        np.concatenate([one.distance for one in found]),
        np.concatenate([one.second for one in found]),
        found[0].n_training,
    )
