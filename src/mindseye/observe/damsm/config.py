"""Settings of DAMSM: the paper's where they carry over to small pictures."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from mindseye.errors import BadInput
from mindseye.learn.learner import PictureFormat

PRESETS: dict[str, dict[str, int]] = {
    "tiny": {"width": 32, "channels_fine": 16, "channels_coarse": 32, "blocks": 1},  # for tests
    "small": {"width": 128, "channels_fine": 48, "channels_coarse": 96, "blocks": 1},  # 0.5 M, for AttnGAN
    "base": {"width": 256, "channels_fine": 96, "channels_coarse": 192, "blocks": 2},  # 2.6 M parameters
}
GRID = 8  # regions along an edge


class DamsmConfig(BaseModel):
    """Everything that defines a DAMSM and its training objective."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    size_px: int = Field(ge=8, le=512, description="edge of the square picture, a multiple of 8")
    channels: int = Field(ge=3, le=4, description="3 RGB, 4 RGBA (premultiplied)")
    width: int = Field(256, ge=8, multiple_of=2, description="features of a word, region, sentence and picture")
    channels_fine: int = Field(96, ge=8, multiple_of=8, description="convolution channels at a 16 x 16 grid")
    channels_coarse: int = Field(192, ge=8, multiple_of=8, description="convolution channels at the 8 x 8 grid")
    blocks: int = Field(2, ge=1, description="residual blocks at each grid")
    text_width: int = Field(384, ge=1, description="features a caption token, as the frozen text encoder gives them")
    text_tokens: int = Field(32, ge=4, le=512, description="caption tokens; longer captions are cut")

    most_words: int = Field(16, ge=1, description="words of a caption that are compared with regions, the first ones")

    gamma1: float = Field(5.0, gt=0, description="sharpness of a word's attention over the regions")
    gamma2: float = Field(5.0, gt=0, description="how much the best words count more than the others")
    gamma3: float = Field(10.0, gt=0, description="sharpness of the choice among the captions of a batch")
    word_score: Literal["paper", "released"] = Field(
        "paper", description="the paper's log(sum exp)^(1/gamma2), or without the power as in the authors' code"
    )
    shift_share: float = Field(0.1, ge=0, lt=0.5, description="pictures are moved by up to this share of the edge")
    word_drop: float = Field(0.1, ge=0, lt=1, description="share of words left out in training")

    @model_validator(mode="after")
    def _sizes_fit(self) -> Self:
        if self.size_px % GRID:
            raise ValueError(f"size_px {self.size_px} is not a multiple of {GRID}")
        return self

    @classmethod
    def for_pictures(cls, pictures: PictureFormat, preset: str = "base") -> Self:
        """The recipe for pictures of this format.

        Raises:
            BadInput: no such preset, or the size is not a multiple of 8.
        """
        if preset not in PRESETS:
            raise BadInput(f"damsm has no preset {preset!r}", next_step=f"choose one of {', '.join(PRESETS)}")
        if pictures.size_px % GRID:
            raise BadInput(
                f"damsm cannot look at pictures of {pictures.size_px} px", next_step=f"use a multiple of {GRID}"
            )
        return cls(size_px=pictures.size_px, channels=pictures.channels, **PRESETS[preset])
