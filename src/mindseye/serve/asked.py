"""What is asked of the service, and the news that it gives while it draws. Doors speak in these."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from mindseye.errors import BadInput, MindseyeError, Unavailable
from mindseye.imagine.picture import Picture
from mindseye.imagine.request import Request


@dataclass(frozen=True)
class Asked:
    """Pictures to draw.

    Attributes:
        model: its name in the service.
        request: prompt and settings; its own count and seed are not looked at.
        seeds: one a picture.
        candidates: drawn for each picture, the best of which is shown.
        partials: unfinished pictures to show on the way, for each picture; there are none where candidates compete,
            and none in families that draw in one step.
        any_seed: whether the seeds were made up here, so that another picture of the prompt would do as well.
    """

    model: str
    request: Request
    seeds: tuple[int, ...]
    candidates: int = 1
    partials: int = 0
    any_seed: bool = False


@dataclass(frozen=True)
class Accepted:
    """The request can be drawn and waits for its turn. Every door hears this, or `Failed`, first.

    Attributes:
        tokens: of the prompt that are read.
        notes: what a person should know before trusting the pictures.
    """

    tokens: int
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Partial:
    """How picture `place` looks on the way; `number` counts from 0."""

    place: int
    number: int
    picture: Picture


@dataclass(frozen=True)
class Drawn:
    """Picture `place` is finished."""

    place: int
    picture: Picture


@dataclass(frozen=True)
class Finished:
    """Every picture is: the last news."""


@dataclass(frozen=True)
class Failed:
    """The request ends here: the last news."""

    error: MindseyeError


News = Accepted | Partial | Drawn | Finished | Failed
Watch = Callable[[News], None]


class NotFound(BadInput):
    """There is nothing of that name."""


class Busy(Unavailable):
    """Not now: so much waits already, or something is still being made ready.

    Attributes:
        retry_seconds: when it is worth asking again.
    """

    def __init__(self, what: str, *, retry_seconds: float, why: str = "") -> None:
        super().__init__(what, why=why, next_step=f"ask again in {retry_seconds:.0f} s")
        self.retry_seconds = retry_seconds


class Resting(Busy):
    """The model was lost too often of late, and is left alone for a while."""


class TooLate(Unavailable):
    """The request took longer than it may."""

    @classmethod
    def after(cls, seconds: float) -> TooLate:
        """For a request that may take so long."""
        return cls(
            f"the request took longer than {seconds:g} s",
            next_step="ask for fewer pictures or steps, or again when there is less to do",
        )


class Closing(Unavailable):
    """The service is being shut down."""


class Lost(Unavailable):
    """A drawing was lost by a mistake of ours or for lack of memory; the next one may well succeed."""
