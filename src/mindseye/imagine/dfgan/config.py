"""Settings of DF-GAN: the paper's where they carry over to small pictures."""

from __future__ import annotations

from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from mindseye.errors import BadInput
from mindseye.learn.learner import PictureFormat

PRESETS: dict[str, dict[str, int]] = {
    "tiny": {"nf": 4, "latent": 16, "hidden": 16},  # for tests
    "small": {"nf": 16, "hidden": 128},
    "base": {"nf": 32},  # the paper's
}
COARSEST_PX = 8  # both networks' coarsest grid is smaller than this
MOST = 8  # no grid has more than this many times nf channels


class DfGanConfig(BaseModel):
    """Everything that defines a DF-GAN and its training objectives."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    size_px: int = Field(ge=8, le=512, description="edge of the square picture")
    channels: int = Field(ge=3, le=4, description="3 RGB, 4 RGBA (premultiplied)")
    nf: int = Field(
        16, ge=1, description="channels at full resolution; each coarser grid has twice as many, up to 8 nf"
    )
    latent: int = Field(100, ge=1, description="random numbers z that a picture is made from")
    hidden: int = Field(256, ge=1, description="width of the perceptrons that give scale and shift")
    text_width: int = Field(384, ge=1, description="features of a sentence, as the frozen text encoder gives them")

    penalty: float = Field(2.0, ge=0, description="k of the matching-aware gradient penalty")
    penalty_power: float = Field(6.0, gt=0, description="p of the matching-aware gradient penalty")
    shift_share: float = Field(
        0.125, ge=0, lt=0.5, description="the discriminator sees pictures moved by up to this share of the edge"
    )
    temperature: float = Field(1.0, ge=0, le=10, description="default scale of z; 0 is no chance at all")

    @model_validator(mode="after")
    def _size_fits(self) -> Self:
        if self.base_px >= COARSEST_PX or self.base_px == self.size_px:
            raise ValueError(f"size_px {self.size_px} must be an edge of 4 to 7, doubled at least once")
        return self

    @property
    def base_px(self) -> int:
        """Edge of the coarsest grid of both networks."""
        edge = self.size_px
        while edge % 2 == 0 and edge >= COARSEST_PX:
            edge //= 2
        return edge

    @property
    def widths(self) -> list[int]:
        """Channels of the grids from the coarsest to full resolution."""
        doublings = (self.size_px // self.base_px).bit_length() - 1
        return [self.nf * min(2**coarser, MOST) for coarser in reversed(range(doublings + 1))]

    @classmethod
    def for_pictures(cls, pictures: PictureFormat, preset: str = "small") -> Self:
        """The recipe for pictures of this format.

        Raises:
            BadInput: no such preset, or pictures of a size that cannot be halved often enough.
        """
        if preset not in PRESETS:
            raise BadInput(f"dfgan has no preset {preset!r}", next_step=f"choose one of {', '.join(PRESETS)}")
        try:
            return cls(size_px=pictures.size_px, channels=pictures.channels, **PRESETS[preset])
        except ValueError as error:
            raise BadInput(
                f"dfgan cannot draw pictures of {pictures.size_px} px",
                why="an edge of 4 to 7 px is doubled until it is the picture's",
                next_step="use a multiple of 16, or 20 or 24 px",
            ) from error
