"""Settings of next-frame prediction. The defaults are the recipe; presets change the size only."""

from __future__ import annotations

from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from mindseye.errors import BadInput
from mindseye.learn.learner import PictureFormat

PRESETS: dict[str, dict[str, Any]] = {
    # name: parameters of cdna and of flow, for frames of 16 px
    "tiny": {"width": 4, "kernels": 3, "flow_width": 16, "clip": 5, "targets": 2, "steps": 3},  # for tests
    "small": {"width": 8, "kernels": 6, "flow_width": 32, "k": 90.0},  # 0.4 M, 0.2 M: the default
    "base": {"width": 16, "flow_width": 64, "k": 300.0},  # 1.7 M, 1.0 M
    "paper": {"width": 32, "flow_width": 128},  # 6.6 M, 3.7 M: for a GPU
}
JOYSTICK = ("stay", "left", "right", "up", "down")
LIKELY_ROWS = (4, 3, 2, 5, 6, 8)  # frames in a row of a sheet, the first that fits
HALVED = 8  # the coarsest grid has an eighth of a frame's edge, as in the paper


class FramesConfig(BaseModel):
    """Everything that defines a predictor of frames and its training objective."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    size_px: int = Field(ge=8, le=512, description="edge of the square picture, which is a sheet of frames")
    channels: int = Field(ge=3, le=4, description="3 RGB, 4 RGBA (premultiplied)")
    frames_per_row: int = Field(4, ge=2, le=16, description="frames in a row of the sheet, and rows")
    actions: tuple[str, ...] = Field(
        JOYSTICK, description="the words that are actions; a caption of nothing else says what was done in each step"
    )
    network: Literal["cdna", "convlstm", "flow"] = Field(
        "cdna", description="what predicts: moved pixels, pixels painted anew, or a flow from noise to the next frame"
    )
    context: int = Field(2, ge=1, description="frames that are given; of flow the number of past frames looked at")

    width: int = Field(32, ge=4, multiple_of=4, description="cdna, convlstm: features of the first ConvLSTM")
    kernels: int = Field(10, ge=1, description="cdna: K, motions that are predicted for a frame")
    kernel_px: int = Field(5, ge=3, description="cdna: edge of a kernel, odd; nothing moves further than half of it")
    clip: int = Field(10, ge=2, description="cdna, convlstm: frames of a film that a step learns from, at most")
    k: float = Field(900.0, ge=1, le=1e9, description="cdna, convlstm: how long the true frames are still shown")

    flow_width: int = Field(64, ge=16, multiple_of=16, description="flow: features of a patch of 2 x 2 pixels")
    targets: int = Field(4, ge=1, description="flow: frames of a film that a step learns from")
    context_noise: float = Field(0.1, ge=0, le=1, description="flow: most noise on the past frames in training, of 1")
    time_mean: float = Field(1.0, description="flow: mean of the logit-normal noise level (1 is pure noise)")
    time_std: float = Field(1.2, gt=0, description="flow: standard deviation of the logit-normal noise level")
    time_floor: float = Field(0.05, gt=0, lt=1, description="flow: lower bound of t where the loss divides by it")
    steps: int = Field(10, ge=1, le=1000, description="flow: sampling steps a frame")

    @model_validator(mode="after")
    def _sizes_fit(self) -> Self:
        if not _fits(self.size_px, self.frames_per_row):
            raise ValueError(
                f"{self.frames_per_row} frames in a row of {self.size_px} px: the edge of a frame must be a multiple of"
                f" {HALVED}"
            )
        if self.kernel_px % 2 == 0:
            raise ValueError(f"kernel_px {self.kernel_px} must be odd, since a kernel has a middle")
        if self.context >= self.frames:
            raise ValueError(f"context {self.context} leaves nothing to predict of {self.frames} frames")
        if len(set(self.actions)) < len(self.actions):
            raise ValueError(f"actions {self.actions}: a word is there twice")
        if any(word != word.lower() or len(word.split()) != 1 for word in self.actions):
            raise ValueError(f"actions {self.actions} must be single words in lower case")
        return self

    @property
    def frames(self) -> int:
        """Frames of a film."""
        return self.frames_per_row**2

    @property
    def frame_px(self) -> int:
        """Edge of a frame."""
        return self.size_px // self.frames_per_row

    @property
    def clipped(self) -> int:
        """Frames that a step of a recurrent network learns from: at least one more than are given."""
        return min(max(self.clip, self.context + 1), self.frames)

    @classmethod
    def for_pictures(cls, pictures: PictureFormat, preset: str = "small") -> Self:
        """The recipe for pictures of this format: sheets of 4 x 4 frames where that can be.

        Raises:
            BadInput: no such preset, or the pictures are too small for a sheet.
        """
        if preset not in PRESETS:
            raise BadInput(f"frames has no preset {preset!r}", next_step=f"choose one of {', '.join(PRESETS)}")
        fitting = [rows for rows in LIKELY_ROWS if _fits(pictures.size_px, rows)]
        if not fitting:
            raise BadInput(
                f"pictures of {pictures.size_px} px are no sheets of frames",
                why=f"no grid of frames fits whose edge is a multiple of {HALVED} px",
                next_step="use sheets of n x n frames, row by row, e.g. 64 px for 4 x 4 frames of 16 px",
                field="size_px",
            )
        return cls(size_px=pictures.size_px, channels=pictures.channels, frames_per_row=fitting[0], **PRESETS[preset])


def _fits(size_px: int, frames_per_row: int) -> bool:
    return size_px % (HALVED * frames_per_row) == 0
