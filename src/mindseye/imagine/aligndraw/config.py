"""Settings of the alignDRAW family. The defaults are the recipe; presets change the size only."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from mindseye.errors import BadInput
from mindseye.learn.learner import PictureFormat

PRESETS: dict[str, dict[str, int]] = {
    "tiny": {"steps": 4, "window": 4, "hidden": 32, "code": 8, "language": 16, "align": 16},  # for tests
    "small": {"steps": 16, "window": 6, "hidden": 200, "code": 50, "language": 128, "align": 128},  # the default
    "base": {"steps": 32, "window": 8, "hidden": 300, "code": 150, "language": 128, "align": 512},  # the paper's digits
    "large": {"steps": 32, "window": 9, "hidden": 550, "code": 275, "language": 128, "align": 512},  # the paper's COCO
}

ReaderName = Literal["align", "noalign", "sentence"]


class AlignDrawConfig(BaseModel):
    """Everything that defines an alignDRAW and its training objective."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    size_px: int = Field(ge=8, le=512, description="edge of the square picture")
    channels: int = Field(ge=3, le=4, description="3 RGB, 4 RGBA (premultiplied)")
    steps: int = Field(16, ge=1, le=256, description="T: how often it looks, chooses a code and writes")
    window: int = Field(6, ge=2, le=64, description="N: what it reads and writes at once is N x N")
    hidden: int = Field(200, ge=8, description="state of each of the two LSTMs, the inference's and the generator's")
    code: int = Field(50, ge=1, le=4096, description="numbers in the code z of each step")
    language: int = Field(128, ge=1, description="state of the LSTM over the words, in each direction")
    align: int = Field(128, ge=1, description="features in which words and state are compared")
    text_width: int = Field(384, ge=1, description="features of a token, as the text encoder gives them")

    reader: ReaderName = Field("align", description="how a step reads the caption: by alignment, or an arm without it")
    blank: tuple[float, ...] = Field(
        (-10.0,), description="what the first canvas begins its training as, one a channel or one for all; -10 is black"
    )
    caption_drop: float = Field(0.1, ge=0, le=1, description="share of samples trained without their caption")
    temperature: float = Field(1.0, ge=0, le=10, description="default scale of the codes' randomness")

    @model_validator(mode="after")
    def _a_colour(self) -> Self:
        if len(self.blank) not in (1, self.channels):
            raise ValueError(f"blank has {len(self.blank)} numbers, but a picture has {self.channels} channels")
        return self

    @property
    def numbers(self) -> int:
        """Numbers in a picture."""
        return self.channels * self.size_px**2

    @classmethod
    def for_pictures(cls, pictures: PictureFormat, preset: str = "small") -> Self:
        """The recipe for pictures of this format.

        Raises:
            BadInput: no such preset.
        """
        if preset not in PRESETS:
            raise BadInput(f"aligndraw has no preset {preset!r}", next_step=f"choose one of {', '.join(PRESETS)}")
        return cls(size_px=pictures.size_px, channels=pictures.channels, **PRESETS[preset])
