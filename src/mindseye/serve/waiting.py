"""The rows that no worker has begun, and who is next."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import takewhile

from mindseye.serve.passes import Pass
from mindseye.serve.ticket import Row, Ticket


class Waiting:
    """Rows in the order in which they are due. It is looked at and changed under the service's lock only."""

    def __init__(self) -> None:
        self._rows: list[Row] = []

    def __len__(self) -> int:
        return len(self._rows)

    @property
    def first(self) -> Row:
        """The one that is due first, if there is any."""
        return self._rows[0]

    def add(self, rows: Iterable[Row]) -> None:
        """More of them."""
        self._rows = sorted([*self._rows, *rows], key=lambda row: row.due)

    def drop(self, ticket: Ticket) -> None:
        """Nobody waits for the rows of this request any more."""
        self._rows = [row for row in self._rows if row.ticket is not ticket]

    def take(self) -> list[Row]:
        """Takes the first and those that go with it, as many as its model draws in one pass."""
        first = self.first
        return self._out([row for row in self._rows if row.goes_with(first)][: first.ticket.imaginer.at_once])

    def take_newcomers(self, going: Pass) -> list[Row]:
        """Takes those who join a pass: as many as have a place in it, and none that is due after a row of another
        model, which waits for the pass to end."""
        due_first = takewhile(lambda row: row.ticket.imaginer is going.imaginer, self._rows)
        return self._out(list(due_first)[: going.places])

    def _out(self, rows: list[Row]) -> list[Row]:
        self._rows = [row for row in self._rows if row not in rows]
        return rows
