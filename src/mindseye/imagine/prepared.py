"""A request made ready: checked against what the model can do, its words and its given picture read once."""

from __future__ import annotations

from dataclasses import dataclass

from mindseye.errors import BadInput
from mindseye.imagine.family import Abilities, Settings
from mindseye.imagine.given import Fitted
from mindseye.imagine.request import Request
from mindseye.learn.batch import Words


@dataclass(frozen=True)
class Prepared:
    """A request that a model can draw.

    Attributes:
        request: what was asked for.
        words: its prompt, one row.
        negative: its negative prompt, one row; None if it has none.
        start: the picture that it goes on from, as the model sees it; None if it has none.
        notes: what a person should know before trusting the pictures.
    """

    request: Request
    words: Words
    negative: Words | None
    start: Fitted | None
    notes: tuple[str, ...]

    def goes_with(self, other: Prepared) -> bool:
        """Whether pictures of both can be drawn in one pass: they may differ in their prompts and seeds only."""
        same_settings = all(
            getattr(self.request, name) == getattr(other.request, name) for name in Settings.model_fields
        )
        return same_settings and (self.negative is None) == (other.negative is None) and self.start is other.start


def check(request: Request, *, model: str, family: str, size: int, abilities: Abilities) -> None:
    """Whether a model can do what is asked.

    Args:
        request: what is asked.
        model: its name, for the message.
        family: of the model.
        size: edge of its pictures in pixels.
        abilities: what its family can do.

    Raises:
        BadInput: it cannot; the error names the field.
    """
    if request.size not in (None, size):
        raise BadInput(
            f"size cannot be {request.size}: {model} draws at {size} px",
            next_step=f"leave size out, or train a model at {request.size} px",
            field="size",
        )
    for field, able in (
        ("prompt", abilities.prompt),
        ("negative_prompt", abilities.negative_prompt),
        ("guidance", abilities.guidance),
        ("sampler", bool(abilities.samplers)),
        ("steps", abilities.steps),
        ("temperature", abilities.temperature),
        ("top_p", abilities.top_p),
        ("keep", abilities.complete),
        ("mask", abilities.complete),
        ("strength", abilities.vary),
    ):
        if getattr(request, field) not in (None, "") and not able:
            raise BadInput(f"{field}: {family} models do not have it", next_step=f"leave {field} out", field=field)
    if request.sampler and request.sampler not in abilities.samplers:
        raise BadInput(
            f"sampler: there is no {request.sampler!r}",
            next_step=f"choose one of {', '.join(abilities.samplers)}",
            field="sampler",
        )
