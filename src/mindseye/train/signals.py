"""Ctrl-C, SIGTERM and a closed terminal: the first asks the training to save and stop, the second leaves at once."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from collections.abc import Iterator
from types import FrameType

SIGNALS = [signal.Signals[name] for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]


class Interrupted(KeyboardInterrupt):
    """The person, or the system, asked the training to stop; what was done is saved.

    Attributes:
        exit_code: 130 for SIGINT, 143 for SIGTERM, 129 for SIGHUP, as shells expect.
    """

    def __init__(self, signal_number: int) -> None:
        super().__init__(f"stopped by {signal.Signals(signal_number).name}")
        self.signal_number = signal_number
        self.exit_code = 128 + signal_number


class StopRequest:
    """What the signals have asked for so far.

    Attributes:
        signal_number: of the signal that asked to stop; 0 while none did.
        at_once: whether to raise `Interrupted` from within the handler, since there is nothing to save yet.
    """

    def __init__(self) -> None:
        self.signal_number = 0
        self.at_once = True

    def receive(self, signal_number: int, frame: FrameType | None) -> None:
        if self.signal_number:
            os._exit(128 + signal_number)
        self.signal_number = signal_number
        if self.at_once:
            raise Interrupted(signal_number)

    def from_now_on_at_once(self) -> None:
        """There is nothing left to save: whoever asks to stop, or has asked, stops at once.

        Raises:
            Interrupted: somebody has asked.
        """
        self.at_once = True
        if self.signal_number:
            raise Interrupted(self.signal_number)


@contextlib.contextmanager
def stop_request() -> Iterator[StopRequest]:
    """Listens to `SIGNALS` while the block runs; from another thread than the main one, to nothing.

    An ignored SIGHUP stays so: `nohup` asks for a training that outlives its terminal.
    """
    request = StopRequest()
    if threading.current_thread() is not threading.main_thread():
        yield request
        return
    before = {number: signal.signal(number, request.receive) for number in SIGNALS if not _left_to_nohup(number)}
    try:
        yield request
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _left_to_nohup(number: signal.Signals) -> bool:
    return number.name == "SIGHUP" and signal.getsignal(number) is signal.SIG_IGN
