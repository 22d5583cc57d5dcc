"""Settings of AttnGAN: the paper's where they carry over to small pictures."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from mindseye.errors import BadInput
from mindseye.learn.learner import PictureFormat
from mindseye.observe.damsm.config import GRID, DamsmConfig
from mindseye.observe.damsm.config import PRESETS as DAMSM_PRESETS

PRESETS: dict[str, dict[str, int | str]] = {
    "tiny": {
        "ngf": 8, "ndf": 4, "residuals": 1, "latent": 16, "condition": 16, "damsm_preset": "tiny",
    },  # for tests
    "small": {"ngf": 16, "ndf": 16},
    "base": {"ngf": 32, "ndf": 64, "damsm_preset": "base"},  # the paper's for birds
    "large": {"ngf": 48, "ndf": 96, "residuals": 3, "damsm_preset": "base"},  # the paper's for COCO
}  # fmt: skip
COARSEST_PX = 8  # both networks' coarsest grid is smaller than this
STAGES = 3  # the paper's
MARKS = 2  # tokens of a caption that are no words: where it begins and ends


class AttnGanConfig(BaseModel):
    """Everything that defines an AttnGAN and its training objectives."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    size_px: int = Field(ge=8, le=512, description="edge of the square picture")
    channels: int = Field(ge=3, le=4, description="3 RGB, 4 RGBA (premultiplied)")
    stages: int = Field(STAGES, ge=2, le=6, description="pictures drawn one after another, each twice as large")
    ngf: int = Field(16, ge=1, description="Ng, channels of the generator at each stage")
    ndf: int = Field(16, ge=1, description="Nd, an eighth of the channels of a discriminator's last grid")
    residuals: int = Field(2, ge=1, description="R, residual blocks a stage")
    latent: int = Field(100, ge=1, description="random numbers z that a picture is made from")
    condition: int = Field(100, ge=1, description="numbers that the sentence is reduced to, with chance")
    text_width: int = Field(384, ge=1, description="features a caption token, as the frozen text encoder gives them")
    text_tokens: int = Field(32, ge=4, le=512, description="caption tokens; longer captions are cut")

    damsm: str = Field("", description="a trained DAMSM (its run or model folder), frozen; else one is trained along")
    damsm_sha256: str = Field("", description="the digest of its weights")
    damsm_settings: DamsmConfig | None = Field(None, description="its settings, as found in its folder")
    damsm_preset: Literal["tiny", "small", "base"] = Field(
        "small", description="size of the DAMSM that is trained along"
    )
    damsm_weight: float = Field(5.0, ge=0, description="lambda; the paper has 5 for birds and 50 for COCO")

    form: Literal["paper", "released"] = Field(
        "released", description="the losses of the paper, or of the authors' code, which also shows wrong captions"
    )
    shift_share: float = Field(
        0.125, ge=0, lt=0.5, description="discriminators see pictures moved by up to this share of the edge"
    )
    temperature: float = Field(1.0, ge=0, le=10, description="default scale of all chance; 0 is none")

    @model_validator(mode="after")
    def _sizes_fit(self) -> Self:
        doublings = 2 ** (self.stages - 1)
        if self.size_px % doublings or self.edges_px[0] < COARSEST_PX // 2 or self.base_px >= COARSEST_PX:
            raise ValueError(
                f"size_px {self.size_px} must be an edge of 4 to 7, doubled at least {self.stages - 1} times for"
                f" {self.stages} stages"
            )
        return self

    @property
    def edges_px(self) -> list[int]:
        """The edges of the stages' pictures, from the first to the last."""
        return [self.size_px // 2**later for later in reversed(range(self.stages))]

    @property
    def base_px(self) -> int:
        """Edge of the grid that the first stage begins with and all discriminators end with."""
        edge = self.edges_px[0]
        while edge % 2 == 0 and edge >= COARSEST_PX:
            edge //= 2
        return edge

    @property
    def matcher(self) -> DamsmConfig:
        """The DAMSM's settings: those of the given one, or of the one that is trained along. It reads all words of a
        caption; its pictures have a multiple of 8 pixels along the edge."""
        if self.damsm_settings is not None:
            return self.damsm_settings.model_copy(update={"most_words": self.text_tokens - MARKS})
        return DamsmConfig(
            size_px=-(-self.size_px // GRID) * GRID,
            channels=self.channels,
            text_width=self.text_width,
            text_tokens=self.text_tokens,
            most_words=self.text_tokens - MARKS,
            **DAMSM_PRESETS[self.damsm_preset],
        )

    @classmethod
    def for_pictures(cls, pictures: PictureFormat, preset: str = "small") -> Self:
        """The recipe for pictures of this format; small ones are drawn in fewer stages.

        Raises:
            BadInput: no such preset, or pictures of a size that cannot be halved often enough.
        """
        if preset not in PRESETS:
            raise BadInput(f"attngan has no preset {preset!r}", next_step=f"choose one of {', '.join(PRESETS)}")
        size_px = pictures.size_px
        possible = [
            stages
            for stages in range(2, STAGES + 1)
            if size_px % 2 ** (stages - 1) == 0 and size_px >= COARSEST_PX // 2 * 2 ** (stages - 1)
        ]
        try:
            return cls.model_validate(
                {
                    "size_px": size_px,
                    "channels": pictures.channels,
                    "stages": max(possible, default=STAGES),
                    **PRESETS[preset],
                }
            )
        except ValueError as error:
            raise BadInput(
                f"attngan cannot draw pictures of {size_px} px",
                why="an edge of 4 to 7 px is doubled until it is the picture's",
                next_step="use a multiple of 16, or 20 or 24 px",
            ) from error
