"""The service: models opened once, a bounded queue, and as many workers as the machine can use.

Every picture is a row of its own. A worker takes the row that is due first and, where the model draws several in one
pass (`Imaginer.at_once`), those that go with it, of whichever requests. So requests share the machine picture by
picture as they come, and since a picture depends on its own seed and prompt alone, it has the bytes that it has alone.

Where the model lets them (`Imaginer.joins`), newcomers join those that are on their way before the next call of its
network, and each leaves as it is finished. Else they wait for the pass to end.

On a processor a worker is one core, and a row one drawing on it: a newcomer is begun as soon as any core has finished
a picture. Between two steps a worker looks whether somebody still waits for what it draws, and if nobody does, drops
it.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Generator, Iterator, Mapping, Sequence, Set
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import replace
from typing import cast

import torch
from jaxtyping import Float
from torch import Tensor

from mindseye.errors import BadInput, MindseyeError
from mindseye.imagine.family import Progress
from mindseye.imagine.imaginer import Imaginer
from mindseye.imagine.picture import Picture
from mindseye.learn.device import casts_kept
from mindseye.serve.asked import (
    Accepted,
    Asked,
    Busy,
    Closing,
    Drawn,
    Failed,
    Finished,
    Lost,
    NotFound,
    Partial,
    Resting,
    TooLate,
    Watch,
)
from mindseye.serve.limits import Limits
from mindseye.serve.models import open_models
from mindseye.serve.passes import Pass
from mindseye.serve.remembered import Remembered
from mindseye.serve.tally import BREAK_AFTER, BREAK_SECONDS, Tally
from mindseye.serve.thinking import Thinking
from mindseye.serve.ticket import Row, State, Ticket
from mindseye.serve.waiting import Waiting
from mindseye.think.thinker import Thinker

GATHER_SECONDS = 0.01  # how long a worker waits for company, where none can join a pass that is under way

log = logging.getLogger(__name__)


class Service:
    """Models that draw for many at a time.

    Args:
        workers: that draw at a time; one a core unless given, and one for a graphics card.
        remembered: where finished pictures are kept for those who ask again, if they are to be.

    Attributes:
        imaginers: the models by name, the default one first.
        limits: what a request may take.
        tally: what is counted.
    """

    def __init__(
        self,
        imaginers: Mapping[str, Imaginer],
        limits: Limits | None = None,
        *,
        workers: int | None = None,
        remembered: Remembered | None = None,
    ) -> None:
        self.imaginers = dict(imaginers)
        self.limits = limits or Limits()
        self.tally = Tally(self.imaginers)
        self.remembered = Remembered(0) if remembered is None else remembered
        self._change = threading.Condition()
        self._waiting = Waiting()
        self._tickets: set[Ticket] = set()
        self._thinking = {name: Thinking(imaginer) for name, imaginer in self.imaginers.items()}
        self._closing = self._closed = False
        self._shared = False  # whether the last pass was for more than one request
        threads = torch.get_num_threads()
        if workers is None:
            workers = threads if all(each.device.type == "cpu" for each in self.imaginers.values()) else 1
        self._reader = ThreadPoolExecutor(1, "read")
        self._workers = [
            threading.Thread(target=self._work, name=f"draw-{index}", daemon=True) for index in range(workers)
        ]
        self._clock = threading.Thread(target=self._watch_the_clock, name="clock", daemon=True)
        for thread in (*self._workers, self._clock):
            thread.start()

    @classmethod
    def open(cls, models: Sequence[str], limits: Limits | None = None, remembered: Remembered | None = None) -> Service:
        """Opens models by their names or folders; the first is the default one.

        Raises:
            BadInput: there is no such model, or two have the same name.
        """
        return cls(open_models(models), limits, remembered=remembered)

    def add(self, name: str, imaginer: Imaginer) -> None:
        """Takes in one more model, under this name; a newer one of the same folder takes the place of the older one.

        Raises:
            BadInput: there is another model of this name.
        """
        there = self.imaginers.get(name)
        if there is not None and there.path != imaginer.path:
            raise BadInput(f"there is another model called {name[:80]!r} here", next_step="give this one another name")
        imaginer.painter.tokens("ready")
        named = Imaginer(imaginer.path, name, imaginer.painter, imaginer.about, imaginer.edits)
        thinking = Thinking(named)
        with self._change:
            self.tally.add(name)
            self._thinking[name], self.imaginers[name] = thinking, named

    # ------------------------------------------------------------------------------------------------ doors

    def imaginer(self, name: str | None) -> Imaginer:
        """The model called `name`, or the default one.

        Raises:
            NotFound: there is none.
        """
        if name is None:
            return next(iter(self.imaginers.values()))
        if name not in self.imaginers:
            raise NotFound(
                f"there is no model {name[:80]!r} here",
                next_step=f"use one of {', '.join(self.imaginers)}",
                field="model",
            )
        return self.imaginers[name]

    def submit(self, asked: Asked, watch: Watch) -> Ticket:
        """Takes a request into the queue and returns at once.

        Args:
            asked: what to draw.
            watch: called with the news, from other threads; it must return at once and raise nothing.

        Raises:
            NotFound: there is no such model.
            BadInput: it asks for more than the limits allow.
            Busy: so many pictures wait already.
            Closing: the service is being shut down.
        """
        imaginer = self.imaginer(asked.model)
        self.limits.check(asked)
        if asked.candidates > 1:
            self.thinker(asked.model)
        arrived = time.monotonic()
        ticket = Ticket(asked, imaginer, watch, arrived + self.limits.request_seconds)
        with self._change:
            self._admit(ticket)
            self._tickets.add(ticket)
            self._change.notify_all()  # the clock has one more to look at
        self._reader.submit(self._read, ticket, arrived)
        return ticket

    def cancel(self, ticket: Ticket) -> None:
        """Nobody waits for this request any more: what is being drawn of it stops within one step."""
        self._end(ticket, "cancelled")

    @property
    def load(self) -> tuple[int, int]:
        """How many pictures wait, and how many are not finished in all."""
        with self._change:
            return len(self._waiting), sum(ticket.left for ticket in self._tickets)

    @property
    def ready(self) -> bool:
        """Whether requests are taken, for every model."""
        return not self._closing and not self.tally.resting

    def close(self, grace_seconds: float = 0.0) -> None:
        """Takes no more requests, lets those that are here end for so long, and stops the others within one step."""
        until = time.monotonic() + grace_seconds
        with self._change:
            self._closing = True
            while self._tickets and (left := until - time.monotonic()) > 0:
                self._change.wait(left)
            unfinished = list(self._tickets)
        for ticket in unfinished:
            self._fail(ticket, Closing("the server is being shut down", next_step="ask again when it is back"))
        with self._change:
            self._closed = True
            self._change.notify_all()
        for thread in (*self._workers, self._clock):
            thread.join()
        self._reader.shutdown()

    # -------------------------------------------------------------------------------------------- admission

    def thinker(self, name: str) -> Thinker:
        """The thinker of the model called `name`, opened once.

        Raises:
            BadInput: it has none.
        """
        return self._thinking[name].thinker()

    def _admit(self, ticket: Ticket) -> None:
        name = ticket.asked.model
        if self._closing:
            raise Closing("the server is being shut down", next_step="ask again when it is back")
        if name in self.tally.resting:
            raise Resting(f"{name} rests: it was lost {BREAK_AFTER} times in a minute", retry_seconds=BREAK_SECONDS)
        ahead = sum(each.left for each in self._tickets)
        if ahead + ticket.left > self.limits.queued_pictures:
            self.tally.counts["refused"] += 1
            over = ahead + ticket.left - self.limits.queued_pictures
            raise Busy(
                "too many pictures wait already",
                retry_seconds=min(60.0, max(1.0, over * self.tally.seconds[name] / len(self._workers))),
                why=f"{ahead} are under way and {self.limits.queued_pictures} are the most",
            )

    def _read(self, ticket: Ticket, arrived: float) -> None:
        """In the reader's thread: words and picture, then into the queue."""
        if not ticket.open:
            return
        with self._at_the_risk_of({ticket}):
            request = ticket.asked.request
            ticket.imaginer = ticket.imaginer.edited(request.edits)
            ticket.prepared = ticket.imaginer.prepare(request.without_edits)
            rows = ticket.rows(arrived, self.tally.seconds[ticket.asked.model])
            found = ticket.recalled(rows, self.remembered)
        if not ticket.open:
            return
        ticket.watch(Accepted(ticket.prepared.tokens, ticket.prepared.notes))
        with self._change:
            if ticket.open:
                ticket.state = "waiting"
                self._waiting.add(row for row in rows if row not in found)
                self._change.notify_all()
        for row, picture in found.items():
            self._finish(row, picture)

    # --------------------------------------------------------------------------------------------- drawing

    def _work(self) -> None:
        torch.set_num_threads(1)
        while rows := self._take():
            imaginer = rows[0].ticket.imaginer
            with casts_kept(imaginer.device):
                (self._draw_and_let_join if imaginer.joins else self._draw)(rows)

    def _take(self) -> list[Row]:
        """The row that is due first and those that go with it; none when the service is closed."""
        with self._change:
            while not self._waiting:
                if self._closed:
                    return []
                self._change.wait()
            imaginer = self._waiting.first.ticket.imaginer
            company = self._shared or len(self._tickets) > 1  # who asks alone waits for nobody
            if imaginer.at_once > 1 and company and not imaginer.joins:
                self._change.wait_for(lambda: len(self._waiting) >= imaginer.at_once, GATHER_SECONDS)
                if not self._waiting:  # another worker was quicker, or nobody waits any more
                    return self._take()
            rows = self._waiting.take()
            self._shared = len({row.ticket for row in rows}) > 1
            return rows

    def _draw_and_let_join(self, rows: Sequence[Row]) -> None:
        """Draws these and those who join them on the way, until nobody is left."""
        going = Pass(rows[0].ticket.imaginer)
        while rows or going.rows:
            for row in rows:
                with self._at_the_risk_of({row.ticket}):
                    going.begin(row)
            with self._at_the_risk_of({row.ticket for row in going.rows}):
                for row, now in going.advance():
                    with self._at_the_risk_of({row.ticket}):
                        if now.step == now.steps:
                            self._drawn(row, now.pictures)
                        else:
                            self._show_partial(row, now)
            with self._change:
                rows = self._waiting.take_newcomers(going)

    def _draw(self, rows: Sequence[Row]) -> None:
        """Draws these together from the first step to the last."""
        began = time.monotonic()
        imaginer, now = rows[0].ticket.imaginer, None
        with self._at_the_risk_of({row.ticket for row in rows}):
            steps = imaginer.draw([row.ticket.prepared for row in rows], [row.seed for row in rows])
            with closing(cast("Generator[Progress]", steps)):
                for now in steps:
                    if not any(row.ticket.open for row in rows):
                        return
                    for index, row in enumerate(rows):
                        self._show_partial(row, replace(now, pictures=now.pictures[index : index + 1]))
            assert now is not None
            seconds = (time.monotonic() - began) / len(rows)
            for index, row in enumerate(rows):
                row.seconds = seconds
                self._drawn(row, now.pictures[index : index + 1])

    @contextmanager
    def _at_the_risk_of(self, tickets: Set[Ticket]) -> Iterator[None]:
        """What goes wrong in here ends these requests, and no others."""
        try:
            yield
        except MindseyeError as error:
            for ticket in tickets:
                self._fail(ticket, error)
        except Exception:
            self._lose(tickets)

    def _show_partial(self, row: Row, now: Progress) -> None:
        ticket = row.ticket
        if ticket.open and row.partial_due(now):
            [picture] = ticket.imaginer.finished(ticket.prepared, [row.seed], now.pictures)
            ticket.watch(Partial(row.place, row.shown, picture))
            row.shown += 1

    def _drawn(self, row: Row, pictures: Float[Tensor, "1 channel height width"]) -> None:
        """Every step of a row is done."""
        ticket = row.ticket
        [picture] = ticket.imaginer.finished(ticket.prepared, [row.seed], pictures)
        self.remembered.add(ticket.imaginer, ticket.prepared.request, row.seed, picture)
        with self._change:
            self.tally.drawn(ticket.asked.model, row.seconds)
        if ticket.open:
            self._finish(row, picture)

    def _finish(self, row: Row, picture: Picture) -> None:
        ticket = row.ticket
        with self._change:
            candidates = ticket.finished[row.place]
            candidates[row.candidate] = picture
            ticket.left -= 1
            whole = len(candidates) == ticket.asked.candidates
        if whole:
            picture = self._thinking[ticket.asked.model].shown([candidates[at] for at in sorted(candidates)])
            ticket.watch(Drawn(row.place, picture))
            with self._change:
                candidates.clear()
                last = ticket.left == 0 and not any(ticket.finished.values())
            if last and self._end(ticket, "done"):
                ticket.watch(Finished())

    # ------------------------------------------------------------------------------------------------- ends

    def _watch_the_clock(self) -> None:
        """In a thread of its own, since workers are busy: ends what takes too long, wherever it is."""
        while not self._closed:
            with self._change:
                now = time.monotonic()
                late = [ticket for ticket in self._tickets if ticket.late_from <= now]
                if not late and not self._closed:
                    next_late = min((ticket.late_from for ticket in self._tickets), default=None)
                    self._change.wait(None if next_late is None else next_late - now)
            for ticket in late:
                self._fail(ticket, TooLate.after(self.limits.request_seconds))

    def _end(self, ticket: Ticket, state: State) -> bool:
        """Ends a request; False if it had ended before."""
        with self._change:
            if not ticket.open:
                return False
            ticket.state = state
            self.tally.counts["finished" if state == "done" else state] += 1
            if state == "done":
                self.tally.finished(time.monotonic() - (ticket.late_from - self.limits.request_seconds))
            self._waiting.drop(ticket)
            self._tickets.discard(ticket)
            self._change.notify_all()
            return True

    def _fail(self, ticket: Ticket, error: MindseyeError) -> None:
        if self._end(ticket, "failed"):
            ticket.watch(Failed(error))

    def _lose(self, tickets: Set[Ticket]) -> None:
        """What was raised is a mistake of ours, or the memory is full: only these requests of a model end by it."""
        [model] = {ticket.asked.model for ticket in tickets}
        log.exception("a drawing of %s was lost", model)
        self.tally.lost(model)
        for ticket in tickets:
            self._fail(ticket, Lost("the drawing was lost", why="a mistake of the server", next_step="ask again"))
