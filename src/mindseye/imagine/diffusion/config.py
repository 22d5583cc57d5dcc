"""Settings of the diffusion family. The defaults are the recipe; presets change the size only."""

from __future__ import annotations

import math
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from mindseye.errors import BadInput
from mindseye.imagine.diffusion.changes import CHANCE, FEW, TOLD
from mindseye.imagine.diffusion.network import GROUP
from mindseye.learn.learner import PictureFormat

PRESETS: dict[str, dict[str, Any]] = {
    # name      parameters at 64 px
    "tiny": {"width": 64, "depth": 2, "heads": 2, "hidden": 128, "levels": (16, 32), "layout": 8},  # 0.3 M, for tests
    "small": {"width": 192, "depth": 6, "heads": 3, "hidden": 512, "levels": (48, 96), "layout": 64},  # 6 M
    "base": {"width": 256, "depth": 6, "heads": 4, "hidden": 640, "levels": (64, 128), "layout": 96},  # 11 M
    "large": {"width": 512, "depth": 12, "heads": 8, "hidden": 1344, "levels": (128, 256), "layout": 192},  # 75 M, GPU
}
FINEST_SIDE = 40  # of the grid that the first level looks at, at most
TOKENS_A_SIDE = 8  # of the grid that the transformer looks at, about


class DiffusionConfig(BaseModel):
    """Everything that defines a diffusion model and its training objective."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    size_px: int = Field(ge=8, le=512, description="edge of the square picture")
    channels: int = Field(ge=3, le=4, description="3 RGB, 4 RGBA (premultiplied)")
    patch_px: int = Field(ge=1, description="edge of the square patch that becomes one place of the first grid")
    levels: tuple[int, ...] = Field((), description="features of the levels of convolutions, the finest first")
    width: int = Field(320, ge=32, description="features a token")
    depth: int = Field(8, ge=1, description="transformer blocks")
    heads: int = Field(5, ge=1, description="attention heads; they divide the width")
    hidden: int = Field(768, ge=32, description="hidden features of the SwiGLU layer")
    bottleneck: int = Field(128, ge=8, description="without levels: features between patch and token (JiT)")
    own_modulation: bool = Field(False, description="each block reads the condition by a matrix of its own")
    layout: int = Field(0, ge=0, description="features through which the condition says what each place begins with")
    text_width: int = Field(384, ge=1, description="features a caption token, as the text encoder gives them")
    text_tokens: int = Field(32, ge=4, le=512, description="caption tokens; longer captions are cut")

    training_pictures: int = Field(0, ge=0, description="how many pictures it is trained on")
    change: float | None = Field(
        None, ge=0, le=1, description="chance of each change of a training picture; by their number unless given"
    )
    caption_drop: float = Field(0.1, ge=0, lt=1, description="share of samples trained without their caption")
    time_mean: float = Field(1.6, description="mean of the logit-normal noise level (1 is pure noise)")
    time_std: float = Field(1.2, gt=0, description="standard deviation of the logit-normal noise level")
    time_uniform: float = Field(0.1, ge=0, le=1, description="share of noise levels drawn uniformly instead")
    time_floor: float = Field(0.05, gt=0, lt=1, description="lower bound of t where the loss divides by it")

    guidance: float = Field(5.0, ge=0, le=20, description="default guidance weight; 1 is plain conditional")
    guidance_interval: tuple[float, float] = Field(
        (0.4, 0.97), description="noise levels from and to which there is more guidance than 1"
    )
    steps: int = Field(12, ge=1, le=1000, description="default number of sampling steps")
    shift: float = Field(3.0, gt=0, le=20, description="above 1, more of the steps at high noise, where shapes arise")

    @property
    def chance_of_change(self) -> float:
        """Of each of the changes to a training picture."""
        if self.change is not None:
            return self.change
        return CHANCE if 0 < self.training_pictures < FEW else 0.0

    @property
    def told(self) -> int:
        """How many numbers tell the network of them."""
        return TOLD if self.chance_of_change else 0

    @model_validator(mode="after")
    def _sizes_fit(self) -> Self:
        if self.size_px % self.patch_px:
            raise ValueError(f"patch_px {self.patch_px} does not divide size_px {self.size_px}")
        if (self.size_px // self.patch_px) % 2 ** len(self.levels):
            raise ValueError(f"a grid of {self.size_px // self.patch_px} cannot be halved {len(self.levels)} times")
        if any(width % GROUP for width in self.levels):
            raise ValueError(f"levels {self.levels}: each must be a multiple of {GROUP}")
        low, high = self.guidance_interval
        if not 0 <= low <= high <= 1:
            raise ValueError(f"guidance_interval {self.guidance_interval} must be two rising numbers from 0 to 1")
        if self.width % self.heads or self.width % 4:
            raise ValueError(f"width {self.width} must be a multiple of 4 and of heads ({self.heads})")
        return self

    @classmethod
    def for_pictures(cls, pictures: PictureFormat, preset: str = "base") -> Self:
        """The recipe for pictures of this format: about 64 tokens whatever the size.

        Raises:
            BadInput: no such preset.
        """
        if preset not in PRESETS:
            raise BadInput(f"diffusion has no preset {preset!r}", next_step=f"choose one of {', '.join(PRESETS)}")
        patch_px, levels = _shape(pictures.size_px, PRESETS[preset]["levels"])
        return cls(
            size_px=pictures.size_px,
            channels=pictures.channels,
            own_modulation=True,
            **{**PRESETS[preset], "patch_px": patch_px, "levels": levels},
        )


def _shape(size_px: int, levels: tuple[int, ...]) -> tuple[int, tuple[int, ...]]:
    """Patch and levels that lead from a picture to about 8 x 8 tokens: 6 to 10 a side will do, and the more levels the
    better; the coarser ones go last."""

    def preference(shape: tuple[int, int]) -> tuple[float, ...]:
        patch_px, halvings = shape
        off = abs(math.log2((size_px // patch_px >> halvings) / TOKENS_A_SIDE))
        return max(off, 0.45), -halvings, off

    shapes = [
        (patch_px, halvings)
        for patch_px in range(1, size_px + 1)
        for halvings in range(len(levels) + 1)
        if size_px % (patch_px << halvings) == 0 and size_px // patch_px <= FINEST_SIDE
    ]
    patch_px, halvings = min(shapes, key=preference)
    return patch_px, levels[len(levels) - halvings :]
