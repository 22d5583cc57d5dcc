"""What is inside a model's codes: sliders for the dimensions that carry something or for words, and walks between two
pictures.

A slider moves a code along a direction: a dimension's, through the values at which a normal distribution is cut into
equal shares, or a word's, through those that cut the training pictures so. Of every two sliders, all pairs of values
are drawn.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import NormalDist
from typing import Any

import numpy as np
from jaxtyping import Float, UInt8

from mindseye.collection.collection import Collection
from mindseye.errors import BadInput
from mindseye.imagine.imaginer import Imaginer, load
from mindseye.pictures.opener import open_picture
from mindseye.pictures.tensors import fit
from mindseye.report.word_axes import WordAxis, word_axes

ACTIVE_NATS = 0.05  # a dimension that carries less changes nothing that one could see
STEPS = 9  # of a slider
SHARES = np.linspace(0.05, 0.95, STEPS).tolist()  # its quantiles: from about -1.64 to 1.64 of a normal distribution
SLIDERS = 5  # on a page, unless dimensions are named
WALK_STEPS = 9  # pictures of a walk, ends included


@dataclass(frozen=True)
class Slider:
    """A direction and how far along it codes are put.

    Attributes:
        key: the dimension, or the word.
        says: how much there is to it, for people.
        direction: of length 1.
        values: ascending.
        home: which of the values is that of the picture that all begins at.
    """

    key: int | str
    says: str
    direction: Float[np.ndarray, "code"]
    values: Float[np.ndarray, "step"]
    home: int

    @property
    def name(self) -> str:
        return f"dimension {self.key}" if isinstance(self.key, int) else self.key


@dataclass(frozen=True)
class Walk:
    """A way from one picture to another through their codes.

    Attributes:
        ends: the two pictures as they are.
        pictures: what the model draws on the way; the first and the last are what it makes of the two.
    """

    ends: tuple[UInt8[np.ndarray, "h w c"], UInt8[np.ndarray, "h w c"]]
    pictures: UInt8[np.ndarray, "step h w c"]


@dataclass(frozen=True)
class Exploration:
    """What was found in the codes of a model.

    Attributes:
        nats: what each dimension carries.
        strips: for each slider, by its key, its steps alone.
        grids: for each pair of sliders, [first slider's step, second slider's step].
    """

    imaginer: Imaginer
    prompt: str
    begins_at: str
    nats: Float[np.ndarray, "code"]
    sliders: list[Slider]
    strips: dict[int | str, UInt8[np.ndarray, "step h w c"]]
    grids: dict[tuple[int | str, int | str], UInt8[np.ndarray, "step step h w c"]]

    @property
    def ranked(self) -> list[int]:
        """Dimensions, what carries most first."""
        return ranked(self.nats)

    @property
    def inactive(self) -> list[int]:
        """Dimensions that carry nothing."""
        return [int(dimension) for dimension in np.flatnonzero(self.nats < ACTIVE_NATS)]

    @property
    def facts(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "model": self.imaginer.name,
            "prompt": self.prompt,
            "begins_at": self.begins_at,
            "shown": [slider.key for slider in self.sliders],
            "dimensions": [{"dimension": one, "nats": round(float(self.nats[one]), 4)} for one in self.ranked],
            "inactive": self.inactive,
        }


def explore(
    model: Imaginer | str | Path,
    *,
    dims: Sequence[int] | None = None,
    words: Sequence[str] = (),
    collection: Collection | None = None,
    picture: Path | None = None,
    prompt: str = "",
) -> Exploration:
    """Draws what the dimensions of a model's codes do, or what words mean in them.

    Args:
        model: of a family with codes.
        dims: dimensions, counted from 0; without words, those that carry most unless given.
        words: of captions, each to become a slider of its own.
        collection: the one that the model was trained on; needed for words.
        picture: a file whose code all sliders begin at; the mean of all codes unless given.
        prompt: what all pictures show; none unless given.

    Raises:
        BadInput: the model has no codes, nothing in them can be swept, there is no such dimension, a word stands in
            the captions of too few pictures, or fewer than two sliders are asked for.
    """
    imaginer = model if isinstance(model, Imaginer) else load(model)
    nats = told_nats(imaginer, prompt)
    numbers = [] if words and dims is None else _chosen(nats, dims)
    keys = [*words, *numbers]
    if len(set(keys)) < 2 or len(set(keys)) != len(keys):
        raise BadInput(
            f"{'words' if words else 'dims'}: two or more different sliders are needed",
            next_step="write --words green,round" if words else "write --dims 3,7",
        )
    at = np.zeros(len(nats), np.float32)
    if picture is not None:
        at = imaginer.encode(as_seen(picture, imaginer)[None], prompt)[0]
    sliders = [dimension_slider(number, nats, at) for number in numbers]
    if words:
        if collection is None:
            raise BadInput("words: their directions lie among the training pictures", next_step="add --collection")
        sliders = [word_slider(axis, at) for axis in word_axes(imaginer, collection, words, SHARES)] + sliders

    def drawn(*moved: Slider) -> UInt8[np.ndarray, "*step h w c"]:
        """Every value of these sliders with every other; in all other directions the code stays as it is."""
        codes = np.tile(at, (*[STEPS] * len(moved), 1))
        for axis, one in enumerate(moved):
            way = (one.values - at @ one.direction)[:, None] * one.direction
            codes += np.expand_dims(way, tuple(range(1, len(moved) - axis)))
        pictures = imaginer.decode(codes.reshape(-1, len(at)), prompt)
        return pictures.reshape(*codes.shape[:-1], *pictures.shape[1:])

    return Exploration(
        imaginer,
        prompt,
        begins_at=picture.name if picture else "the mean of all codes",
        nats=nats,
        sliders=sliders,
        strips={one.key: drawn(one) for one in sliders},
        grids={(one.key, other.key): drawn(one, other) for one, other in itertools.combinations(sliders, 2)},
    )


def walk(
    model: Imaginer | str | Path, start: Path | bytes, end: Path | bytes, *, prompt: str = "", steps: int = WALK_STEPS
) -> Walk:
    """Goes from one picture to another through their codes, along the arc between them.

    Args:
        model: of a family with codes.
        start, end: picture files, or the bytes of such.
        prompt: what all pictures show; none unless given.
        steps: pictures, the two ends included.

    Raises:
        BadInput: the model has no codes, or a file is no picture.
    """
    imaginer = model if isinstance(model, Imaginer) else load(model)
    ends = as_seen(start, imaginer), as_seen(end, imaginer)
    one, other = imaginer.encode(np.stack(ends), prompt)
    way = np.stack([slerp(one, other, share) for share in np.linspace(0, 1, steps)])
    return Walk(ends, imaginer.decode(way, prompt))


def told_nats(imaginer: Imaginer, prompt: str) -> Float[np.ndarray, "code"]:
    """What each dimension of a model's codes says, in nats, so that one knows what sliders to make and how far they go.

    Raises:
        BadInput: the model has no codes, or codes of which nobody knows that.
    """
    nats = imaginer.code_kl(prompt)
    if nats is None:
        raise BadInput(
            f"the codes of {imaginer.name} cannot be swept",
            why="a plain auto-encoder's codes follow no distribution, so nothing says how far a slider should go",
            next_step="walk between two pictures, or train the family vae with model.objective=vae",
        )
    return nats


def ranked(nats: Float[np.ndarray, "code"]) -> list[int]:
    """Dimensions, what carries most first."""
    return [int(dimension) for dimension in np.argsort(-nats, kind="stable")]


def dimension_slider(dimension: int, nats: Float[np.ndarray, "code"], at: Float[np.ndarray, "code"]) -> Slider:
    """Along one dimension of the code, through the normal distribution's quantiles."""
    quantiles = np.array([NormalDist().inv_cdf(share) for share in SHARES], np.float32)
    direction = np.eye(len(at), dtype=np.float32)[dimension]
    return Slider(dimension, f"{nats[dimension]:.2f} nats", direction, *through(quantiles, float(at[dimension])))


