"""The service layer: fair, bounded, and every picture as it is drawn alone."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.serve.heard import LONG, Heard, alone, asked

from mindseye.errors import BadInput
from mindseye.imagine.families import family
from mindseye.imagine.family import Settings
from mindseye.imagine.imaginer import Imaginer, load
from mindseye.imagine.painter import FamilyPainter
from mindseye.imagine.request import Request
from mindseye.learn.batch import Words
from mindseye.learn.folder import save_model
from mindseye.learn.learner import PictureFormat
from mindseye.learn.side_by_side import on_threads
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
    TooLate,
)
from mindseye.serve.limits import Limits
from mindseye.serve.remembered import Remembered
from mindseye.serve.service import Service
from mindseye.serve.tally import BREAK_AFTER


@pytest.fixture
def opened() -> Iterator[Callable[..., Service]]:
    """Opens services, and closes them."""
    services = []

    def open_service(*imaginers: Imaginer, **limits: Any) -> Service:
        service = Service({each.name: each for each in imaginers}, Limits(**limits), workers=2)
        services.append(service)
        return service

    yield open_service
    for service in services:
        service.close()


@pytest.fixture(scope="module")
def pixelwise(tiny: Imaginer, tmp_path_factory: pytest.TempPathFactory) -> Imaginer:
    """An untrained model that draws eight pictures in one pass."""
    member = family("pixelrnn")
    config = member.config.for_pictures(PictureFormat(8, 3), "tiny")  # type: ignore[attr-defined]
    about = tiny.about.model_copy(update={"name": "pixelwise", "family": "pixelrnn", "config": config.model_dump()})
    folder = tmp_path_factory.mktemp("models") / "pixelwise"
    save_model(folder, member, member.build(config, 0), about, ["cat"], sheet=None)
    return load(folder, device="cpu")


def test_who_asks_again_is_given_what_was_drawn(tiny: Imaginer) -> None:
    service = Service({"tiny": tiny}, workers=1, remembered=Remembered(10, 0.9))
    try:
        heard = [Heard() for _ in range(3)]
        for one, what in zip(
            heard,
            (asked("a cat", 0, 1), asked("a cat", 1, 2, candidates=1), replace(asked("the cat", 7, 8), any_seed=True)),
            strict=True,
        ):
            service.submit(what, one)
            one.until(Finished)
        first, second, third = (
            [news.picture for news in sorted((n for n in each.told if isinstance(n, Drawn)), key=lambda n: n.place)]
            for each in heard
        )
        assert second[0] is first[1] and service.tally.counts["drawn"] == 3, "seed 1 was there, seed 2 was not"
        assert [picture.story.prompt for picture in third] == ["a cat", "a cat"], "any seed will do, so any words alike"
        assert (service.remembered.same, service.remembered.alike_found, service.tally.counts["finished"]) == (1, 2, 3)
    finally:
        service.close()


@pytest.mark.parametrize("count", [8, pytest.param(100, marks=pytest.mark.slow)])
def test_in_any_company_a_request_has_the_pixels_that_it_has_alone(tiny: Imaginer, opened, count: int) -> None:
    """Requests of 1 to 5 pictures with other prompts, seeds and settings, all at the same time."""
    service = opened(tiny, queued_pictures=5 * count)
    rng = np.random.default_rng(0)
    requests = [
        asked(
            ["a cat", "a smiling cat", ""][index % 3],
            *map(int, rng.integers(0, 2**32, rng.integers(1, 6))),
            guidance=[1.0, 3.0][index % 2],
            negative_prompt="cat" if index % 4 == 1 else "",
            sampler=["heun", "ancestral"][index % 5 == 0],
        )
        for index in range(count)
    ]
    heard = [Heard() for _ in requests]
    for what, watch in zip(requests, heard, strict=True):
        service.submit(what, watch)
    for what, watch in zip(requests, heard, strict=True):
        for drawn, expected in zip(watch.pictures(), alone(tiny, what), strict=True):
            assert np.array_equal(drawn, expected)


def test_pictures_of_several_requests_go_through_one_pass_and_are_those_drawn_alone(
    pixelwise: Imaginer, opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = opened(pixelwise, queued_pictures=30)
    rng = np.random.default_rng(0)
    requests = [
        asked(
            ["a cat", "a dog", ""][index % 3],
            *map(int, rng.integers(0, 2**32, rng.integers(1, 6))),
            model="pixelwise",
        )
        for index in range(6)
    ]
    heard, passes = [Heard() for _ in requests], []
    draw, pictures_asked = pixelwise.painter.draw, sum(len(what.seeds) for what in requests)

    def watched(prompts: Any, *others: Any) -> Any:
        passes.append(len(prompts))
        while service.load[0] + sum(passes) < pictures_asked:  # none is drawn before all have come
            time.sleep(0.01)
        return draw(prompts, *others)

    with monkeypatch.context() as patch:
        patch.setattr(pixelwise.painter, "draw", watched)
        for what, watch in zip(requests, heard, strict=True):
            service.submit(what, watch)
        pictures = [watch.pictures() for watch in heard]
    assert sum(passes) == pictures_asked and max(passes) > 5  # more than any one asked for
    for what, drawn in zip(requests, pictures, strict=True):
        for one, expected in zip(drawn, alone(pixelwise, what), strict=True):
            assert np.array_equal(one, expected)


def test_who_asks_alone_waits_for_nobody_and_who_asks_with_others_does(
    pixelwise: Imaginer, opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a model that draws several in one pass: a lone client's pictures have no company to wait for."""
    service = opened(pixelwise)
    waits: list[float] = []
    wait_for = service._change.wait_for

    def counted(ready: Callable[[], bool], seconds: float) -> bool:
        waits.append(seconds)
        return wait_for(ready, seconds)

    monkeypatch.setattr(service._change, "wait_for", counted)
    for seed in range(3):
        alone = Heard()
        service.submit(asked("a cat", seed, model="pixelwise"), alone)
        assert len(alone.pictures()) == 1
    assert not waits
    both = [Heard(), Heard()]
    with service._change:  # so that neither is drawn before the other has come
        for seed, watch in enumerate(both):
            service.submit(asked("a cat", seed, model="pixelwise"), watch)
    assert all(len(watch.pictures()) == 1 for watch in both)
    assert waits


