"""Two contenders side by side: turns A B A B ..., medians and spreads; and whole programs in a process of their own."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

AS_IT_COMES = "as it comes: float32, uncompiled"  # of a peer that is not tuned
PEAK = Path(__file__).with_name("peak.py")


@dataclass(frozen=True)
class Runner:
    """One contender, built and ready.

    Attributes:
        name: for people.
        parameters: of its network.
        amount: what one call handles: pictures, or floating-point operations.
        call: does it once.
    """

    name: str
    parameters: int
    amount: float
    call: Callable[[], Any]


@dataclass(frozen=True)
class Rate:
    """Amount a second over several turns."""

    median: float
    low: float
    high: float
    turns: int

    @classmethod
    def of(cls, values: Sequence[float]) -> Rate:
        return cls(statistics.median(values), min(values), max(values), len(values))

    @property
    def spread(self) -> list[float]:
        """The slowest and the fastest turn."""
        return [float(f"{self.low:.4g}"), float(f"{self.high:.4g}")]


def race(*runners: Runner, turns: int, turn_seconds: float) -> list[Rate]:
    """The rates of runners that take turns, after a call each to warm up (and compile).

    Args:
        runners: two as a rule.
        turns: of each.
        turn_seconds: a turn is as many calls as it takes to fill this.
    """
    for runner in runners:
        runner.call()
    rates: list[list[float]] = [[] for _ in runners]
    for _ in range(turns):
        for runner, mine in zip(runners, rates, strict=True):
            calls, began = 0, time.perf_counter()
            while not calls or time.perf_counter() - began < turn_seconds:
                runner.call()
                calls += 1
            mine.append(calls * runner.amount / (time.perf_counter() - began))
    return [Rate.of(mine) for mine in rates]


@dataclass(frozen=True)
class Program:
    """What a whole program took."""

    seconds: float
    peak_mib: float


def run_program(command: Sequence[str | Path]) -> Program:
    """Runs a command in a process of its own, its output to standard error; its time and its peak memory.

    It is started by the small `peak.py`, because Linux counts the memory of the process that starts another as the
    other's, too.

    Raises:
        RuntimeError: it failed.
    """
    done = subprocess.run(  # our own command lines
        [sys.executable, "-S", "-E", PEAK, *map(str, command)], stdout=subprocess.PIPE, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"this failed: {' '.join(map(str, command))}")
    told = json.loads(done.stdout)
    return Program(told["seconds"], told["peak_mib"])


def race_programs(*commands: Sequence[str | Path], turns: int) -> list[list[Program]]:
    """Whole programs that take turns; the first turn of each, which warms the disk cache, is not counted."""
    for command in commands:
        run_program(command)
    taken: list[list[Program]] = [[] for _ in commands]
    for _ in range(turns):
        for command, mine in zip(commands, taken, strict=True):
            mine.append(run_program(command))
    return taken