def word_slider(axis: WordAxis, at: Float[np.ndarray, "code"]) -> Slider:
    """Along a word's direction, through the quantiles of the training pictures."""
    auc = axis.auc
    says = "too few held-out pictures have the word to measure it"
    if auc is not None:
        says = f"tells {auc.value:.0%} of held-out pairs apart ({auc.low:.0%} to {auc.high:.0%}; a guess: 50%)"
    return Slider(axis.word, says, axis.direction, *through(axis.quantiles, float(at @ axis.direction)))


def through(quantiles: Float[np.ndarray, "step"], at: float) -> tuple[Float[np.ndarray, "step"], int]:
    """The quantiles, in which the one nearest to `at` gives way to `at` itself, so that where all begins is on the
    slider; and which one that is."""
    home = int(np.argmin(np.abs(quantiles - at)))
    values = quantiles.copy()
    values[home] = at
    return values, home


def slerp(start: Float[np.ndarray, "code"], end: Float[np.ndarray, "code"], share: float) -> Float[np.ndarray, "code"]:
    """The point at `share` of the way along the arc between two codes (Shoemake 1985): in many dimensions codes lie
    near a sphere, and a straight line would cut through its empty inside. The length changes evenly on the way."""
    length, length_end = np.linalg.norm(start), np.linalg.norm(end)
    if min(length, length_end) == 0:
        return (1 - share) * start + share * end
    cosine = float(np.clip(start @ end / (length * length_end), -1, 1))
    angle = np.arccos(cosine)
    if np.sin(angle) < 1e-6:  # the same direction, or opposite ones, between which every arc is as good
        return (1 - share) * start + share * end
    turned = np.sin((1 - share) * angle) * start / length + np.sin(share * angle) * end / length_end
    scaled: Float[np.ndarray, "code"] = (turned / np.sin(angle) * ((1 - share) * length + share * length_end)).astype(
        np.float32
    )
    return scaled


def _chosen(nats: Float[np.ndarray, "code"], dims: Sequence[int] | None) -> list[int]:
    """The dimensions to show: those named, or the active ones that carry most."""
    if dims is None:
        active = [dimension for dimension in ranked(nats) if nats[dimension] >= ACTIVE_NATS]
        if len(active) < 2:
            raise BadInput(
                f"{len(active)} of {len(nats)} dimensions carry anything, and two are needed",
                why=f"the rest say less than {ACTIVE_NATS} nats of a picture",
                next_step="train longer or with a lower beta, or name two with --dims all the same",
            )
        return active[:SLIDERS]
    for dimension in dims:
        if not 0 <= dimension < len(nats):
            raise BadInput(
                f"dims: there is no dimension {dimension}",
                next_step=f"choose from 0 to {len(nats) - 1}, e.g. --dims 0,1",
            )
    return list(dims)


def as_seen(picture: Path | bytes, imaginer: Imaginer) -> UInt8[np.ndarray, "h w c"]:
    """A picture file as a model sees it.

    Raises:
        BadInput: it is no picture.
    """
    as_the_model = imaginer.picture_format
    return fit(open_picture(picture), as_the_model.size_px, as_the_model.channels, as_the_model.pixel_art)
