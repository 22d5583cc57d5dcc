"""What a training says of itself while it runs, and when."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from mindseye.train.config import TrainConfig
from mindseye.wording import counted, duration

REPORT_SECONDS = 5.0


@dataclass(frozen=True)
class TrainingProgress:
    """Where a training stands; rates and means are over the seconds since the last report.

    Attributes:
        progress: 0 to 1, the share of the goal reached.
        seconds: trained so far, over all stops.
        eta_seconds: until the goal.
        loss: the sum of the objectives.
        gradient_norm: of all objectives together, before clipping.
        shares: of the time, by what it went to: "wait" (for data), "gradient", "optimiser", "average".
    """

    pictures_seen: int
    progress: float
    seconds: float
    eta_seconds: float
    pictures_per_second: float
    loss: float
    learning_rate: float
    gradient_norm: float
    shares: dict[str, float]

    def __str__(self) -> str:
        return (
            f"{self.progress:6.1%}  {counted(self.pictures_seen, 'picture')}, {self.pictures_per_second:.1f}/s  "
            f"loss {self.loss:.4f}  rate {self.learning_rate:.1e}  gradient {self.gradient_norm:.2f}  "
            f"{duration(self.eta_seconds)} left"
        )


class Report:
    """Gathers figures from one report to the next."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self.steps = 0
        self._loss = self._norm = 0.0
        self._spent: dict[str, float] = defaultdict(float)

    @property
    def due(self) -> bool:
        return self.steps > 0 and time.monotonic() - self._began >= REPORT_SECONDS

    @contextmanager
    def timed(self, what: str) -> Iterator[None]:
        began = time.monotonic()
        yield
        self._spent[what] += time.monotonic() - began

    def add(self, loss: float, norm: float) -> None:
        """The figures of one step."""
        self.steps += 1
        self._loss += loss
        self._norm += norm

    def make(self, pictures_seen: int, seconds: float, config: TrainConfig, learning_rate: float) -> TrainingProgress:
        elapsed = time.monotonic() - self._began
        speed = self.steps * config.batch_size / elapsed
        if config.pictures is not None:
            eta = max(0, config.pictures - pictures_seen) / speed
        else:
            eta = max(0.0, config.goal_seconds - seconds)
        return TrainingProgress(
            pictures_seen=pictures_seen,
            progress=round(config.progress(pictures_seen, seconds), 5),
            seconds=round(seconds, 1),
            eta_seconds=round(eta, 1),
            pictures_per_second=round(speed, 2),
            loss=self._loss / self.steps,
            learning_rate=learning_rate,
            gradient_norm=self._norm / self.steps,
            shares={what: round(spent / elapsed, 4) for what, spent in self._spent.items()},
        )


class Clock:
    """The seconds trained, and when the next sample sheet and the next checkpoint are due.

    Args:
        before: seconds trained before this start.
    """

    def __init__(self, before: float, config: TrainConfig) -> None:
        self._began = time.monotonic() - before
        self._preview_every = 60 * config.preview_minutes
        self._checkpoint_every = 60 * config.checkpoint_minutes
        self._previewed = self._checkpointed = time.monotonic()

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._began

    @property
    def preview_due(self) -> bool:
        return time.monotonic() - self._previewed >= self._preview_every

    @property
    def checkpoint_due(self) -> bool:
        return time.monotonic() - self._checkpointed >= self._checkpoint_every

    def previewed(self) -> None:
        self._previewed = time.monotonic()

    def checkpointed(self) -> None:
        self._checkpointed = time.monotonic()
