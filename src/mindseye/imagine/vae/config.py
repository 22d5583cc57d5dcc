"""Settings of the VAE family. The defaults are the recipe; presets change the size only."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from mindseye.errors import BadInput
from mindseye.learn.learner import PictureFormat

PRESETS: dict[str, dict[str, int]] = {
    # name      parameters at 64 px
    "tiny": {"width": 8, "hidden": 32, "code": 4},  # for tests
    "course": {"width": 32, "hidden": 256, "code": 10},  # ten sliders, as courses have them
    "small": {"width": 32, "hidden": 256, "code": 32},  # 2 M, the default: on a processor the most for a minute
    "base": {"width": 64, "hidden": 512, "code": 32},  # 8 M
    "large": {"width": 128, "hidden": 1024, "code": 64},  # for a GPU
}

ObjectiveName = Literal["vae", "beta-vae", "beta-tcvae", "autoencoder"]
LikelihoodName = Literal["optimal-sigma", "gaussian", "categorical"]
SamplerName = Literal["prior", "mixture"]


class VaeConfig(BaseModel):
    """Everything that defines a VAE and its training objective."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    size_px: int = Field(ge=8, le=512, description="edge of the square picture")
    channels: int = Field(ge=3, le=4, description="3 RGB, 4 RGBA (premultiplied)")
    patch_px: int = Field(ge=1, description="edge of the square patch that becomes one cell of the first grid")
    width: int = Field(32, ge=8, multiple_of=8, description="features a cell of the first grid; coarser ones have more")
    hidden: int = Field(256, ge=8, description="features of the whole picture, beside the code")
    code: int = Field(32, ge=1, le=1024, description="numbers in the code of a picture")
    encoder_scale: Literal["log-variance"] = Field(
        "log-variance", description="the encoder's second output: s = log sigma^2, so that c = m + exp(s/2) e"
    )
    text_width: int = Field(384, ge=1, description="features of a caption, as the text encoder gives them")

    objective: ObjectiveName = Field("vae", description="what is asked of the code besides a good picture")
    beta: float = Field(4.0, ge=0, le=1000, description="weight in beta-vae (of the KL) and beta-tcvae (of the TC)")
    training_pictures: int = Field(1, ge=1, description="N in beta-tcvae's estimate: pictures in the training split")
    likelihood: LikelihoodName = Field("optimal-sigma", description="p(x | c): how wrong pixels are counted")
    least_sigma: float = Field(0.2, gt=0, le=10, description="what the optimal sigma may not fall below, of 2 in all")
    sigma: float = Field(0.1, gt=0, le=10, description="standard deviation of a pixel, for the gaussian likelihood")
    colours: int = Field(256, ge=2, le=1024, description="most colours in the palette, for the categorical likelihood")
    palette: tuple[str, ...] = Field((), description="the colours; found in the pictures when a training begins")
    caption_drop: float = Field(0.1, ge=0, le=1, description="share of samples trained without their caption")

    sampler: SamplerName = Field("prior", description="default for where a drawing's code comes from")
    temperature: float = Field(1.0, ge=0, le=10, description="default scale of the code's randomness")

    @model_validator(mode="after")
    def _sizes_fit(self) -> Self:
        if self.size_px % self.patch_px:
            raise ValueError(f"patch_px {self.patch_px} does not divide size_px {self.size_px}")
        return self

    @property
    def sides(self) -> list[int]:
        """Edges of the grids in cells, from fine to coarse: halved while that is possible and leaves three or more."""
        sides = [self.size_px // self.patch_px]
        while sides[-1] % 2 == 0 and sides[-1] >= 6:
            sides.append(sides[-1] // 2)
        return sides

    @property
    def outputs(self) -> int:
        """Numbers that the decoder gives for a pixel."""
        return len(self.palette) if self.likelihood == "categorical" else self.channels

    @property
    def numbers(self) -> int:
        """Whole numbers that a picture is written in: of each pixel its channels, or its colour."""
        return self.size_px**2 * (1 if self.likelihood == "categorical" else self.channels)

    @classmethod
    def for_pictures(cls, pictures: PictureFormat, preset: str = "small") -> Self:
        """The recipe for pictures of this format: a first grid of about 16 x 16 cells, whatever the size.

        Raises:
            BadInput: no such preset.
        """
        if preset not in PRESETS:
            raise BadInput(f"vae has no preset {preset!r}", next_step=f"choose one of {', '.join(PRESETS)}")
        edges = {"size_px": pictures.size_px, "patch_px": pictures.cut_into(16)}
        return cls(channels=pictures.channels, **edges, **PRESETS[preset])