def test_the_workers_of_a_service_draw_by_themselves(tiny: Imaginer, opened, monkeypatch: pytest.MonkeyPatch) -> None:
    """No picture is handed to another thread: a lone client would wait for that at every step."""
    service = opened(tiny)
    started: list[str] = []
    start = threading.Thread.start

    def noted(thread: threading.Thread) -> None:
        started.append(thread.name)
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", noted)
    heard = Heard()
    service.submit(asked("a cat", 0, 1), heard)
    assert len(heard.pictures()) == 2
    assert [name for name in started if not name.startswith("read")] == []


def test_a_pass_takes_in_what_goes_together_and_nothing_else(pixelwise: Imaginer) -> None:
    """Other prompts and seeds go together; other settings, and a given picture, do not."""
    plain, other_words = (pixelwise.prepare(Request(prompt=prompt)) for prompt in ("a cat", "a dog"))
    assert plain.goes_with(other_words)
    assert not plain.goes_with(pixelwise.prepare(Request(prompt="a cat", temperature=0.5)))
    assert not plain.goes_with(pixelwise.prepare(Request(prompt="a cat", negative_prompt="a dog")))
    png = (Path(__file__).parents[2] / "docs" / "pictures" / "vae.png").read_bytes()
    first, second = (pixelwise.prepare(Request(prompt="a cat", picture=png, keep=0.5)) for _ in range(2))
    assert not plain.goes_with(first) and not first.goes_with(second) and first.goes_with(first)


