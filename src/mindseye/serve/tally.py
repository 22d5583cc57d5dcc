"""What is counted of a service: how requests end, how long they take, and how often a model was lost."""

from __future__ import annotations

import math
import time
from collections import Counter, deque
from collections.abc import Iterable

FIRST_GUESS_SECONDS = 1.0  # a row's time before any was measured
MEMORY = 0.8  # of the running mean of a row's time
BREAK_AFTER, BREAK_SECONDS = 3, 60.0  # so many losses of a model in so many seconds, and it rests for as long

TOOK = (1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, math.inf)


class Tally:
    """The counts of a service for these models.

    Attributes:
        counts: "drawn" pictures, and requests "finished", "refused", "failed" and "cancelled".
        took: how many of the finished requests took up to each of `TOOK` seconds, and more than the one before.
        took_seconds: all of them together.
        seconds: a picture of each model took of late.
    """

    def __init__(self, models: Iterable[str]) -> None:
        self.counts: Counter[str] = Counter()
        self.took, self.took_seconds = dict.fromkeys(TOOK, 0), 0.0
        self.seconds: dict[str, float] = {}
        self._losses: dict[str, deque[float]] = {}
        for model in models:
            self.add(model)

    def add(self, model: str) -> None:
        """One more model, or another one in the place of it."""
        self.seconds.setdefault(model, FIRST_GUESS_SECONDS)
        self._losses.setdefault(model, deque(maxlen=BREAK_AFTER))

    def drawn(self, model: str, seconds: float) -> None:
        """A picture was drawn, and took so long: its share of the time, where several are drawn together."""
        self.counts["drawn"] += 1
        self.seconds[model] = MEMORY * self.seconds[model] + (1 - MEMORY) * seconds

    def finished(self, seconds: float) -> None:
        """A request was finished so long after it came."""
        self.took[next(bound for bound in TOOK if seconds <= bound)] += 1
        self.took_seconds += seconds

    def lost(self, model: str) -> None:
        """A drawing of it was lost."""
        self._losses[model].append(time.monotonic())

    @property
    def resting(self) -> list[str]:
        """The models that were lost too often of late; they draw again after a while."""
        since = time.monotonic() - BREAK_SECONDS
        return [model for model, times in self._losses.items() if len(times) == BREAK_AFTER and times[0] > since]
