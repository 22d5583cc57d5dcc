"""Sizes of the networks of `blocks.py`, and the recipe that fits them to a picture."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from mindseye.errors import BadInput
from mindseye.learn.learner import PictureFormat

GAMMA_AT_32_PX = 0.5  # the paper's 0.05 (CIFAR-10) to 0.5 (ImageNet) at 32 px; it grows with the number of pixels
COARSEST_PX = 8  # the coarsest grid is smaller than this
FINEST_PX = 16  # the finest grid is no smaller than this, and in the recipe not twice as large: it is what costs


def patch_for(size_px: int) -> int:
    """The patch with which the finest stage is no smaller than `FINEST_PX`, and not twice as large where it can be."""
    patch_px = 1
    while size_px % (2 * patch_px) == 0 and size_px // (2 * patch_px) >= FINEST_PX:
        patch_px *= 2
    return patch_px


class Stages(BaseModel):
    """Sizes of the two networks of `blocks.py`, which halve or double a grid stage by stage, and how strongly the one
    that looks is held back."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    family: ClassVar[str]
    presets: ClassVar[Mapping[str, Mapping[str, int]]]

    size_px: int = Field(ge=8, le=512, description="edge of the square picture")
    channels: int = Field(ge=3, le=4, description="3 RGB, 4 RGBA (premultiplied)")
    patch_px: int = Field(2, ge=1, description="edge of the patch that is one place to the finest stage")
    width: int = Field(256, ge=8, description="channels of the coarsest stage, at most")
    width_out: int = Field(64, ge=8, description="channels of the finest stage; each coarser one has twice as many")
    blocks: int = Field(1, ge=1, description="residual blocks a stage")
    group: int = Field(16, ge=1, description="channels in a group of the 3 x 3 convolutions")
    penalty: float = Field(1.0, ge=0, description="gamma of the gradient penalties R1 and R2; lambda of wgan-gp's")

    @model_validator(mode="after")
    def _sizes_fit(self) -> Self:
        if self.patch_px.bit_count() != 1 or self.size_px % self.patch_px or self.base_px >= COARSEST_PX:
            raise ValueError(
                f"size_px {self.size_px} must be an edge below {COARSEST_PX}, doubled any number of times, and patch_px"
                f" ({self.patch_px}) 1, or 2 doubled so, that divides it"
            )
        if 2 * self.width_out % self.group or 2 * self.width % self.group:
            raise ValueError(f"group {self.group} must divide twice width ({self.width}) and width_out")
        return self

    @property
    def base_px(self) -> int:
        """Edge of the coarsest grid: that of the finest, halved while it can be and is not small."""
        edge = self.size_px // self.patch_px
        while edge % 2 == 0 and edge >= COARSEST_PX:
            edge //= 2
        return edge

    @property
    def widths(self) -> list[int]:
        """Channels of the stages, from the coarsest to the finest."""
        stages = (self.size_px // self.patch_px // self.base_px).bit_length()
        return [min(self.width, self.width_out * 2**finer) for finer in reversed(range(stages))]

    @classmethod
    def for_pictures(cls, pictures: PictureFormat, preset: str = "base") -> Self:
        """The recipe for pictures of this format.

        Raises:
            BadInput: no such preset, or pictures of a size that cannot be halved often enough.
        """
        if preset not in cls.presets:
            raise BadInput(
                f"{cls.family} has no preset {preset!r}", next_step=f"choose one of {', '.join(cls.presets)}"
            )
        try:
            return cls(
                size_px=pictures.size_px,
                channels=pictures.channels,
                patch_px=patch_for(pictures.size_px),
                penalty=GAMMA_AT_32_PX * (pictures.size_px / 32) ** 2,
                **cls.presets[preset],
            )
        except ValueError as error:
            raise BadInput(
                f"{cls.family} cannot draw pictures of {pictures.size_px} px",
                why="a grid of at most 7 x 7 is doubled until it is the picture",
                next_step="use a multiple of 16, or 20 or 24 px",
            ) from error
