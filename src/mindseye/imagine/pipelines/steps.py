"""A pipeline's call, watched from outside: it draws in a thread of its own and tells of each step by its progress bar.

The bar is the one thing that all of the library's pipelines have in common; they ask for it by `self.progress_bar`.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any, Self

import torch


class Stopped(Exception):
    """Nobody listens any more."""


@dataclass
class Bar:
    """Stands in for a progress bar of tqdm: calls `tick(total)` for each step."""

    tick: Callable[[int], None]
    items: Any = None
    total: int | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        pass

    def __iter__(self) -> Iterator[Any]:
        for item in self.items:
            yield item
            self.update()

    def update(self, count: int = 1) -> None:
        for _ in range(count):
            self.tick(len(self.items) if self.total is None else self.total)

    def set_postfix(self, **shown: Any) -> None:
        pass


def steps_of(pipeline: Any, call: Callable[[], Any], turn: threading.Lock) -> Iterator[int | Any]:
    """Yields how many steps there are in all, once a step, and last what `call` returned.

    When the caller stops listening, the pipeline stops at its next step.

    Args:
        pipeline: whose steps are counted.
        call: draws with it.
        turn: held meanwhile, since a pipeline keeps in itself where it stands.

    Raises:
        Exception: what `call` raised.
    """
    news: queue.SimpleQueue[tuple[str, Any]] = queue.SimpleQueue()
    stop = threading.Event()
    threads = torch.get_num_threads()

    def tick(total: int) -> None:
        if stop.is_set():
            raise Stopped
        news.put(("step", total))

    def run() -> None:
        torch.set_num_threads(threads)  # a new thread would begin with torch's own idea of it
        try:
            with turn:
                pipeline.progress_bar = partial(_bar, tick)
                news.put(("done", call()))
        except Stopped:
            pass
        except Exception as error:
            news.put(("failed", error))

    thread = threading.Thread(target=run, name="draw")
    thread.start()
    try:
        while True:
            what, value = news.get()
            if what == "failed":
                raise value
            yield value
            if what == "done":
                return
    finally:
        stop.set()
        thread.join()


def _bar(tick: Callable[[int], None], iterable: Iterable[Any] | None = None, total: int | None = None) -> Bar:
    return Bar(tick, iterable if iterable is None else list(iterable), total)
