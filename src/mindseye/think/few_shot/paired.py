"""Differences over the same episodes: intervals, Holm's correction, and the rule by which a gain is claimed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from mindseye.think.figure import bootstrap_interval, resampled

LEVEL = 0.05
DRAWS = 4000

Accuracies = Float[np.ndarray, "episode"]


@dataclass(frozen=True)
class Difference:
    """The mean difference of two arms over the same episodes.

    Attributes:
        value, low, high: the mean and its 95 % bootstrap interval over episodes.
        p: two-sided: twice the share of bootstrap means on the other side of 0.
        won: the share of episodes in which the first is better; ties count as not won.
    """

    value: float
    low: float
    high: float
    p: float
    won: float


def difference(ours: Accuracies, theirs: Accuracies) -> Difference:
    """How much better `ours` is than `theirs`."""
    apart = ours - theirs
    weights = resampled(np.arange(len(apart)), 0, "few-shot episodes", DRAWS)
    means = weights @ apart / weights.sum(1)
    low, high = bootstrap_interval(means)
    beyond = min((means[1:] <= 0).sum(), (means[1:] >= 0).sum())
    p = min(1.0, 2 * (1 + float(beyond)) / (1 + DRAWS))
    return Difference(float(apart.mean()), low, high, p, float((apart > 0).mean()))


def holm(ps: Sequence[float]) -> list[float]:
    """P-values corrected for their number (Holm 1979): the i-th smallest of m, times m - i + 1, none below the one
    before it, at most 1."""
    order = np.argsort(ps, kind="stable")
    corrected, least = [0.0] * len(ps), 0.0
    for place, index in enumerate(order):
        least = max(least, min(1.0, (len(ps) - place) * ps[index]))
        corrected[index] = least
    return corrected


@dataclass(frozen=True)
class Verdict:
    """Whether imagination improves recognition at one k.

    Attributes:
        shot: k.
        best: the arm without imagination whose mean is the highest.
        gain: of imagination over it.
        corrected: the p-value, corrected for the number of k.
        placebos: the gains of the placebos over the same arm.
        holds: the gain's interval is above 0, the corrected p below 0.05, and no placebo's interval is above 0.
    """

    shot: int
    best: str
    gain: Difference
    corrected: float
    placebos: dict[str, Difference]

    @property
    def gains(self) -> bool:
        """Whether a gain is shown, by imagination or by what else the placebos share with it."""
        return self.gain.low > 0 and self.corrected < LEVEL

    @property
    def holds(self) -> bool:
        return self.gains and not any(placebo.low > 0 for placebo in self.placebos.values())


def verdicts(
    by_shot: Mapping[int, Mapping[str, Accuracies]], imagination: str, placebos: Sequence[str], others: Sequence[str]
) -> list[Verdict]:
    """The verdict at each k, corrected for all of them.

    Args:
        by_shot: of each k the accuracies of every arm.
        imagination: the arm that is asked about.
        placebos: the same without training, or with wrong labels.
        others: the arms of which it must beat the best.
    """
    found = []
    for shot, arms in by_shot.items():
        best = max(others, key=lambda name: float(arms[name].mean()))
        gains = {name: difference(arms[name], arms[best]) for name in (imagination, *placebos)}
        found.append((shot, best, gains))
    corrected = holm([gains[imagination].p for _, _, gains in found])
    return [
        Verdict(shot, best, gains[imagination], p, {name: gains[name] for name in placebos})
        for (shot, best, gains), p in zip(found, corrected, strict=True)
    ]
