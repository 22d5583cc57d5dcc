"""Settings of a matcher and of its training."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from mindseye.observe.efficientnet import POOLED_WIDTH, STAGES_WIDTH
from mindseye.observe.text import DEFAULT_ENCODER


class SentenceConfig(BaseModel):
    """A text tower over a frozen sentence vector."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["sentence"] = "sentence"
    encoder: str = Field(DEFAULT_ENCODER, description="the frozen text encoder, by name")
    encoder_sha256: str = Field(description="digest of its weights")
    text_width: int = Field(384, ge=1, description="features of its sentence vector")
    hidden: int = Field(512, ge=1, description="hidden units")


class BagConfig(BaseModel):
    """A text tower that learns its own words."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["bag"] = "bag"
    words: tuple[str, ...] = Field(description="the words with a vector of their own")
    buckets: int = Field(4096, ge=1, description="vectors that all character n-grams share, by their hash")
    word_width: int = Field(192, ge=1, description="features of a word")
    hidden: int = Field(512, ge=1, description="hidden units")


class MatcherConfig(BaseModel):
    """Everything that defines a matcher."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    picture_encoder: str = Field(description="name of the frozen picture encoder")
    picture_encoder_sha256: str = Field(description="digest of its weights")
    picture_width: int = Field(POOLED_WIDTH + STAGES_WIDTH, ge=1, description="features of a picture")
    picture_hidden: int = Field(512, ge=1, description="hidden units of the picture tower")
    width: int = Field(256, ge=1, description="of the space where pictures and captions meet")
    text: SentenceConfig | BagConfig = Field(discriminator="kind")
    independent: bool = Field(False, description="trained on no picture that the judged models were trained on")
    trained_on: str = Field("", description="which pictures it was trained on, in words")


class FitSettings(BaseModel):
    """How a matcher is trained."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    steps: int = Field(900, ge=1, description="at most")
    batch: int = Field(256, ge=2, description="pairs a step")
    pictures_per_concept: int = Field(4, ge=1, description="that may meet in a batch")
    learning_rate: float = Field(1e-3, gt=0, description="of AdamW, falling to 0 along a cosine")
    weight_decay: float = Field(0.1, ge=0, description="of AdamW, matrices only")
    feature_drop: float = Field(0.3, ge=0, lt=1, description="share of a picture's features left out")
    word_drop: float = Field(0.1, ge=0, lt=1, description="share of what is read of a caption left out")
    held_out_share: float = Field(0.1, gt=0, lt=0.5, description="of the pairs, for stopping early")
    check_every: int = Field(100, ge=1, description="steps between two looks at the held-out pairs")
    patience: int = Field(5, ge=1, description="looks without a better one before it stops")
