"""Several drawings at once, each on one core.

A small network on one picture is too little work to share between cores: its threads spend their time waiting for each
other, and on a busy machine they stand still. A picture on one core each wastes nothing, and its bytes do not depend on
how many cores there are.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from typing import TypeVar

import torch

from mindseye.learn.device import casts_kept

Item = TypeVar("Item")


@contextmanager
def on_threads(count: int) -> Iterator[None]:
    """Computes on so many threads, wherever it is called from: sums in another order have other last bits."""
    threads = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def one_thread() -> AbstractContextManager[None]:
    """Work too small to share between cores is done on one: on a busy machine sharing it takes ten times as long."""
    return on_threads(1)


def side_by_side(tasks: Sequence[Callable[[], Iterator[Item]]], device: torch.device) -> Iterator[tuple[int, Item]]:
    """Runs iterators and yields (which one, what it gave) as it comes; each gives in its own order.

    On a processor as many run at a time as torch has threads, each on a thread of its own. Where that is one thread, as
    in a server's worker, and elsewhere than on a processor, they run one after another in the caller's own, which then
    waits for no other; until the last is through it must not change what they compute with (`casts_kept`). When the
    caller stops listening, each running one ends at its next item.

    Raises:
        Exception: what a task raised; the others are stopped.
    """
    threads = torch.get_num_threads()
    if device.type != "cpu" or threads == 1:
        with casts_kept(device):
            for index, task in enumerate(tasks):
                for item in task():
                    yield index, item
        return
    news: queue.SimpleQueue[tuple[int, Item] | Exception | None] = queue.SimpleQueue()
    stop = threading.Event()

    def run(index: int) -> None:
        try:
            with casts_kept(device):
                for item in tasks[index]():
                    if stop.is_set():
                        return
                    news.put((index, item))
        except Exception as error:
            news.put(error)
        else:
            news.put(None)

    pool = ThreadPoolExecutor(min(threads, len(tasks)), "draw", initializer=torch.set_num_threads, initargs=(1,))
    try:
        for index in range(len(tasks)):
            pool.submit(run, index)
        unfinished = len(tasks)
        while unfinished:
            new = news.get()
            if new is None:
                unfinished -= 1
            elif isinstance(new, Exception):
                raise new
            else:
                yield new
    finally:
        stop.set()
        pool.shutdown(cancel_futures=True)
        torch.set_num_threads(threads)  # what a worker set is also what threads begun later would have
