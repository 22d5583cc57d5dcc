"""The contract between a family of models that draw and everything around it.

A family is four short files, `config.py`, `network.py`, `objective.py`, `sample.py`, and one `Family` record. The
training loop, the model folder, the command line and the tests know only what stands here and in `learn/learner.py`, so
a reader learns one family from one folder, and a new one needs no change elsewhere but a line in `families.py`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

import torch
from jaxtyping import Bool, Float
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor

from mindseye.learn.batch import Words
from mindseye.learn.learner import CardText, Learner, Learnt
from mindseye.randomness import rng_at

End = TypeVar("End", int, str)

CARD = CardText(
    library="diffusers",
    tag="text-to-image",
    does="It draws {size} x {size} px {mode} pictures from short prompts.",
    usage='mindseye imagine "words of your own" --model path/to/this/folder',
    limits=(
        "It knows the words in `words.txt` from its own pictures; what it draws for others is a guess by the text"
        " encoder.",
        "It is small and was trained on {pictures:,} pictures: expect it to be best at what those show often, to be"
        " vague or wrong at what they show rarely, and to follow counts, positions and several objects in one prompt"
        " poorly.",
        "It may draw pictures close to those it was trained on. Look before you publish.",
    ),
)


class Settings(BaseModel):
    """How to draw, apart from what: the sampling knobs of a request. `None` means the model's own default."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    guidance: float | None = Field(None, ge=0, le=20, description="classifier-free guidance weight; 1 is plain")
    steps: int | None = Field(None, ge=1, le=1000, description="sampling steps")
    sampler: str | None = Field(None, description="name of the sampler")
    temperature: float | None = Field(None, ge=0, le=10, description="how much chance has a say; 0 is none, 1 is plain")
    top_p: float | None = Field(None, gt=0, le=1, description="keep the likeliest choices of this total probability")
    size: int | None = Field(
        None, ge=8, le=2048, description="edge in pixels; most models draw at the size they learnt"
    )

    def temperature_or(self, default: float) -> float:
        """The temperature asked for, or the model's own."""
        return default if self.temperature is None else self.temperature


@dataclass(frozen=True)
class Progress:
    """Where a drawing stands: `step` of `steps` done, and what the pictures look like by now."""

    step: int
    steps: int
    pictures: Float[Tensor, "picture channel height width"]


def last_pictures(drawing: Iterable[Progress]) -> Float[Tensor, "picture channel height width"]:
    """What a drawing ends with. The steps on the way are let go of, one by one: each holds all of its pictures."""
    [last] = deque(drawing, maxlen=1)
    return last.pictures


@dataclass(frozen=True)
class Given:
    """A picture to go on from: to be completed where `known` says what stays, else to be varied.

    Attributes:
        picture: in [-1, 1], premultiplied, of the model's size and channels.
        known: True where the drawn picture has exactly these pixels.
        strength: of a variation: 0 is the picture itself, 1 keeps nothing of it.
    """

    picture: Float[Tensor, "channel height width"]
    known: Bool[Tensor, "height width"] | None = None
    strength: float = 1.0


@dataclass(frozen=True)
class Blend(Generic[End]):
    """A seed between two seeds, or a prompt between two prompts: what a picture begins with, or what its words mean,
    lies `share` of the way from one's to the other's."""

    begin: End
    end: End
    share: float


Seed = int | Blend[int]
Prompt = str | Blend[str]


def normal_numbers(seed: Seed, shape: Sequence[int], purpose: str = "picture", position: int = 0) -> Tensor:
    """Standard normal random numbers: a function of a picture's own seed, their purpose and the position alone."""
    if isinstance(seed, Blend):
        begin, end = (normal_numbers(each, shape, purpose, position) for each in (seed.begin, seed.end))
        return on_the_sphere(begin, end, seed.share)
    return torch.from_numpy(rng_at(seed, purpose, position).standard_normal(tuple(shape), dtype="float32"))


def on_the_sphere(begin: Tensor, end: Tensor, share: float) -> Tensor:
    """Normal random numbers between two sets of them, as large as either: interpolation along the great circle
    (Shoemake 1985), w = sin((1 - s) a) / sin(a) begin + sin(s a) / sin(a) end, with a the angle between them."""
    cosine = torch.cosine_similarity(begin.flatten(), end.flatten(), dim=0).clamp(-1, 1)
    angle = torch.arccos(cosine)
    if share in (0, 1) or torch.sin(angle) < 1e-4:
        return end if share == 1 else begin
    return (torch.sin((1 - share) * angle) * begin + torch.sin(share * angle) * end) / torch.sin(angle)


@dataclass(frozen=True)
class Abilities:
    """What a family can do. What it cannot do it does not offer, and a request for it is a clear error."""

    prompt: bool = False
    negative_prompt: bool = False
    guidance: bool = False
    samplers: tuple[str, ...] = ()
    steps: bool = False
    temperature: bool = False
    top_p: bool = False
    complete: bool = False
    vary: bool = False
    codes: bool = False  # its model is `Coded`, too
    likelihood: bool = False  # and `Likely`, unless its settings forbid it
    blend: bool = False  # from one seed to another
    blend_prompts: bool = True  # from one prompt to another
    attention: bool = False  # its model is `Attentive`, too
    stages: bool = False  # and `Staged`
    size_multiple: int = 0  # its pictures may have any edge that is a multiple of this; 0 is its own size alone


