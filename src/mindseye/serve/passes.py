"""Pictures of one model that a worker draws together, where each may begin while others are on their way."""

from __future__ import annotations

import time

from mindseye.imagine.family import Drawing, Progress
from mindseye.imagine.imaginer import Imaginer
from mindseye.serve.ticket import Row


class Pass:
    """The rows that go through the network of a model that `joins`, of any requests. It ends when none is left.

    Attributes:
        imaginer: the model.
    """

    def __init__(self, imaginer: Imaginer) -> None:
        self.imaginer = imaginer
        self._drawings: dict[Row, Drawing] = {}

    @property
    def rows(self) -> list[Row]:
        """Those on their way that somebody waits for."""
        return [row for row in self._drawings if row.ticket.open]

    @property
    def places(self) -> int:
        """How many may join."""
        return self.imaginer.at_once - len(self.rows)

    def begin(self, row: Row) -> None:
        """Takes one in, at its first step."""
        self._drawings[row] = self.imaginer.begin(row.ticket.prepared, row.seed)

    def advance(self) -> list[tuple[Row, Progress]]:
        """One call of the network for those that somebody waits for; the others leave.

        Returns:
            The rows that ended a step by it, with where they stand; the finished ones have left.
        """
        self._drawings = {row: self._drawings[row] for row in self.rows}
        if not self._drawings:
            return []
        began = time.monotonic()
        stepped = self.imaginer.advance(list(self._drawings.values()))
        share = (time.monotonic() - began) / len(self._drawings)
        for row in self._drawings:
            row.seconds += share
        news = [(row, drawing.now) for row, drawing in self._drawings.items() if drawing in stepped]
        for row, now in news:
            if now.step == now.steps:
                del self._drawings[row]
        return news
