"""Settings of the MaskGIT family. The defaults are the recipe; presets change the size only."""

from __future__ import annotations

import math
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from mindseye.errors import BadInput
from mindseye.learn.learner import PictureFormat

PRESETS: dict[str, dict[str, Any]] = {
    # name      parameters; tiny is for tests
    "tiny": {"features": 16, "width": 32, "depth": 2, "heads": 2, "hidden": 64, "levels": (4, 4, 3), "steps": 4},
    "small": {"features": 128, "width": 256, "depth": 6, "heads": 4, "hidden": 512},  # 6 M, the default
    "base": {"features": 192, "width": 384, "depth": 10, "heads": 6, "hidden": 1024},  # 21 M
    "large": {"features": 256, "width": 768, "depth": 16, "heads": 12, "hidden": 2048},  # for a GPU
}
SIDE = 16  # cells across a picture, about


class MaskGitConfig(BaseModel):
    """Everything that defines the codes of pictures, the network that fills them in, and their training."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    size_px: int = Field(ge=8, le=512, description="edge of the square picture")
    channels: int = Field(ge=3, le=4, description="3 RGB, 4 RGBA (premultiplied)")
    cell_px: int = Field(ge=1, description="edge of the square that one code stands for")
    levels: tuple[int, ...] = Field((8, 5, 5, 5), description="values of each number of a code; 1,000 codes in all")
    features: int = Field(128, ge=8, multiple_of=8, description="features a cell, between pictures and codes")

    width: int = Field(256, ge=8, description="features a cell, where codes are filled in")
    depth: int = Field(6, ge=1, description="blocks of attention")
    heads: int = Field(4, ge=1, description="of each block")
    hidden: int = Field(512, ge=8, description="features between the two layers of a block's feed-forward network")
    text_width: int = Field(384, ge=1, description="features of a caption's token, as the text encoder gives them")
    caption_drop: float = Field(0.1, ge=0, le=1, description="share of samples trained without their caption")
    smoothing: float = Field(0.1, ge=0, lt=1, description="share of certainty that goes to all codes alike")

    guidance: float = Field(2.0, ge=0, le=20, description="default weight of classifier-free guidance")
    steps: int = Field(12, ge=1, le=1000, description="default number of steps in which codes are filled in")
    temperature: float = Field(1.0, ge=0, le=10, description="default for how much chance has a say in the codes")
    choice_noise: float = Field(4.5, ge=0, description="how much chance has a say in which codes stay, at first")

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.size_px % self.cell_px:
            raise ValueError(f"cell_px {self.cell_px} does not divide size_px {self.size_px}")
        if self.width % self.heads:
            raise ValueError(f"heads {self.heads} do not divide width {self.width}")
        if not self.levels or min(self.levels) < 2:
            raise ValueError("levels must each be 2 or more")
        return self

    @property
    def side(self) -> int:
        """Cells across a picture."""
        return self.size_px // self.cell_px

    @property
    def cells(self) -> int:
        """Cells of a picture."""
        return self.side**2

    @property
    def codes(self) -> int:
        """How many codes there are."""
        return math.prod(self.levels)

    @classmethod
    def for_pictures(cls, pictures: PictureFormat, preset: str = "small") -> Self:
        """The recipe for pictures of this format: about 16 x 16 cells, whatever the size.

        Raises:
            BadInput: no such preset.
        """
        if preset not in PRESETS:
            raise BadInput(f"maskgit has no preset {preset!r}", next_step=f"choose one of {', '.join(PRESETS)}")
        edges = {"size_px": pictures.size_px, "cell_px": pictures.cut_into(SIDE)}
        return cls(channels=pictures.channels, **edges, **PRESETS[preset])
