"""Drawings side by side: each in its own order, errors come through, and nothing runs on when nobody listens."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from mindseye.learn.side_by_side import on_threads, side_by_side

CPU = torch.device("cpu")


def counting(start: int, count: int) -> Iterator[int]:
    for number in range(start, start + count):
        time.sleep(0.001)
        yield number


def test_everything_comes_once_and_in_its_own_order() -> None:
    got: dict[int, list[int]] = {}
    for which, item in side_by_side([partial(counting, 100 * task, 5) for task in range(7)], CPU):
        got.setdefault(which, []).append(item)
    assert got == {task: [100 * task + number for number in range(5)] for task in range(7)}


def test_each_runs_on_one_thread_and_torch_has_its_own_again_afterwards() -> None:
    before = torch.get_num_threads()

    def threads() -> Iterator[int]:
        yield torch.get_num_threads()

    assert [item for _, item in side_by_side([threads] * 3, CPU)] == [1, 1, 1]
    assert torch.get_num_threads() == before


def test_who_has_one_thread_works_in_it_and_waits_for_no_other() -> None:
    """As a server's worker does: neither a thread for each picture nor a hand-over for each step."""

    def thread() -> Iterator[int]:
        for _ in range(3):
            yield threading.get_ident()

    with on_threads(1):
        assert {ident for _, ident in side_by_side([thread] * 2, CPU)} == {threading.get_ident()}
    with on_threads(2):
        assert threading.get_ident() not in {ident for _, ident in side_by_side([thread] * 2, CPU)}


class Casts(TorchDispatchMode):
    """Counts how often tensors of two dimensions change their type."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.count += func is torch.ops.aten._to_copy.default and args[0].ndim == 2 and args[0].shape[0] > 1
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize("threads", [1, 2])
def test_a_drawing_casts_each_weight_once_and_the_next_drawing_sees_the_weights_of_then(threads: int) -> None:
    network = torch.nn.Linear(3, 2)
    counts = []

    def drawing() -> Iterator[torch.Tensor]:
        with Casts() as casts:
            for _ in range(3):
                with torch.no_grad(), torch.autocast("cpu", dtype=torch.bfloat16):
                    out = network(torch.ones(1, 3))
                assert not torch.is_autocast_enabled("cpu")  # between its calls nothing is cast
                yield out
            counts.append(casts.count)

    with on_threads(threads):
        drawn = [item for _, item in side_by_side([drawing], CPU)]
        network.weight.data += 1
        again = [item for _, item in side_by_side([drawing], CPU)]
    assert counts == [1, 1]
    assert torch.equal(drawn[0], drawn[2])
    assert (again[0] > drawn[0] + 2).all()


def test_an_error_in_one_is_raised_where_they_are_listened_to() -> None:
    def broken() -> Iterator[int]:
        yield 1
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        list(side_by_side([broken, partial(counting, 0, 1000)], CPU))


def test_when_nobody_listens_any_more_all_of_them_end() -> None:
    running = side_by_side([partial(counting, 0, 10**6) for _ in range(4)], CPU)
    next(running)
    running.close()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("draw")]
