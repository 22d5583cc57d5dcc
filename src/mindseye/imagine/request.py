"""What to draw: the one request type of the command line, Python and everything that serves."""

from __future__ import annotations

from typing import Any, Self

from pydantic import Field, model_validator

from mindseye.imagine.family import Settings
from mindseye.randomness import SEED_LIMIT
from mindseye.settings import checked


class Request(Settings):
    """A prompt and how to draw it. Picture i uses `seed + i`, so any one of them can be drawn again alone.

    With a picture to go on from it says what is to become of it: `keep` or `mask` completes it, `strength` varies it.
    """

    prompt: str = Field(max_length=2000, description="what to draw; may be empty")
    negative_prompt: str = Field("", max_length=2000, description="what to steer away from")
    seed: int = Field(0, ge=0, lt=SEED_LIMIT, description="of the first picture, 0 to 2^32 - 1")
    count: int = Field(1, ge=1, le=64, description="pictures to draw, 1 to 64")
    picture: bytes | None = Field(None, strict=True, repr=False, description="the bytes of a picture to go on from")
    keep: float | None = Field(None, gt=0, lt=1, description="share of the given picture that stays, from the top")
    mask: bytes | None = Field(
        None, strict=True, repr=False, description="the bytes of a picture, white or transparent where to draw anew"
    )
    strength: float | None = Field(
        None, ge=0, le=1, description="how far to go from the given picture: 0 is the picture, 1 keeps nothing of it"
    )
    edits: tuple[str, ...] = Field((), max_length=64, description="names of the corrections to draw with")

    @model_validator(mode="after")
    def _picture_with_a_purpose(self) -> Self:
        purposes = [name for name in ("keep", "mask", "strength") if getattr(self, name) is not None]
        if self.picture is None and purposes:
            raise ValueError(f"{purposes[0]} needs a picture")
        if self.picture is not None and len(purposes) != 1:
            raise ValueError("a picture needs one of keep, mask and strength")
        return self

    @classmethod
    def of(cls, **fields: Any) -> Self:
        """A request from loose fields.

        Raises:
            BadInput: a field is unknown or out of range; the message names it.
        """
        return checked(cls, fields)

    @property
    def without_edits(self) -> Self:
        """The same, to be drawn by a model that has the edits."""
        return self.model_copy(update={"edits": ()})

    @property
    def seeds(self) -> list[int]:
        """One seed a picture; counting goes on from 0 after 2^32 - 1."""
        return [(self.seed + i) % SEED_LIMIT for i in range(self.count)]
