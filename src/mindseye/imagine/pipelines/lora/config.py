"""Settings of LoRA fine-tuning."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator

from mindseye.errors import BadInput
from mindseye.learn.learner import PictureFormat

PRESETS: dict[str, dict[str, Any]] = {"small": {"rank": 4}, "base": {"rank": 16}, "large": {"rank": 64}}


class LoraConfig(BaseModel):
    """Everything that defines the adapters and their training objective."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    base: str = Field("", description="the pipeline to build on: its folder, or its name on the model hub")
    base_sha256: str = Field("", description="digest of its weights; found when a training begins")
    size_px: int = Field(0, ge=0, le=2048, description="edge of what it learns and draws; the base's own unless given")
    channels: Literal[3] = Field(3, description="RGB; transparent pictures are laid on white")
    pixel_art: bool = Field(False, description="whether pictures are enlarged by whole pixels")
    rank: int = Field(16, ge=1, le=1024, description="of the adapters")
    layers: tuple[str, ...] = Field(
        ("to_q", "to_k", "to_v", "to_out.0"), min_length=1, description="which layers of the UNet have adapters"
    )

    @field_validator("base")
    @classmethod
    def _wherever_it_is_asked_for(cls, base: str) -> str:
        return str(Path(base).resolve()) if base and Path(base).exists() else base

    @classmethod
    def for_pictures(cls, pictures: PictureFormat, preset: str = "base") -> Self:
        """The recipe for pictures of this format.

        Raises:
            BadInput: no such preset.
        """
        if preset not in PRESETS:
            raise BadInput(f"lora has no preset {preset!r}", next_step=f"choose one of {', '.join(PRESETS)}")
        return cls(pixel_art=pictures.pixel_art, **PRESETS[preset])
