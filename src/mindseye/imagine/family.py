"""The contract between a family of models and everything around it.

A family is four short files, `config.py`, `network.py`, `objective.py`, `sample.py`, and one `Family` record. The
training loop, the model folder, the command line and the tests know only what stands here, so a reader learns one
family from one folder, and a new one needs no change elsewhere but a line in `families.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from jaxtyping import Float
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn

from mindseye.observe.text import Words


@dataclass(frozen=True)
class Batch:
    """What an objective sees: pictures in [-1, 1] (RGBA premultiplied) and their captions."""

    pictures: Float[Tensor, "batch channel height width"]
    words: Words


Draws = Mapping[str, Tensor]  # the random numbers of a batch, stacked: what `Objective.draw` gave for each sample


@dataclass(frozen=True)
class Objective:
    """One named loss, the parameters it moves and the random numbers it needs (a GAN has two of these, most have one).

    Attributes:
        name: shown in the events ("loss", "generator", ...).
        parameters: the names (as in `model.named_parameters()`) that this loss moves.
        draw: the random numbers of ONE sample, as arrays or scalars; the loop seeds `rng` by the sample's position, so
            resuming, batch size and world size change nothing.
        loss: (model, batch, draws) to a scalar in float32, the mean over the batch. Pure: no randomness of its own,
            static shapes, so that it compiles.
    """

    name: str
    parameters: frozenset[str]
    draw: Callable[[np.random.Generator], Mapping[str, Any]]
    loss: Callable[[nn.Module, Batch, Draws], Tensor]


class Settings(BaseModel):
    """How to draw, apart from what: the sampling knobs of a request. `None` means the model's own default."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    guidance: float | None = Field(None, ge=0, le=20, description="classifier-free guidance weight; 1 is plain")
    steps: int | None = Field(None, ge=1, le=1000, description="sampling steps")
    sampler: str | None = Field(None, description="name of the sampler")


@dataclass(frozen=True)
class Progress:
    """Where a drawing stands: `step` of `steps` done, and what the pictures look like by now."""

    step: int
    steps: int
    pictures: Float[Tensor, "picture channel height width"]


@dataclass(frozen=True)
class Abilities:
    """What a family can do. What it cannot do it does not offer, and a request for it is a clear error."""

    prompt: bool = False
    negative_prompt: bool = False
    guidance: bool = False
    samplers: tuple[str, ...] = ()


class Model(Protocol):
    """A network of a family, ready to train and to draw. Every model is also an `nn.Module`."""

    def objectives(self) -> Sequence[Objective]: ...

    def settings(self, asked: Settings) -> Settings:
        """What will be used: what was asked for, filled up with the model's defaults."""
        ...

    def draw(
        self, words: Words, negative: Words | None, seeds: Sequence[int], settings: Settings
    ) -> Iterator[Progress]:
        """Draws one picture a seed; picture i depends on (model, words[i], seeds[i], settings) and on nothing else.

        Yields `Progress` after each step; the last one holds the finished pictures, float32 in [-1, 1].
        """
        ...


@dataclass(frozen=True)
class PictureFormat:
    """How a model sees pictures; a property of the data, chosen once when a training starts.

    Attributes:
        size_px: edge of the square picture, 16 to 128.
        channels: 3 (RGB) or 4 (RGBA, premultiplied inside the model).
        pixel_art: resize by nearest neighbour instead of smoothly.
    """

    size_px: int
    channels: int
    pixel_art: bool = False


@dataclass(frozen=True)
class Family:
    """A family as the rest of the program sees it.

    Attributes:
        name: as in `mindseye train NAME`.
        title: the method's name in the literature, for people.
        abilities: what its models can do.
        config: the frozen pydantic class of its settings; it has `for_pictures(format, preset=...)`.
        presets: size names, from small to large.
        build: config to a freshly initialised model; the seed decides its weights.
        save, load: a model to and from a model folder (diffusers convention, safetensors only).
    """

    name: str
    title: str
    abilities: Abilities
    config: type[BaseModel]
    presets: tuple[str, ...]
    build: Callable[[Any, int], Any]
    save: Callable[..., None]
    load: Callable[..., Any]
    facts: Mapping[str, str] = field(default_factory=dict)
