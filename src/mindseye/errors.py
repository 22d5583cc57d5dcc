"""The errors a person can meet: each says what went wrong, why, and what to do next.

Everything that a user's input, data or machine can cause is a `MindseyeError`; the command line prints it
without a traceback and leaves with its exit code. Any other exception is a bug of ours.
"""

from __future__ import annotations


class MindseyeError(Exception):
    """What happened (naming the file, field or value), why, and what to do next.

    Args:
        what: one sentence that names the thing concerned, e.g. "cat.png cannot be read".
        why: the cause, as far as it is known.
        next_step: what the person can do about it.
        field: the setting or field of a request that is concerned, for programs; "" if it is none.
    """

    exit_code = 2

    def __init__(self, what: str, *, why: str = "", next_step: str = "", field: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.why = why
        self.next_step = next_step
        self.field = field

    def __str__(self) -> str:
        return "\n".join(
            line
            for line in (
                self.what,
                f"  why:  {self.why}" if self.why else "",
                f"  next: {self.next_step}" if self.next_step else "",
            )
            if line
        )


class BadInput(MindseyeError):
    """A value, file, folder or request that cannot be used as it is (exit code 2)."""


class Unavailable(MindseyeError):
    """The machine lacks something: disk space, a permission, an optional package (exit code 3)."""

    exit_code = 3


class NotFinite(MindseyeError):
    """Training met a loss or gradient that is not a finite number and stopped before using it (exit code 4)."""

    exit_code = 4
