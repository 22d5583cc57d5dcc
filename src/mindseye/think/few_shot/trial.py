"""Which settings of each arm are tried, how one of them is chosen, and how an arm does in episodes.

Every arm has its chance: the weight of its examples, their number where it can make any number, and settings of its
own. The choice is made by the mean accuracy on validation-novel concepts. A placebo has the settings of what it stands
beside.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import product
from typing import Any

import numpy as np
from jaxtyping import Float

from mindseye.randomness import rng_at
from mindseye.think.few_shot.arms import (
    Arm,
    Extra,
    Task,
    calibration,
    from_pictures,
    gaussian,
    mixup,
    oracle,
    retrieval,
    shuffled,
)
from mindseye.think.few_shot.classifier import accuracy, fit
from mindseye.think.few_shot.episodes import SPARE, Episode, Pool
from mindseye.think.few_shot.hallucinator import Hallucinator, hallucinated
from mindseye.think.few_shot.space import Base, Values

SUPPORT_ONLY, IMAGINATION, ORACLE = "support only", "imagination", "oracle"
SHARES = (0.25, 0.5, 0.75)
COUNT, MANY = SPARE, 50  # extra examples of each concept; all arms can make COUNT, as many as the oracle has
RATES = (1e-4, 1e-3)  # of the hallucinator's training

Drawn = Mapping[int, Values]


@dataclass(frozen=True)
class Setting:
    """One way to run an arm.

    Attributes:
        share: the weight of extra examples in the classifier's loss.
        count: how many of each concept.
        own: the arm's own settings by name.
        arm: None where nothing is added.
    """

    share: float = 0.0
    count: int = 0
    own: Mapping[str, float] = field(default_factory=dict)
    arm: Arm | None = None

    def as_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {"share": self.share, "count": self.count, **self.own} if self.arm else {}


@dataclass(frozen=True)
class Imagination:
    """An imagination that is put to the test.

    Attributes:
        tried: settings, of which one is chosen.
        untrained: the arm of the same without training, for the setting that was chosen.
    """

    tried: list[Setting]
    untrained: Callable[[Setting], Arm]

    def placebos(self, name: str, chosen: Setting) -> dict[str, Setting]:
        """What must not help, with the settings that were chosen for the imagination itself."""
        assert chosen.arm is not None
        return {
            f"{name}, untrained": replace(chosen, arm=self.untrained(chosen)),
            f"{name}, shuffled labels": replace(chosen, arm=shuffled(chosen.arm)),
        }


def others(base: Base, views: Drawn) -> dict[str, list[Setting]]:
    """Settings of the arms that imagine nothing, in the order of the table.

    Args:
        base: the base concepts.
        views: features of augmented pictures, by the rows that are shown.
    """
    return {
        SUPPORT_ONLY: [Setting()],
        "standard augmentation": tried(partial(from_pictures, drawn=views)),
        "mixup": tried(mixup, (COUNT, MANY), alpha=(0.2, 1.0)),
        "base Gaussian": tried(partial(gaussian, base=base), (COUNT, MANY), scale=(0.5, 1.0)),
        "distribution calibration": tried(partial(calibration, base=base), (COUNT, MANY), alpha=(0.0, 0.01, 0.21)),
        "retrieval": tried(partial(retrieval, base=base), (3, COUNT)),
    }


def feature_imagination(networks: Mapping[float, Hallucinator], beginning: Hallucinator) -> Imagination:
    """The meta-learned hallucinator.

    Args:
        networks: trained ones, by their rate.
        beginning: the same before training.
    """
    settings = [
        replace(setting, own={"rate": rate})
        for rate, network in networks.items()
        for setting in tried(partial(hallucinated, network=network), (COUNT, MANY))
    ]
    return Imagination(settings, lambda chosen: partial(hallucinated, network=beginning))


def picture_imagination(drawn: Mapping[float, Drawn], untrained: Mapping[float, Drawn]) -> Imagination:
    """A model that draws pictures from a picture.

    Args:
        drawn: by the strength of imagination, features of what it drew for each row that is shown.
        untrained: the same before its training, at the same strengths.
    """
    settings = [
        replace(setting, own={"strength": strength})
        for strength, each in drawn.items()
        for setting in tried(partial(from_pictures, drawn=each))
    ]
    return Imagination(settings, lambda chosen: partial(from_pictures, drawn=untrained[chosen.own["strength"]]))


def real_pictures() -> list[Setting]:
    """Settings of the oracle."""
    return tried(oracle)


def tried(arm: Any, counts: Sequence[int] = (COUNT,), **own: Sequence[float]) -> list[Setting]:
    """An arm with every weight, number and combination of its own settings."""
    return [
        Setting(share, count, dict(zip(own, values, strict=True)), partial(arm, **dict(zip(own, values, strict=True))))
        for values in product(*own.values())
        for count in counts
        for share in SHARES
    ]


def accuracies(pool: Pool, episodes: Sequence[Episode], setting: Setting) -> Float[np.ndarray, "episode"]:
    """How an arm does in each episode."""
    _, tasks, extras = zip(*run(pool, episodes, setting), strict=True)
    made = [extra for extra in extras if extra]
    extra = Extra(np.stack([each.rows for each in made]), np.stack([each.targets for each in made])) if made else None
    fitted = fit(np.stack([task.support for task in tasks]), extra, setting.share)
    found = [accuracy(weights, pool, episode) for weights, episode in zip(fitted, episodes, strict=True)]
    return np.array(found)


def run(pool: Pool, episodes: Sequence[Episode], setting: Setting) -> Iterator[tuple[Episode, Task, Extra | None]]:
    """Each episode with what the arm is given and gives. All arms draw from the same random numbers."""
    for episode in episodes:
        task = Task(
            support=pool.features[episode.support],
            rows=episode.support,
            spare=tuple(pool.features[rows] for rows in episode.spare),
        )
        way, shot = episode.support.shape
        rng = rng_at(0, f"{way}-way {shot}-shot extra examples", episode.number)
        yield episode, task, setting.arm(task, setting.count, rng) if setting.arm else None


def choose(pool: Pool, episodes: Sequence[Episode], settings: Sequence[Setting]) -> tuple[Setting, list[float]]:
    """The setting with the highest mean accuracy (of equals the first), and the means of all."""
    means = [float(accuracies(pool, episodes, setting).mean()) for setting in settings]
    return settings[int(np.argmax(means))], means
