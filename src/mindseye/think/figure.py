"""A figure never stands alone: its value comes with an interval, its numbers of pictures and its encoder.

Two kinds of interval, both at 95 %:

- a *share* (how many of the pictures ...) has Wilson's interval, which stays sensible at 0 and 1;
- anything else has a bootstrap interval: the figure is computed again from resampled pictures, and the quantiles of
  those draws are laid around the value. The draws are moved so that their mean is the value, since resampling repeats
  pictures and some figures mistake that for a difference.

Pictures that belong together (drawn from one prompt, or near-duplicates) tell less than as many independent ones. A
label a picture names them as *blocks*: the bootstrap draws whole blocks, and Wilson's interval counts fewer pictures.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Hashable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int
from numpy.typing import NDArray

from mindseye.errors import BadInput
from mindseye.randomness import rng_at

CONFIDENCE = 0.95
DRAWS = 1000
_Z = 1.959963984540054  # the standard normal lies within +-_Z with probability CONFIDENCE


@dataclass(frozen=True)
class Figure:
    """One number and what it takes to read it.

    Attributes:
        name: what was measured: "kid", "precision", ...
        value: the estimate from all pictures.
        low: lower end of the 95 % interval.
        high: upper end.
        n_real: real pictures that it was computed from.
        n_generated: generated ones.
        encoder: what turned pictures into features, with its digest where it has one. Figures of different encoders
            are not comparable.
        seeds: of the generated pictures, as `seeds_text` writes them; "" where none is generated or they are not
            known.
    """

    name: str
    value: float
    low: float
    high: float
    n_real: int
    n_generated: int
    encoder: str
    seeds: str = ""

    def as_json(self) -> dict[str, Any]:
        """Plain JSON values; a number that is not finite becomes None."""
        return {
            key: None if isinstance(value, float) and not math.isfinite(value) else value
            for key, value in asdict(self).items()
        }

    def differs_from(self, other: Figure) -> bool:
        """Whether the two intervals have no number in common; anything less is "no difference".

        Raises:
            BadInput: they are different figures, or of different encoders.
        """
        for what, mine, its in (("figure", self.name, other.name), ("encoder", self.encoder, other.encoder)):
            if mine != its:
                raise BadInput(
                    f"{self.name} {self.value:.4g} and {other.name} {other.value:.4g} cannot be compared",
                    why=f"the {what} of one is {mine!r} and of the other {its!r}",
                    next_step="compare the same figure, computed with the same encoder",
                )
        return self.low > other.high or other.low > self.high


def seeds_text(seeds: Collection[int]) -> str:
    """Seeds without a gap as a person would write them: "0-999", or "7" for one."""
    first, last = min(seeds), max(seeds)
    return str(first) if first == last else f"{first}-{last}"


def block_numbers(blocks: Sequence[Hashable] | None, count: int) -> Int[np.ndarray, "picture"]:
    """The number of each picture's block, from 0; without labels every picture is a block of its own.

    Raises:
        BadInput: there is not one label a picture.
    """
    if blocks is None:
        return np.arange(count)
    if len(blocks) != count:
        raise BadInput(
            f"{len(blocks)} block labels were given for {count} pictures", next_step="give one label a picture"
        )
    numbers: dict[Hashable, int] = {}
    return np.array([numbers.setdefault(label, len(numbers)) for label in blocks], dtype=np.int64)


def resampled(
    blocks: Int[np.ndarray, "picture"], seed: int, purpose: str, draws: int = DRAWS
) -> Float[np.ndarray, "draws_and_one picture"]:
    """How often each picture occurs in each bootstrap draw; the first row is all ones, the pictures themselves.

    Args:
        blocks: from `block_numbers`; drawn whole, with replacement, as many as there are.
        seed: of the draws.
        purpose: keeps the draws of different sets apart.
        draws: how many.
    """
    count = int(blocks.max()) + 1
    drawn = rng_at(seed, purpose).multinomial(count, np.full(count, 1 / count), size=draws)
    weights: NDArray[np.float64] = np.vstack([np.ones(len(blocks)), drawn[:, blocks]]).astype(np.float64)
    return weights


def bootstrap_interval(
    values: Float[np.ndarray, "draws_and_one"], within: tuple[float, float] = (-math.inf, math.inf)
) -> tuple[float, float]:
    """The 95 % interval around `values[0]`, the figure itself, from the figures of the draws after it.

    Args:
        values: the figure for each row of `resampled`.
        within: what the figure cannot leave.
    """
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(values[1:] - values[1:].mean(), [tail, 1 - tail]) + values[0]
    return float(np.clip(low, *within)), float(np.clip(high, *within))


def share_interval(hits: Bool[np.ndarray, "picture"], blocks: Int[np.ndarray, "picture"]) -> tuple[float, float]:
    """Wilson's 95 % score interval (Wilson 1927) of the share of hits.

    With blocks the number of pictures is divided by the design effect (Kish 1965), the ratio of the variance between
    whole blocks to the variance that independent pictures would have; where all or none hit, blocks are counted.
    """
    n, share = len(hits), float(hits.mean())
    effective: float = int(blocks.max()) + 1
    if 0 < share < 1:
        between = np.square(np.bincount(blocks, weights=hits - share)).sum() / n**2
        effective = n / max(1.0, between * n / (share * (1 - share)))
    spread = _Z**2 / effective
    centre = (share + spread / 2) / (1 + spread)
    half = math.sqrt(spread * (share * (1 - share) + spread / 4)) / (1 + spread)
    return min(share, max(0.0, centre - half)), max(share, min(1.0, centre + half))
