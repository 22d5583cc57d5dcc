"""Newcomers join the pictures that are on their way, and each leaves as it is finished: on a processor that is told to
draw four in one pass, as a graphics card draws sixteen. One worker, so that who comes can join or wait, and nothing
else; time is counted in calls of the network."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import numpy as np
import pytest
from tests.serve.heard import LONG, Heard, alone, asked

from mindseye.imagine.family import Drawing
from mindseye.imagine.imaginer import Imaginer, load
from mindseye.serve.asked import Accepted, Asked, Drawn, Failed, Finished, Lost, News, Partial
from mindseye.serve.limits import Limits
from mindseye.serve.service import Service
from mindseye.serve.tally import BREAK_AFTER
from mindseye.serve.ticket import Ticket

PLACES = 4


class Calls:
    """Notes the calls of a model's network, and lets something happen before one of them, in the worker.

    Attributes:
        taken_on: how many drawings each call took on.
        apart: calls that took on drawings which were not at the same step.
        before: what is to happen before the call of that number, counted from 0.
    """

    def __init__(self, imaginer: Imaginer, patch: pytest.MonkeyPatch) -> None:
        self.taken_on: list[int] = []
        self.apart = 0
        self.before: dict[int, Callable[[], Any]] = {}
        advance = imaginer.ours.advance

        def noted(drawings: Sequence[Drawing]) -> Sequence[Drawing]:
            self.before.pop(len(self.taken_on), lambda: None)()
            self.taken_on.append(len(drawings))
            self.apart += len({drawing.now.step for drawing in drawings}) > 1
            return advance(drawings)

        patch.setattr(imaginer.painter, "advance", noted)


class Timed(Heard):
    """What a request was told; `ended` is how many calls there had been when it was finished."""

    def __init__(self, calls: Calls) -> None:
        super().__init__()
        self._calls, self.ended = calls, -1

    def __call__(self, news: News) -> None:
        if isinstance(news, Finished):
            self.ended = len(self._calls.taken_on)
        super().__call__(news)


@pytest.fixture(scope="module")
def card(tiny_folder: Path) -> Iterator[Callable[[], Imaginer]]:
    """Opens the tiny model on a processor that draws four in one pass."""
    with pytest.MonkeyPatch.context() as patch:
        for module in ("groups", "painter"):
            patch.setattr(f"mindseye.imagine.{module}.rows_of_a_pass", lambda device, at_once=1: PLACES)
        yield lambda: load(tiny_folder, device="cpu")


@pytest.fixture(scope="module")
def tiny(card: Callable[[], Imaginer]) -> Imaginer:
    """One of them that every test may use."""
    imaginer = card()
    assert imaginer.joins and imaginer.at_once == PLACES
    return imaginer


@pytest.fixture
def calls(tiny: Imaginer, monkeypatch: pytest.MonkeyPatch) -> Calls:
    return Calls(tiny, monkeypatch)


@pytest.fixture
def opened() -> Iterator[Callable[..., Service]]:
    """Opens services of one worker, and closes them."""
    services = []

    def open_service(*imaginers: Imaginer) -> Service:
        service = Service({each.name: each for each in imaginers}, Limits(queued_pictures=100), workers=1)
        services.append(service)
        return service

    yield open_service
    for service in services:
        service.close()


def come(service: Service, *requests: tuple[Asked, Heard]) -> None:
    """Submits requests, and waits until they can be taken."""
    tickets = [service.submit(what, watch) for what, watch in requests]
    while any(ticket.state == "reading" for ticket in tickets):
        time.sleep(0.001)


def euler(seed: int, steps: int, **fields: Any) -> Asked:
    """One picture, which takes as many calls as steps."""
    return asked("a cat", seed, **{"sampler": "euler", "steps": steps, **fields})


def test_a_newcomer_joins_between_two_steps_and_is_finished_before_the_first(
    tiny: Imaginer, calls: Calls, opened
) -> None:
    service = opened(tiny)
    first, second = euler(1, 20), euler(2, 2, guidance=1.0)
    heard = Timed(calls), Timed(calls)
    calls.before[3] = lambda: come(service, (second, heard[1]))
    service.submit(first, heard[0])
    pictures = [watch.pictures() for watch in heard]
    assert calls.taken_on == [1] * 4 + [2] * 2 + [1] * 14
    assert [watch.ended for watch in heard] == [20, 6]
    for what, [drawn] in zip((first, second), pictures, strict=True):
        assert np.array_equal(drawn, alone(tiny, what)[0])


def test_whoever_joins_whomever_has_the_pixels_that_it_has_alone(tiny: Imaginer, calls: Calls, opened) -> None:
    """60 requests, each with settings of its own, that come while others are drawn."""
    service = opened(tiny)
    rng = np.random.default_rng(0)
    png = (Path(__file__).parents[2] / "docs" / "pictures" / "vae.png").read_bytes()
    requests = [
        asked(
            ["a cat", "a smiling cat with a very long tail", ""][rng.integers(3)],
            int(rng.integers(2**32)),
            steps=int(rng.integers(1, 5)),
            sampler=["heun", "euler", "adams-bashforth", "ancestral"][rng.integers(4)],
            guidance=[0.0, 1.0, 3.0, 7.5][rng.integers(4)],
            negative_prompt=["", "", "cat"][rng.integers(3)],
            **[{}, {}, {"picture": png, "keep": 0.5}, {"picture": png, "strength": 0.6}][rng.integers(4)],
        )
        for _ in range(60)
    ]
    heard = [Heard() for _ in requests]
    to_come = list(zip(requests, heard, strict=True))

    def some_come() -> None:
        """None, one or two; one at least where all that are under way might end by this call."""
        count = max(int(rng.integers(0, 3)), service.load[1] <= PLACES)
        come(service, *(to_come.pop(0) for _ in range(min(count, len(to_come)))))

    calls.before = dict.fromkeys(range(1000), some_come)
    service.submit(*to_come.pop(0))
    pictures = [watch.pictures() for watch in heard]
    assert max(calls.taken_on) == PLACES and calls.apart > 20, "they were not at the same step"
    for what, [drawn] in zip(requests, pictures, strict=True):
        assert np.array_equal(drawn, alone(tiny, what)[0]), what


def test_each_leaves_after_its_own_steps(tiny: Imaginer, calls: Calls, opened) -> None:
    service = opened(tiny)
    heard = [Timed(calls) for _ in range(4)]
    others = [(euler(seed, steps), heard[seed]) for seed, steps in ((1, 1), (2, 3), (3, 6))]
    calls.before[0] = lambda: come(service, *others)
    service.submit(euler(0, 10), heard[0])
    for watch in heard:
        watch.until(Finished)
    assert [watch.ended for watch in heard] == [10, 2, 4, 7]
    assert calls.taken_on == [1, 4, 3, 3, 2, 2, 2, 1, 1, 1]


def test_who_leaves_makes_room_within_one_step(tiny: Imaginer, calls: Calls, opened) -> None:
    service = opened(tiny)
    leaver: SimpleQueue[Ticket] = SimpleQueue()
    others, next_one = asked("a cat", *range(PLACES - 1), sampler="euler", **LONG), Timed(calls)
    calls.before[0] = lambda: come(service, (others, Heard()))
    calls.before[1] = lambda: come(service, (euler(99, 2), next_one))
    calls.before[5] = lambda: service.cancel(leaver.get())
    leaver.put(service.submit(asked("a cat", 9, sampler="euler", **LONG), Heard()))  # the worker begins at once
    next_one.until(Finished)
    assert calls.taken_on[:8] == [1, *[PLACES] * 7] and next_one.ended == 8, "two calls after the one of the leaver"
    assert service.load == (0, PLACES - 1), "the others are on their way"


def test_another_model_s_row_is_not_starved_by_a_stream_of_newcomers(
    tiny: Imaginer, calls: Calls, card: Callable[[], Imaginer], opened
) -> None:
    other = card()
    other.name = "other"
    service = opened(tiny, other)
    service.tally.seconds["other"] = 0.0  # it is due when it comes
    stream, waits = [Heard() for _ in range(40)], Timed(calls)
    for number in range(1, 40):
        calls.before[number] = lambda number=number: come(service, (euler(number, 3), stream[number]))
    calls.before[0] = lambda: come(service, (euler(0, 3), stream[0]), (euler(50, 3), Heard()))
    calls.before[8] = lambda: come(service, (Asked("other", euler(0, 2).request, (0,)), waits))
    service.submit(euler(60, 3), Heard())
    waits.until(Finished)
    assert min(calls.taken_on[1:9]) == 3, "newcomers join, each for three calls"
    assert calls.taken_on[9:11] == [2, 1] and waits.ended == 11, "until a row of the other model waits"


def test_partial_pictures_of_a_newcomer_come_at_its_own_steps(tiny: Imaginer, calls: Calls, opened) -> None:
    service, heard = opened(tiny), Heard()
    what = asked("a cat", 3, partials=3, steps=8)
    calls.before[3] = lambda: come(service, (what, heard))
    service.submit(euler(1, 30), Heard())
    heard.until(Finished)
    assert [type(news) for news in heard.told] == [Accepted, Partial, Partial, Partial, Drawn, Finished]
    assert calls.taken_on.count(2) == 15, "two calls in each step but for the last"
    stands = [tiny.shown(now.pictures)[0] for now in tiny.sample(what.request, [3])]
    shown = [news.picture.pixels for news in heard.told if isinstance(news, Partial | Drawn)]
    for picture, step in zip(shown, (2, 4, 6, 8), strict=True):
        assert np.array_equal(picture, stands[step - 1])


@pytest.mark.parametrize("where", ["begin", "finished"])
def test_an_error_in_one_row_leaves_the_others(
    tiny: Imaginer, calls: Calls, opened, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    service, lost, joined, first = opened(tiny), Heard(), Heard(), Heard()
    right = getattr(tiny, where)

    def run_out(prepared: Any, seeds: Any, *others: Any) -> Any:
        if seeds in (13, [13]):
            raise MemoryError
        return right(prepared, seeds, *others)

    with monkeypatch.context() as patch:
        patch.setattr(tiny, where, run_out)
        calls.before[2] = lambda: come(service, (euler(13, 2), lost), (euler(2, 3), joined))
        service.submit(euler(1, 9), first)
        end = lost.until(Failed)
        assert isinstance(end, Failed) and isinstance(end.error, Lost)
        pictures = [joined.pictures()[0], first.pictures()[0]]
    together = {"begin": [2, 2, 2], "finished": [3, 3, 2]}[where]
    assert calls.taken_on == [1, 1, 1, *together, 1, 1, 1], "they joined, and went on"
    for drawn, what in zip(pictures, (euler(2, 3), euler(1, 9)), strict=True):
        assert np.array_equal(drawn, alone(tiny, what)[0])


def test_a_lost_call_ends_those_that_were_in_it_counts_once_and_who_waits_is_drawn_next(
    tiny: Imaginer, calls: Calls, opened
) -> None:
    service, later, lost = opened(tiny), Heard(), [Heard() for _ in range(BREAK_AFTER)]

    def run_out() -> None:
        come(service, (euler(9, 2), later))
        raise MemoryError

    calls.before |= {1: lambda: come(service, *((euler(2, 9), watch) for watch in lost[1:])), 4: run_out}
    service.submit(euler(1, 9), lost[0])
    for watch in lost:
        end = watch.until(Failed)
        assert isinstance(end, Failed) and isinstance(end.error, Lost)
    assert np.array_equal(later.pictures()[0], alone(tiny, euler(9, 2))[0])
    assert calls.taken_on == [1, 1, 3, 3, 1, 1] and service.ready
