"""Settings of the PixelRNN family. Presets choose the network and its size, the pictures choose what a pixel is."""

from __future__ import annotations

from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from mindseye.errors import BadInput
from mindseye.learn.learner import PictureFormat

PRESETS: dict[str, dict[str, Any]] = {
    "tiny": {"width": 32, "depth": 2, "heads": 2, "mixtures": 2},  # for tests
    "small": {"width": 64, "depth": 6, "heads": 2},  # 0.4 M parameters with 168 colours
    "base": {"width": 128, "depth": 6, "heads": 4},  # 1.4 M
    "large": {"width": 256, "depth": 8, "heads": 8},  # 7 M, for a GPU
    "course": {"network": "lstm", "width": 512, "depth": 1},  # one LSTM layer of 512 cells over the flattened picture
}
LONGEST_SIDE_FOR_GPT = 32  # attention over all pixels costs the fourth power of the side


class PixelRNNConfig(BaseModel):
    """Everything that defines a PixelRNN model and its training objective."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    size_px: int = Field(ge=2, le=128, description="edge of the square picture")
    channels: int = Field(ge=3, le=4, description="3 RGB, 4 RGBA (premultiplied)")
    pixels: Literal["palette", "levels", "logistics", "regression"] = Field(
        description="what is predicted: 1 of N colours; 1 of 256 levels a channel; a mixture of discretised logistics;"
        " or the mean colour, which turns grey and is here as a lesson"
    )
    network: Literal["gpt", "lstm", "pixelcnn", "gated-pixelcnn", "row-lstm", "diagonal-bilstm"] = Field(
        "gpt", description="what looks at the pixels before"
    )
    width: int = Field(128, ge=8, multiple_of=2, description="features a pixel; the cells of an LSTM")
    depth: int = Field(6, ge=1, description="layers")
    heads: int = Field(4, ge=1, description="attention heads of the gpt; they divide the width")
    mixtures: int = Field(10, ge=1, description="logistics in the mixture")
    text_width: int = Field(384, ge=1, description="features of a caption, as the text encoder gives them")

    colours: int = Field(256, ge=2, le=1024, description="most colours in the palette; rarer ones become the nearest")
    palette: tuple[str, ...] = Field((), description="the colours; found in the pictures when a training begins")

    caption_drop: float = Field(0.1, ge=0, lt=1, description="share of samples trained without their caption")
    mirror: float = Field(0.0, ge=0, le=0.5, description="share of samples trained mirrored, left for right")

    temperature: float = Field(1.0, ge=0, le=10, description="default; 0 draws the likeliest pixel every time")
    top_p: float = Field(0.95, gt=0, le=1, description="default share of the likeliest choices that is drawn from")
    guidance: float = Field(1.0, ge=0, le=20, description="default guidance weight; 1 is plain conditional")

    @model_validator(mode="after")
    def _heads_divide_the_width(self) -> Self:
        if self.network == "gpt" and self.width % self.heads:
            raise ValueError(f"width {self.width} must be a multiple of heads ({self.heads})")
        return self

    @classmethod
    def for_pictures(cls, pictures: PictureFormat, preset: str = "base") -> Self:
        """The recipe for pictures of this format: a palette for pixel art, levels of each channel for the rest.

        Raises:
            BadInput: no such preset.
        """
        if preset not in PRESETS:
            raise BadInput(f"pixelrnn has no preset {preset!r}", next_step=f"choose one of {', '.join(PRESETS)}")
        network = "gpt" if pictures.size_px <= LONGEST_SIDE_FOR_GPT else "gated-pixelcnn"
        chosen = {
            "size_px": pictures.size_px,
            "channels": pictures.channels,
            "pixels": "palette" if pictures.pixel_art else "logistics",
            "network": network,
        }
        return cls(**{**chosen, **PRESETS[preset]})
