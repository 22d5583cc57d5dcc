"""Numbers as a person reads them."""

from __future__ import annotations


def counted(count: int, noun: str, several: str = "") -> str:
    """How many of what: "1 picture", "1,317 pictures".

    Args:
        noun: the word for one.
        several: the word for another number of them; `noun` and an s unless given.
    """
    return f"{count:,} {noun if count == 1 else several or noun + 's'}"


def three_digits(value: float) -> str:
    """A measured figure, no finer than it was measured: 0.412, 16.5, 1,234."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def duration(seconds: float) -> str:
    """Seconds as a person reads them: 0.4 s, 12 s, 3 min 20 s, 2 h 5 min."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if not minutes:
        return f"{rest} s"
    hours, minutes_left = divmod(minutes, 60)
    return f"{hours} h {minutes_left} min" if hours else f"{minutes} min {rest} s"