def test_partial_pictures_come_in_order_before_the_picture_and_become_it(tiny: Imaginer, opened) -> None:
    heard = Heard()
    opened(tiny).submit(asked("a cat", 3, partials=3, steps=8), heard)
    [picture] = heard.pictures()
    kinds = [type(news) for news in heard.told]
    assert kinds == [Accepted, Partial, Partial, Partial, Drawn, Finished]
    partials = [news for news in heard.told if isinstance(news, Partial)]
    assert [partial.number for partial in partials] == [0, 1, 2]
    away = [np.abs(partial.picture.pixels.astype(int) - picture).mean() for partial in partials]
    assert away[0] > away[2], "each is nearer to what it becomes"


def test_cancelled_it_stops_within_a_step_and_its_place_is_free(tiny: Imaginer, opened) -> None:
    service = opened(tiny, queued_pictures=2)
    heard = Heard()
    ticket = service.submit(asked("a cat", 0, 1, partials=1, **LONG), heard)
    heard.until(Accepted)
    with pytest.raises(Busy):
        service.submit(asked(), Heard())
    service.cancel(ticket)
    after = Heard()
    service.submit(asked(), after)
    after.until(Finished, seconds=10)
    assert service.load == (0, 0)
    assert service.tally.counts["cancelled"] == 1 and service.tally.counts["drawn"] == 1


@pytest.mark.parametrize("count", [40, pytest.param(200, marks=pytest.mark.slow)])
def test_half_of_the_requests_are_cancelled_and_none_of_them_is_begun_after(tiny: Imaginer, opened, count: int) -> None:
    service = opened(tiny, queued_pictures=count)
    half = count // 2
    heard = [Heard() for _ in range(count)]
    tickets = [service.submit(asked("a cat", seed, steps=1), watch) for seed, watch in enumerate(heard)]
    cancelled = set(np.random.default_rng(0).permutation(count)[:half].tolist())
    for index in cancelled:
        service.cancel(tickets[index])
    for index, watch in enumerate(heard):
        if index not in cancelled:
            watch.until(Finished)
    states = [ticket.state for ticket in tickets]
    late = sum(state == "done" for index, state in enumerate(states) if index in cancelled)
    assert states.count("done") == half + late and states.count("cancelled") == half - late
    assert service.tally.counts["drawn"] <= half + late + 2, "at most what was in the two workers' hands"
    assert service.load == (0, 0)


def test_beyond_the_queue_a_request_is_refused_at_once_and_told_when_to_come_again(tiny: Imaginer, opened) -> None:
    service = opened(tiny, queued_pictures=4)
    tickets = [service.submit(asked("a cat", 0, 1, **LONG), Heard()) for _ in range(2)]
    began = time.monotonic()
    with pytest.raises(Busy) as refused:
        service.submit(asked(), Heard())
    assert time.monotonic() - began < 0.5 and 1 <= refused.value.retry_seconds <= 60
    for ticket in tickets:
        service.cancel(ticket)


def test_what_takes_longer_than_it_may_is_stopped(tiny: Imaginer, opened) -> None:
    heard = Heard()
    opened(tiny, request_seconds=0.05).submit(asked("a cat", *range(10), **LONG), heard)
    failed = heard.until(Failed, Finished)
    assert isinstance(failed, Failed) and isinstance(failed.error, TooLate)


