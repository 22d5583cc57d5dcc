"""A training on a terminal: one line that says what is going on, from the first moment to the last."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from mindseye.wording import three_digits

if TYPE_CHECKING:
    from rich.table import Table

    from mindseye.train.progress import TrainingProgress

STEPS = "training"  # what `mindseye.train` says it is doing while its steps go on


class Watch(NamedTuple):
    """What to hand to `mindseye.train`."""

    doing: Callable[[str], None]
    show: Callable[[TrainingProgress], None] | None


@contextmanager
def training_screen(doing: str) -> Iterator[Watch]:
    """Shows a training on a terminal while the block runs; elsewhere nothing, so that the training writes lines.

    Args:
        doing: what goes on at first, in a few words.
    """
    if not sys.stderr.isatty():
        yield Watch(lambda words: None, None)
        return
    from rich.console import Console
    from rich.live import Live

    screen = Screen(doing)
    terminal = Console(stderr=True, soft_wrap=True)
    with Live(screen, console=terminal, refresh_per_second=4, transient=True, redirect_stdout=False):
        yield Watch(screen.doing, screen.show)


class Screen:
    """The line: what is being done and for how long; once there are figures, a bar with them, in 80 columns."""

    def __init__(self, doing: str) -> None:
        from rich.spinner import Spinner

        self._spinner = Spinner("dots")
        self._doing, self._since = doing, time.monotonic()
        self._now: TrainingProgress | None = None
        self._shown = 0.0  # when the figures came

    def doing(self, words: str) -> None:
        """Takes note of what begins now."""
        if words != self._doing:
            self._doing, self._since = words, time.monotonic()

    def show(self, progress: TrainingProgress) -> None:
        """Takes note of new figures."""
        self._now, self._shown = progress, time.monotonic()

    def __rich__(self) -> Table:
        from rich.progress_bar import ProgressBar
        from rich.table import Table
        from rich.text import Text

        line = Table.grid(padding=(0, 1), expand=True)
        busy = f"{self._doing}  {clock(time.monotonic() - self._since)}"
        if self._now is None:
            line.add_column()
            line.add_column(ratio=1, no_wrap=True)
            line.add_row(self._spinner, Text(busy))
            return line
        left = max(0.0, self._now.eta_seconds - (time.monotonic() - self._shown))
        line.add_column(ratio=1)
        line.add_column(no_wrap=True)
        line.add_column(no_wrap=True)
        words = figures(self._now, left) if self._doing == STEPS else busy
        line.add_row(ProgressBar(total=1, completed=self._now.progress), f"{self._now.progress:.0%}", Text(words))
        return line


def figures(now: TrainingProgress, left_seconds: float) -> str:
    """How it goes, and for how long yet; "grad" is the norm of the gradient."""
    return (
        f"loss {now.loss:.4f}  lr {now.learning_rate:.1e}  grad {now.gradient_norm:.3g}"
        f"  {three_digits(now.pictures_per_second)} pictures/s  {clock(left_seconds)} left"
    )


def clock(seconds: float) -> str:
    """A time that moves: 0:42, 44:10, 1:02:03."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes_left = divmod(minutes, 60)
    return f"{hours}:{minutes_left:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
