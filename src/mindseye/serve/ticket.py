"""A request under way: its rows, what is finished of them, and whether anybody still waits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from mindseye.imagine.family import Progress
from mindseye.imagine.imaginer import Imaginer
from mindseye.imagine.picture import Picture
from mindseye.imagine.prepared import Prepared
from mindseye.report.thinking import candidate_seeds
from mindseye.serve.asked import Asked, Watch
from mindseye.serve.remembered import Remembered

State = Literal["reading", "waiting", "done", "failed", "cancelled"]


class Ticket:
    """A request under way. `state` and `left` change under the service's lock only.

    Attributes:
        asked: what is to be drawn.
        imaginer: the model; once its words were read, with the edits that were asked for.
        watch: told the news.
        state: "reading" its words, "waiting" for or in the hands of a worker, or how it ended.
        left: rows that are not finished.
        late_from: the monotonic time from which it is too late.
        prepared: once its words were read.
    """

    prepared: Prepared

    def __init__(self, asked: Asked, imaginer: Imaginer, watch: Watch, late_from: float) -> None:
        self.asked = asked
        self.imaginer = imaginer
        self.watch = watch
        self.state: State = "reading"
        self.left = len(asked.seeds) * asked.candidates
        self.late_from = late_from
        self.finished: dict[int, dict[int, Picture]] = {place: {} for place in range(len(asked.seeds))}

    @property
    def open(self) -> bool:
        """Whether somebody waits for it."""
        return self.state in ("reading", "waiting")

    def rows(self, arrived: float, seconds_a_row: float) -> list[Row]:
        """Its pictures one by one, candidates included.

        A row is due when it would be finished if its request were alone on one core. In that order nobody is passed
        over for ever, and a picture does not wait behind ten of somebody else's.
        """
        rows: list[Row] = []
        for place, seed in enumerate(self.asked.seeds):
            for candidate, own in enumerate(candidate_seeds(seed, self.asked.candidates)):
                rows.append(Row(self, place, candidate, own, arrived + (len(rows) + 1) * seconds_a_row))
        return rows

    def recalled(self, rows: Sequence[Row], memory: Remembered) -> dict[Row, Picture]:
        """The rows that need not be drawn, with their pictures; for a request whose words were read."""
        request = self.prepared.request
        found = {row: memory.find(self.imaginer, request, row.seed) for row in rows}
        missing = [row for row, picture in found.items() if picture is None]
        if self.asked.any_seed and self.asked.candidates == 1 and request.picture is None:
            found |= dict(zip(missing, memory.find_alike(self.imaginer, request, len(missing)), strict=False))
        return {row: picture for row, picture in found.items() if picture is not None}


@dataclass(eq=False)
class Row:
    """One picture to draw.

    Attributes:
        ticket: of the request.
        place: of the picture in the request.
        candidate: number of the candidate for that place.
        seed: its own.
        due: rows are drawn in the order of this.
        shown: partial pictures that were shown of it.
        seconds: that it took so far: its share, where several are drawn together.
    """

    ticket: Ticket
    place: int
    candidate: int
    seed: int
    due: float
    shown: int = 0
    seconds: float = 0.0

    def goes_with(self, other: Row) -> bool:
        """Whether both can be drawn in one pass; where rows join and leave, each has settings of its own."""
        mine, its = self.ticket, other.ticket
        return mine.imaginer is its.imaginer and (mine.imaginer.joins or mine.prepared.goes_with(its.prepared))

    def partial_due(self, now: Progress) -> bool:
        """Whether the next of its partial pictures is to be shown: they part the way evenly."""
        asked = self.ticket.asked
        if asked.candidates > 1 or self.shown >= asked.partials or now.step >= now.steps:
            return False
        return now.step * (asked.partials + 1) >= now.steps * (self.shown + 1)
