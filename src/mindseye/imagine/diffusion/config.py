"""Settings of the diffusion family. The defaults are the recipe; presets change the size only."""

from __future__ import annotations

from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from mindseye.errors import BadInput
from mindseye.learn.learner import PictureFormat

PRESETS: dict[str, dict[str, int]] = {
    # name      parameters at 64 px
    "tiny": {"width": 64, "depth": 2, "heads": 2, "hidden": 128},  # 0.2 M, for tests
    "small": {"width": 256, "depth": 8, "heads": 4, "hidden": 640},  # 8 M
    "base": {"width": 320, "depth": 8, "heads": 5, "hidden": 768},  # 12 M, fits 25 MB in bfloat16
    "large": {"width": 512, "depth": 12, "heads": 8, "hidden": 1344},  # 46 M, for a GPU
}


class DiffusionConfig(BaseModel):
    """Everything that defines a diffusion model and its training objective."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    size_px: int = Field(ge=8, le=512, description="edge of the square picture")
    channels: int = Field(ge=3, le=4, description="3 RGB, 4 RGBA (premultiplied)")
    patch_px: int = Field(ge=1, description="edge of the square patch that becomes one token")
    width: int = Field(320, ge=32, description="features a token")
    depth: int = Field(8, ge=1, description="transformer blocks")
    heads: int = Field(5, ge=1, description="attention heads; they divide the width")
    hidden: int = Field(768, ge=32, description="hidden features of the SwiGLU layer")
    bottleneck: int = Field(128, ge=8, description="features between patch and token (JiT's bottleneck embedding)")
    text_width: int = Field(384, ge=1, description="features a caption token, as the text encoder gives them")
    text_tokens: int = Field(32, ge=4, le=512, description="caption tokens; longer captions are cut")

    caption_drop: float = Field(0.1, ge=0, lt=1, description="share of samples trained without their caption")
    time_mean: float = Field(1.6, description="mean of the logit-normal noise level (1 is pure noise)")
    time_std: float = Field(1.2, gt=0, description="standard deviation of the logit-normal noise level")
    time_uniform: float = Field(0.1, ge=0, le=1, description="share of noise levels drawn uniformly instead")
    time_floor: float = Field(0.05, gt=0, lt=1, description="lower bound of t where the loss divides by it")

    guidance: float = Field(3.0, ge=0, le=20, description="default guidance weight; 1 is plain conditional")
    steps: int = Field(12, ge=1, le=1000, description="default number of sampling steps")
    shift: float = Field(3.0, gt=0, le=20, description="above 1, more of the steps at high noise, where shapes arise")

    @model_validator(mode="after")
    def _sizes_fit(self) -> Self:
        if self.size_px % self.patch_px:
            raise ValueError(f"patch_px {self.patch_px} does not divide size_px {self.size_px}")
        if self.width % self.heads or self.width % 4:
            raise ValueError(f"width {self.width} must be a multiple of 4 and of heads ({self.heads})")
        return self

    @classmethod
    def for_pictures(cls, pictures: PictureFormat, preset: str = "base") -> Self:
        """The recipe for pictures of this format: about 64 tokens whatever the size, since tokens are what costs.

        Raises:
            BadInput: no such preset.
        """
        if preset not in PRESETS:
            raise BadInput(f"diffusion has no preset {preset!r}", next_step=f"choose one of {', '.join(PRESETS)}")
        fitting = [patch for patch in range(1, pictures.size_px + 1) if pictures.size_px % patch == 0]
        patch_px = min(fitting, key=lambda patch: abs(pictures.size_px / patch - 8))
        return cls(size_px=pictures.size_px, channels=pictures.channels, patch_px=patch_px, **PRESETS[preset])
