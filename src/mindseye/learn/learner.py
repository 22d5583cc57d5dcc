"""The contract between what is trained and everything around it.

The training loop and the model folder know only what stands here: a learner's settings, how to build it, the losses
that move it, and how to save and load it. Families of models that draw (`imagine/family.py`) are learners, and so are
the matchers that compare pictures with words, and what learns from the captions alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel
from torch import Tensor, nn

from mindseye.learn.batch import Batch, Words

Draws = Mapping[str, Tensor]  # the random numbers of a batch, stacked: what `Objective.draw` gave for each sample


def nothing_scheduled(pictures_seen: float) -> Mapping[str, Any]:
    """Most losses are the same from the first step to the last."""
    return {}


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
        every: it moves its parameters in each step of this number; in the others it rests.
        betas: of AdamW. Rivals learn with less momentum than what stands alone, since they are after a moving target.
        rate: its share of the training's learning rate. Rivals learn more slowly, and not each at the same rate.
        compiles: False where the compiler cannot (a loss that differentiates a gradient) or only slows things down.
        comparable: whether a lower value on unseen pictures means a better model; not so for rivals.
        scheduled: what the draws of a sample hold besides, by how far the training is: (pictures seen before the
            sample) to arrays or scalars. A finished training has seen infinitely many.
    """

    name: str
    parameters: frozenset[str]
    draw: Callable[[np.random.Generator], Mapping[str, Any]]
    loss: Callable[[nn.Module, Batch, Draws], Tensor]
    every: int = 1
    betas: tuple[float, float] = (0.9, 0.95)
    rate: float = 1.0
    compiles: bool = True
    comparable: bool = True
    scheduled: Callable[[float], Mapping[str, Any]] = nothing_scheduled


class Learnt(Protocol):
    """A network that can be trained. It is also an `nn.Module`."""

    def objectives(self) -> Sequence[Objective]: ...


class CaptionEncoder(Protocol):
    """What reads captions for a learner, frozen.

    Attributes:
        name: how it was asked for.
        sha256: digest of its weights.
        token_limit: tokens a caption; longer ones are cut.
    """

    @property
    def name(self) -> str: ...

    @property
    def sha256(self) -> str: ...

    @property
    def token_limit(self) -> int: ...

    def encode_together(self, captions: Sequence[str]) -> Words:
        """Features of captions by the thousand."""
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

    def cut_into(self, side: int) -> int:
        """The edge in pixels of the squares that a picture is cut into, about `side` of them across and none left."""
        whole = (edge for edge in range(1, self.size_px + 1) if self.size_px % edge == 0)
        return min(whole, key=lambda edge: abs(self.size_px / edge - side))


@dataclass(frozen=True)
class CardText:
    """What a model card says of every model of a kind.

    Attributes:
        library: what opens it ("diffusers").
        tag: the task, as model hubs name it ("text-to-image").
        does: what it does, a sentence with {size} (px) and {mode} ("transparent", "opaque").
        usage: a command that uses it; "path/to/this/folder" stands for the folder.
        limits: sentences, with {pictures} for how many it was trained on.
        reads_with: what read its captions, with {encoder} for the name and {sha256} for the digest.
    """

    library: str
    tag: str
    does: str
    usage: str
    limits: tuple[str, ...]
    reads_with: str = "{encoder}, frozen (SHA-256 {sha256:.12}…), not in this folder"


def finished_already(model: nn.Module, batches: Iterable[Batch]) -> None:
    """Most models are finished when their training is."""


@dataclass(frozen=True)
class Learner:
    """A kind of model as the rest of the program sees it.

    Attributes:
        name: as in `mindseye train NAME`.
        title: the method's name in the literature, for people.
        config: the frozen pydantic class of its settings; it has `for_pictures(format, preset=...)`.
        presets: size names, from small to large.
        build: config to a freshly initialised model; the seed decides its weights.
        save, load: a model to and from a model folder (diffusers convention, safetensors only).
        card: what its model card says.
        least_batch: pictures a step, at least, where its loss compares those of a step with each other.
        finish: what is measured when a training is done: the averaged model, and every training picture once, with its
            first caption, in batches.
        reads_with: config to what reads its captions; the text encoder of the training's settings unless given.
        measure: for settings that are a property of the pictures, such as a palette, or of what else a training begins
            with: (config, the training pictures as uint8 [picture, height, width, channel] with straight alpha, a log
            for people) to the config with them filled in. Called once, when a training begins; the run and the model
            folder keep what it found.
        measure_captions: the same for what is a property of the captions, such as a vocabulary: (config, all captions
            of the training pictures, a log for people). Called before `measure` and `reads_with`.
    """

    name: str
    title: str
    config: type[BaseModel]
    presets: tuple[str, ...]
    build: Callable[[Any, int], Any]
    save: Callable[..., None]
    load: Callable[..., Any]
    card: CardText
    least_batch: int = field(default=1, kw_only=True)
    finish: Callable[[Any, Iterable[Batch]], None] = field(default=finished_already, kw_only=True)
    reads_with: Callable[[Any], CaptionEncoder] | None = field(default=None, kw_only=True)
    measure: Callable[[Any, NDArray[np.uint8], Callable[[str], None]], Any] | None = field(default=None, kw_only=True)
    measure_captions: Callable[[Any, Sequence[str], Callable[[str], None]], Any] | None = field(
        default=None, kw_only=True
    )
