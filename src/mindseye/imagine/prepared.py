"""A request made ready: checked against what the model can do, its given picture read once."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

from mindseye.errors import BadInput
from mindseye.imagine.family import Abilities, Blend, Given, Prompt, Seed, Settings
from mindseye.imagine.given import Fitted
from mindseye.imagine.request import Request


@dataclass(frozen=True)
class Prepared:
    """A request that a model can draw.

    Attributes:
        request: what was asked for.
        tokens: of its prompt, as the model counts them.
        start: the picture that it goes on from, as the model sees it; None if it has none.
        notes: what a person should know before trusting the pictures.
    """

    request: Request
    tokens: int
    start: Fitted | None
    notes: tuple[str, ...]

    @property
    def told(self) -> dict[str, Any]:
        """What a picture's story says of the request."""
        request = self.request
        return {
            "prompt": request.prompt,
            "negative_prompt": request.negative_prompt,
            "given_sha256": hashlib.sha256(request.picture).hexdigest() if request.picture else "",
            "keep": request.keep,
            "masked": request.mask is not None,
            "strength": request.strength,
            "notes": self.notes,
        }

    @property
    def given(self) -> Given | None:
        """That picture as a family takes it."""
        return self.start.given if self.start else None

    def goes_with(self, other: Prepared) -> bool:
        """Whether pictures of both can be drawn in one pass: they may differ in their prompts and seeds only."""
        same = all(
            getattr(self.request, name) == getattr(other.request, name)
            for name in (*Settings.model_fields, "negative_prompt")
        )
        return same and self.start is other.start


def check(request: Request, *, model: str, kind: str, size: int, abilities: Abilities) -> None:
    """Whether a model can do what is asked.

    Args:
        request: what is asked.
        model: its name, for the message.
        kind: of model.
        size: edge of its pictures in pixels, unless another is asked for.
        abilities: what it can do.

    Raises:
        BadInput: it cannot; the error names the field.
    """
    if request.size not in (None, size):
        _check_size(request.size, model, size, abilities.size_multiple)
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
            raise BadInput(f"{field}: {kind} models do not have it", next_step=f"leave {field} out", field=field)
    if request.sampler and request.sampler not in abilities.samplers:
        raise BadInput(
            f"sampler: there is no {request.sampler!r}",
            next_step=f"choose one of {', '.join(abilities.samplers)}",
            field="sampler",
        )


def way(
    begin: Request, end: Request, count: int, *, kind: str, abilities: Abilities
) -> tuple[list[Prompt], list[Seed]]:
    """Prompts and seeds of the pictures on the way from one request to another.

    Args:
        begin, end: what the first and the last picture are asked for.
        count: pictures on the way, with these two.
        kind, abilities: as for `check`.

    Raises:
        BadInput: the model cannot go there, the requests differ in more than prompt and seed, or a count below 2.
    """
    if begin.picture is not None:
        raise BadInput("a way begins with words alone", next_step="leave the picture out")
    if begin.model_copy(update={"prompt": end.prompt, "seed": end.seed}) != end:
        raise BadInput("only the prompt and the seed can change on the way", next_step="leave the rest as it is")
    if count < 2:
        raise BadInput(f"count cannot be {count}: a way has two ends", next_step="ask for 2 or more")
    if begin.seed != end.seed and not abilities.blend:
        raise BadInput(f"seed: {kind} models cannot go from one seed to another")
    if begin.prompt != end.prompt and not abilities.blend_prompts:
        raise BadInput(f"prompt: {kind} models cannot go from one prompt to another")
    shares = [step / (count - 1) for step in range(count)]
    prompts = [begin.prompt if begin.prompt == end.prompt else Blend(begin.prompt, end.prompt, s) for s in shares]
    seeds = [begin.seed if begin.seed == end.seed else Blend(begin.seed, end.seed, share) for share in shares]
    return prompts, seeds


def _check_size(asked: int, model: str, own: int, multiple: int) -> None:
    """Whether it can draw at another size than its own."""
    if not multiple:
        raise BadInput(
            f"size cannot be {asked}: {model} draws at {own} px",
            next_step=f"leave size out, or train a model at {asked} px",
            field="size",
        )
    if asked % multiple:
        raise BadInput(
            f"size cannot be {asked}: {model} draws at multiples of {multiple} px",
            next_step=f"ask for {max(1, round(asked / multiple)) * multiple}, or leave size out for {own}",
            field="size",
        )
