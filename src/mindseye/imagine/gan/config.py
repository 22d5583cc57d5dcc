"""Settings of the GAN family: the method, the sizes of both networks, and the rules of their contest."""

from __future__ import annotations

import math
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from mindseye.imagine.adversarial.augment import Change
from mindseye.imagine.adversarial.stages import Stages

PRESETS: dict[str, dict[str, int]] = {
    # name      parameters at 32 px, generator and critic together
    "tiny": {"width": 32, "width_out": 16, "blocks": 1, "group": 8, "latent": 16, "condition": 16},  # for tests
    "small": {"width": 128, "width_out": 32},  # 0.5 M
    "base": {"width": 256, "width_out": 64},  # 1.2 M
    "large": {"width": 768, "width_out": 192, "blocks": 2},  # for a GPU
}
CHANGES: tuple[tuple[float, tuple[Change, ...]], ...] = (  # of collections with fewer pictures than this
    (2_000, ("colour", "move", "cut")),
    (10_000, ("move", "cut")),
    (math.inf, ("move",)),
)


class GanConfig(Stages):
    """Everything that defines a GAN and its training objectives; `patch_px`, `blocks` and `group` are r3gan's."""

    family: ClassVar[str] = "gan"
    presets: ClassVar = PRESETS

    method: Literal["r3gan", "wgan-gp", "dcgan"] = Field("r3gan", description="the paper: its networks and its losses")
    latent: int = Field(64, ge=1, description="random numbers that a picture is made from")
    condition: int = Field(128, ge=1, description="features that a caption is reduced to")
    text_width: int = Field(384, ge=1, description="features of a sentence, as the text encoder gives them")

    mismatch: float = Field(0.5, ge=0, description="weight of real pictures with a wrong caption in the critic's loss")
    augment: tuple[Change, ...] | None = Field(
        None, description="how pictures are changed before the critic sees them; by their number unless given"
    )
    often: Annotated[float, Field(ge=0, le=1)] | Literal["needed"] = Field(
        1.0, description="share of pictures that each change is made to, or as many as the critic needs"
    )
    training_pictures: int = Field(0, ge=0, description="how many pictures it is trained on")

    temperature: float = Field(1.0, ge=0, le=10, description="default scale of the latent; 0 is no chance at all")

    @property
    def changes(self) -> tuple[Change, ...]:
        """What is done to a picture before the critic sees it: the fewer there are, the more."""
        if self.augment is not None:
            return self.augment
        return next(changes for fewer_than, changes in CHANGES if self.training_pictures < fewer_than)
