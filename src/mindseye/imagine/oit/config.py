"""Settings of the family that observes, imagines and thinks. The defaults are the recipe; presets change the size."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from mindseye.imagine.adversarial.augment import Change
from mindseye.imagine.adversarial.stages import Stages

PRESETS: dict[str, dict[str, int]] = {
    # name      parameters at 32 px, all three modules together
    "tiny": {"width": 32, "width_out": 16, "group": 8, "latent": 16, "feature": 32, "condition": 16},  # for tests
    "small": {"width": 128, "width_out": 32, "feature": 64},  # 0.5 M
    "base": {"width": 256, "width_out": 64},  # 1.5 M
    "large": {"width": 768, "width_out": 192, "blocks": 2, "feature": 256},  # for a GPU
}


class OitConfig(Stages):
    """Everything that defines the three modules and what they want of each other."""

    family: ClassVar[str] = "oit"
    presets: ClassVar = PRESETS

    feature: int = Field(128, ge=2, description="numbers in the hidden feature h of a picture")
    latent: int = Field(64, ge=1, description="random numbers z that a picture is imagined from")
    condition: int = Field(128, ge=1, description="features that a prompt is reduced to")
    text_width: int = Field(384, ge=1, description="features of a sentence, as the text encoder gives them")

    same: float = Field(1.0, ge=0, description="weight of: what is observed of an imagined picture is as it was (f)")
    described: float = Field(1.0, ge=0, description="weight of: an imagined picture is described as the real one (d)")
    varied: float = Field(1.0, ge=0, description="weight of: another z is another picture (v)")
    varied_enough: float = Field(0.3, gt=0, description="tau: more difference than this is not asked for")
    heeds_imagined: float = Field(0.0, ge=0, description="beta: weight of describing imagined pictures, too (a trap)")
    augment: tuple[Change, ...] = Field(
        ("move", "cut"), description="how pictures are changed before they are observed"
    )
    from_words_alone: float = Field(0.25, ge=0, le=1, description="share of samples that nothing was observed for")
    caption_drop: float = Field(0.1, ge=0, le=1, description="share of samples without the hint of a prompt")

    temperature: float = Field(1.0, ge=0, le=10, description="default scale of chance; 0 is none at all")