def test_what_takes_longer_than_it_may_is_told_so_while_every_worker_is_busy_with_it(
    tiny: Imaginer, tiny_folder: Path, opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    stuck, gate, heard = load(tiny_folder, device="cpu"), threading.Event(), Heard()
    begin = stuck.ours.begin

    def waits(*arguments: Any) -> Any:
        gate.wait(60)
        return begin(*arguments)

    monkeypatch.setattr(stuck.painter, "begin", waits)
    opened(stuck, request_seconds=0.3).submit(asked("a cat", *range(10), model=stuck.name), heard)
    failed = heard.until(Failed, Finished)
    assert isinstance(failed, Failed) and isinstance(failed.error, TooLate) and not gate.is_set()
    gate.set()


def test_a_small_request_does_not_wait_behind_a_large_one(tiny: Imaginer, opened) -> None:
    service = opened(tiny)
    large, small = Heard(), Heard()
    service.submit(asked("a cat", *range(10), steps=8), large)
    large.until(Accepted)
    service.submit(asked("a cat", 99, steps=8), small)
    small.until(Finished)
    assert service.load[1] > 0, "the large one is still under way"
    large.until(Finished)


def test_a_loss_ends_its_own_request_only_and_three_in_a_minute_let_the_model_rest(
    tiny: Imaginer, tiny_folder: Path, opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = load(tiny_folder, device="cpu")
    other.name = "frail"

    def run_out(*arguments: Any) -> Any:
        raise MemoryError

    service = opened(tiny, other)
    monkeypatch.setattr(other.painter, "begin", run_out)
    for _ in range(BREAK_AFTER):
        assert service.ready
        lost, well = Heard(), Heard()
        service.submit(asked(model="frail"), lost)
        service.submit(asked(), well)
        end = lost.until(Failed)
        assert isinstance(end, Failed) and isinstance(end.error, Lost)
        well.until(Finished)
    assert service.tally.resting == ["frail"] and not service.ready
    with pytest.raises(Busy):
        service.submit(asked(model="frail"), Heard())
    again = Heard()
    service.submit(asked(), again)
    again.until(Finished)


def test_closing_lets_what_is_under_way_end_and_takes_nothing_new(tiny: Imaginer, opened) -> None:
    service = opened(tiny)
    heard = Heard()
    service.submit(asked("a cat", 0, 1, 2), heard)
    closing = threading.Thread(target=service.close, args=(30,))
    closing.start()
    assert len(heard.pictures()) == 3
    closing.join(30)
    assert not closing.is_alive()
    with pytest.raises(Closing):
        service.submit(asked(), Heard())


def test_closing_without_grace_stops_what_is_under_way_within_a_step(tiny: Imaginer, opened) -> None:
    service = opened(tiny)
    heard = Heard()
    service.submit(asked("a cat", *range(10), **LONG), heard)
    heard.until(Accepted)
    began = time.monotonic()
    service.close()
    assert time.monotonic() - began < 10
    end = heard.until(Failed)
    assert isinstance(end, Failed) and isinstance(end.error, Closing)


@pytest.mark.parametrize(
    ("what", "field"),
    [
        (asked("a cat", *range(11)), "count"),
        (asked("a cat", candidates=17), "think"),
        (asked("a cat", steps=201), "steps"),
        (asked("a cat", candidates=2), "think"),
    ],
)
def test_more_than_the_limits_or_the_model_allow_is_refused_by_name(
    tiny: Imaginer, opened, what: Asked, field: str
) -> None:
    with pytest.raises(BadInput) as refused:
        opened(tiny).submit(what, Heard())
    assert refused.value.field == field


def test_what_the_model_cannot_do_is_told_as_the_first_news(tiny: Imaginer, opened) -> None:
    heard = Heard()
    opened(tiny).submit(asked("a cat", temperature=0.5), heard)
    end = heard.until(Failed, Accepted)
    assert isinstance(end, Failed) and end.error.field == "temperature"


def test_a_model_is_a_name_and_never_a_path(tiny: Imaginer, opened) -> None:
    service = opened(tiny)
    for name in ("other", "", "../tiny", str(tiny.path), "tiny/"):
        with pytest.raises(NotFound):
            service.submit(asked(model=name), Heard())


def test_prompts_are_read_as_elsewhere_by_whichever_thread_has_to(tiny: Imaginer) -> None:
    """A worker draws on one core; what it has to read anew, since many prompts came since, has the bytes it had."""
    threads: list[int] = []

    class Noting:
        def encode(self, captions: Any) -> Words:
            threads.append(torch.get_num_threads())
            return tiny.ours.encoder.encode(captions)

    painter = FamilyPainter(tiny.path, tiny.ours.family, tiny.ours.model, tiny.ours.about)
    painter.encoder = Noting()  # type: ignore[assignment]
    before = torch.get_num_threads()
    with on_threads(before + 1):
        [*_] = painter.draw(["a cat"], "a dog", [0], Settings(steps=1))
        assert torch.get_num_threads() == before + 1
    assert threads == [before, before], "the prompt, and what is steered away from"