class Model(Learnt, Protocol):
    """A network of a family, ready to train and to draw."""

    def settings(self, asked: Settings) -> Settings:
        """What will be used: what was asked for, filled up with the model's defaults."""
        ...

    def draw(
        self,
        words: Words,
        negative: Words | None,
        seeds: Sequence[Seed],
        settings: Settings,
        given: Given | None = None,
    ) -> Iterator[Progress]:
        """Draws one picture a seed; picture i depends on (model, words[i], seeds[i], settings, given) and nothing else.

        Only what `abilities` names is asked of a family: `negative` and `given` are None and no seed is a `Blend`
        elsewhere.

        Yields `Progress` after each step; the last one holds the finished pictures, float32 in [-1, 1].
        """
        ...


class Drawing(Protocol):
    """One picture on its way.

    Attributes:
        now: where it stands, on its own way and by itself: float32 [1, channel, height, width]; finished when all of
            its steps are done.
    """

    now: Progress


class Joinable(Model, Protocol):
    """A model that asks its network for whatever pictures are under way, of any requests: each picture may begin, and
    leave, while others are on theirs."""

    def begin(
        self, words: Words, negative: Words | None, seed: Seed, settings: Settings, given: Given | None = None
    ) -> Drawing:
        """Begins what `draw` draws for one caption and seed: the same pixels in the end."""
        ...

    def advance(self, drawings: Sequence[Drawing], rows: int) -> Sequence[Drawing]:
        """Takes each of these drawings on by one call of the network.

        Args:
            drawings: one or more, up to `rows`, in any order and of any requests; the pixels of each are its own.
            rows: of a pass, the same in every call.

        Returns:
            Those that ended a step by it, or were finished.
        """
        ...


class Coded(Protocol):
    """A model in which a picture has a code: some numbers from which it can be drawn again."""

    def encode(
        self, pictures: Float[Tensor, "picture channel height width"], words: Words
    ) -> Float[Tensor, "picture code"]:
        """The codes of pictures, given one caption each; a caption without words stands for none."""
        ...

    def decode(
        self, codes: Float[Tensor, "picture code"], words: Words
    ) -> Float[Tensor, "picture channel height width"]:
        """The pictures of codes, in [-1, 1], given one caption each."""
        ...

    def code_kl(self, words: Words) -> Float[Tensor, "code"] | None:
        """How much each dimension says of a picture whose caption is known (`words`: one), in nats, the mean over the
        training pictures; None where codes follow no distribution that it could be measured against."""
        ...


@dataclass(frozen=True)
class Surprise:
    """How unlikely a model finds pictures whose captions it is told: -log2 p(picture | caption).

    Attributes:
        bits: of each picture.
        numbers: whole numbers that a picture is written in; `bits / numbers` are bits per dimension.
        levels: values that each of them may take; who knows nothing pays log2(levels) bits for each.
        exact: False where `bits` is an upper bound, and the truth may be less.
    """

    bits: Float[Tensor, "picture"]
    numbers: int
    levels: int
    exact: bool


class Likely(Protocol):
    """A model that says how likely any picture is. A density over colours is none of a stored picture: it counts the
    numbers in which a picture is written."""

    def surprise(
        self, pictures: Float[Tensor, "picture channel height width"], words: Words, seeds: Sequence[int]
    ) -> Surprise | None:
        """How unlikely each picture is, given its caption; None where the settings of this model give no likelihood.

        Args:
            pictures: in [-1, 1], RGBA premultiplied.
            words: a caption of each.
            seeds: one a picture, of the chance by which a bound is estimated.
        """
        ...


class Attentive(Model, Protocol):
    """A model whose picture looks at the caption's tokens while it is drawn."""

    def attention(
        self, words: Words, negative: Words | None, seeds: Sequence[Seed], settings: Settings
    ) -> tuple[Float[Tensor, "picture channel height width"], Float[Tensor, "picture word row column"]]:
        """The finished pictures as `draw` gives them, and how much each place of them looked at each token of its
        caption, as a share of all that it looked at: on a grid as coarse as the model's, zero where padded."""
        ...


@dataclass(frozen=True)
class Stage:
    """One of the stages in which pictures are drawn.

    Attributes:
        pictures: what it gave, in [-1, 1]; those of earlier stages may be smaller.
        attention: how much each place of them looked at each word meanwhile, as a share of all that it looked at, on a
            grid as coarse as the model's, zero where padded; None where it did not look at words.
    """

    pictures: Float[Tensor, "picture channel height width"]
    attention: Float[Tensor, "picture word row column"] | None


class Staged(Attentive, Protocol):
    """A model that draws in stages, of which each has a picture of its own: a rough one first, details later."""

    def stages(self, words: Words, seeds: Sequence[Seed], settings: Settings) -> Sequence[Stage]:
        """What each stage gives, on the tokens of the captions; the last one's pictures are those of `draw`."""
        ...


@dataclass(frozen=True)
class Family(Learner):
    """A learner whose models draw.

    Attributes:
        abilities: what its models can do.
        at_once: pictures that one core of a processor draws in one pass, where one costs as much as all of them.
        joins: whether a picture can join those that are under way between two steps: its models are `Joinable`, too.
        export: writes a model's network into a folder as ONNX and returns what a sampler should know; None where that
            has not been written.
        painter: (folder, this record, the model, what the folder says of it) to a `painter.Painter`, for models that
            read prompts themselves; `painter.FamilyPainter` unless given.
    """

    abilities: Abilities
    at_once: int = field(default=1, kw_only=True)
    joins: bool = field(default=False, kw_only=True)
    export: Callable[[Any, Path], dict[str, float]] | None = field(default=None, kw_only=True)
    painter: Callable[..., Any] | None = field(default=None, kw_only=True)
