"""Settings of the sentence VAE. The defaults are the recipe; presets change the size only."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field

from mindseye.errors import BadInput
from mindseye.learn.learner import PictureFormat

PRESETS: dict[str, dict[str, int]] = {
    "tiny": {"width": 32, "code": 8},  # for tests
    "small": {"width": 128, "code": 32},
    "base": {"width": 256, "code": 32},  # 3 M parameters with 3,000 words, the default
}

KindName = Literal["vae", "autoencoder", "language-model"]
PoolName = Literal["last", "max", "mean"]


class SentencesConfig(BaseModel):
    """Everything that defines a model of sentences and its training objective."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    size_px: int = Field(ge=8, le=512, description="edge of the captions' pictures; nobody looks at them")
    channels: int = Field(ge=3, le=4, description="of those pictures: 3 RGB, 4 RGBA")

    kind: KindName = Field("vae", description="a code with a price, one without, or no code at all")
    width: int = Field(256, ge=8, le=4096, description="features of a word, and of an LSTM's state")
    code: int = Field(32, ge=1, le=1024, description="numbers in the code of a sentence")
    directions: Literal[1, 2] = Field(1, description="the encoder reads forwards (1), or backwards, too (2)")
    pool: PoolName = Field("last", description="what the code is made of: the encoder's last state, or all of them")
    encoder_scale: Literal["log-variance"] = Field(
        "log-variance", description="the encoder's second output: s = log sigma^2, so that z = m + exp(s/2) e"
    )

    most_words: int = Field(16, ge=1, le=200, description="words of a sentence that are read; the rest is cut off")
    least_count: int = Field(2, ge=1, description="times that a word must be met to be in the vocabulary")
    most_vocabulary: int = Field(20_000, ge=1, le=500_000, description="words in the vocabulary, the most frequent")
    vocabulary: tuple[str, ...] = Field((), description="the words; found in the captions when a training begins")

    word_dropout: float = Field(0.4, ge=0, le=1, description="share of the decoder's input words that it is not told")
    free_nats: float = Field(12.0, ge=0, description="KL that costs nothing, over all dimensions of the code together")
    anneal_at: int = Field(40_000, ge=0, description="x0: sentences seen when the weight of the KL is 1/2")
    anneal_width: float = Field(6_400.0, gt=0, description="sentences seen over which that weight rises; 1/k")

    @classmethod
    def for_pictures(cls, pictures: PictureFormat, preset: str = "base") -> Self:
        """The recipe for captions of pictures of this format.

        Raises:
            BadInput: no such preset.
        """
        if preset not in PRESETS:
            raise BadInput(f"sentences has no preset {preset!r}", next_step=f"choose one of {', '.join(PRESETS)}")
        return cls(size_px=pictures.size_px, channels=pictures.channels, **PRESETS[preset])
