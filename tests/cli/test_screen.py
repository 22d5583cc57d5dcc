"""What a training shows on a terminal."""

from __future__ import annotations

import io
import os
import pty
import subprocess
import sys
import time
from dataclasses import replace

import pytest
from rich.console import Console

from mindseye.cli.screen import STEPS, Screen, clock, training_screen
from mindseye.train.progress import TrainingProgress

NOW = TrainingProgress(
    pictures_seen=1952,
    progress=0.1234,
    seconds=120.0,
    eta_seconds=2650.4,
    pictures_per_second=16.49,
    loss=0.12345,
    learning_rate=1e-3,
    gradient_norm=0.4213,
    shares={},
)


def seen(screen: Screen, columns: int = 80) -> str:
    page = io.StringIO()
    Console(file=page, width=columns).print(screen)
    return page.getvalue()


def test_what_goes_on_is_said_before_there_are_figures() -> None:
    screen = Screen("opening squares")
    assert "opening squares  0:00" in seen(screen)
    screen.doing("compiling the step, a minute or two")
    assert "compiling the step, a minute or two  0:00" in seen(screen) and "opening" not in seen(screen)


def test_how_long_it_goes_on_is_counted_from_where_it_began(monkeypatch: pytest.MonkeyPatch) -> None:
    screen, began = Screen("opening squares"), time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: began + 61)
    assert "opening squares  1:0" in seen(screen)
    screen.doing("reading 12 pictures")
    monkeypatch.setattr(time, "monotonic", lambda: began + 64)
    screen.doing("reading 12 pictures")  # the same once more is not a new beginning
    assert "reading 12 pictures  0:03" in seen(screen)


def test_the_figures_are_share_loss_rate_gradient_speed_and_time_left() -> None:
    screen = Screen("opening squares")
    screen.doing(STEPS)
    screen.show(NOW)
    line = seen(screen)
    assert "12% loss 0.1235  lr 1.0e-03  grad 0.421  16.5 pictures/s  44:10 left" in line
    assert "--:--" not in line


def test_between_the_steps_it_says_what_it_does_instead() -> None:
    screen = Screen("opening squares")
    screen.show(NOW)
    screen.doing("saving a checkpoint")
    assert "12% saving a checkpoint  0:00" in seen(screen) and "loss" not in seen(screen)
    screen.doing(STEPS)
    assert "loss 0.1235" in seen(screen)


def test_the_time_left_runs_down_between_two_reports(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = Screen(STEPS)
    screen.show(NOW)
    later = time.monotonic() + 11
    monkeypatch.setattr(time, "monotonic", lambda: later)
    assert "43:59 left" in seen(screen)


@pytest.mark.parametrize(
    "now",
    [
        NOW,
        replace(NOW, progress=1.0, loss=12.3456, gradient_norm=98.76, pictures_per_second=1234.5, eta_seconds=5025.0),
        replace(NOW, pictures_per_second=0.04123, eta_seconds=86_000.0, gradient_norm=0.01234),
    ],
)
def test_the_line_fits_a_terminal_of_80_columns_whole(now: TrainingProgress) -> None:
    screen = Screen(STEPS)
    screen.show(now)
    [line] = seen(screen).splitlines()
    assert len(line) <= 80 and line.rstrip().endswith("left") and "\u2026" not in line


@pytest.mark.parametrize(("seconds", "text"), [(0.9, "0:00"), (42, "0:42"), (2650, "44:10"), (3723, "1:02:03")])
def test_a_clock_reads_well(seconds: float, text: str) -> None:
    assert clock(seconds) == text


def test_without_a_terminal_nothing_is_drawn(capsys: pytest.CaptureFixture[str]) -> None:
    with training_screen("opening squares") as watch:
        watch.doing("reading 12 pictures")
    assert watch.show is None and capsys.readouterr() == ("", "")


def test_a_terminal_is_not_blank_while_everything_heavy_is_still_to_come() -> None:
    """In a terminal of its own: what stands there before the first import of torch, and what is left at the end."""
    code = """if True:
        import sys
        from mindseye.cli import console
        from mindseye.cli.screen import training_screen
        with training_screen("opening squares") as watch:
            console.say(f"heavy: {[name for name in ('torch', 'numpy', 'pydantic') if name in sys.modules]}")
    """
    terminal, theirs = pty.openpty()
    with subprocess.Popen([sys.executable, "-c", code], stderr=theirs, stdout=theirs, stdin=theirs) as process:
        os.close(theirs)
        written = b""
        while chunk := read(terminal):
            written += chunk
    os.close(terminal)
    assert process.returncode == 0
    text = written.decode()
    assert 0 < text.index("opening squares  0:00") < text.index("heavy: []")
    assert text.rindex("\x1b[?25h") > text.rindex("\x1b[?25l"), "the cursor is there again"


def read(terminal: int) -> bytes:
    """What was written, or nothing once the other side is closed."""
    try:
        return os.read(terminal, 4096)
    except OSError:
        return b""
