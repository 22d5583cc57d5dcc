"""Models that imagine in pixels, put to the test of few-shot recognition: each beside itself before its training.

A model that has seen the concepts that are asked about would only remember them. So it must have been trained on the
base concepts of the collection, and its folder says whether it was: by their fingerprint.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from jaxtyping import UInt8
from numpy.typing import NDArray

from mindseye.collection.collection import Collection, fingerprint_of
from mindseye.collection.concepts import base_of
from mindseye.errors import BadInput
from mindseye.imagine.imaginer import Imaginer
from mindseye.imagine.painter import FamilyPainter
from mindseye.imagine.request import Request
from mindseye.pictures.story import png_bytes
from mindseye.randomness import SEED_LIMIT
from mindseye.think.few_shot.views import Draw

STRENGTHS = (0.4, 0.8)


@dataclass(frozen=True)
class PictureImaginer:
    """A model that draws pictures from a picture, by the strength of its imagination, and the same before its training.

    Attributes:
        trained, untrained: at the same strengths.
    """

    trained: Mapping[float, Draw]
    untrained: Mapping[float, Draw]


@dataclass(frozen=True)
class Tested:
    """What the report says of a model that was put to the test."""

    name: str
    family: str
    sha256: str
    collection: str
    pictures_seen: int
    strengths: tuple[float, ...]

    def as_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {**asdict(self), "strengths": list(self.strengths)}


def picture_imaginer(imaginer: Imaginer, strengths: Sequence[float] = STRENGTHS) -> PictureImaginer:
    """A model as an imagination: it varies each picture that is shown, without words.

    Args:
        imaginer: of a family that varies pictures: diffusion, oit or vae.
        strengths: how far it goes from the picture, 0 to 1 each; one is chosen on validation-novel concepts.

    Raises:
        BadInput: it varies no pictures, or is a pipeline, of which there is nothing before its training; or a strength
            is out of range.
    """
    if not imaginer.abilities.vary:
        raise BadInput(
            f"{imaginer.name} cannot imagine from a picture",
            why=f"{imaginer.kind} models do not vary pictures",
            next_step="use a model of the family diffusion, oit or vae",
        )
    if not strengths or min(strengths) < 0 or max(strengths) > 1:
        raise BadInput(
            f"strengths {list(strengths)} cannot be used", next_step="use numbers from 0 to 1, such as 0.4,0.8"
        )
    beginning = before_training(imaginer)
    return PictureImaginer(
        {strength: varying(imaginer, strength) for strength in strengths},
        {strength: varying(beginning, strength) for strength in strengths},
    )


def varying(imaginer: Imaginer, strength: float) -> Draw:
    """The model as a function from a picture, a number and random numbers to so many variations of the picture."""

    def draw(
        picture: UInt8[np.ndarray, "size size channel"], count: int, rng: np.random.Generator
    ) -> NDArray[np.uint8]:
        given, seed = png_bytes(picture, None), int(rng.integers(SEED_LIMIT))
        drawn = imaginer.imagine(Request(prompt="", picture=given, strength=strength, seed=seed, count=count))
        return np.stack([each.pixels for each in drawn])

    return draw


def before_training(imaginer: Imaginer) -> Imaginer:
    """The same model as it was when its training began.

    Raises:
        BadInput: it is a pipeline.
    """
    ours = imaginer.ours
    model = ours.family.build(ours.model.config, ours.about.training.seed).eval().to(ours.device)
    return Imaginer(ours.path, imaginer.name, FamilyPainter(ours.path, ours.family, model, ours.about), ours.about)


def for_collections(
    imaginers: Sequence[Imaginer], collections: Sequence[Collection], strengths: Sequence[float] = STRENGTHS
) -> tuple[list[dict[str, PictureImaginer]], list[Tested]]:
    """The imaginations that are put to the test on each collection, by their names, and what there is to say of them.

    A model is tested on the collection whose base concepts it was trained on.

    Raises:
        BadInput: there is no such collection among these, or a model cannot imagine from a picture.
    """
    ready = [picture_imaginer(imaginer, strengths) for imaginer in imaginers]
    bases = [fingerprint_of(base_of(collection)) for collection in collections] if imaginers else []
    found: list[dict[str, PictureImaginer]] = [{} for _ in collections]
    told = []
    for imaginer, both in zip(imaginers, ready, strict=True):
        about = imaginer.ours.about
        trained_on = about.collection.fingerprint
        if trained_on not in bases or about.training.settings.get("start"):
            raise _not_of_base(imaginer, collections)
        tested = bases.index(trained_on)
        name = _unused(f"imagination by {imaginer.kind}", found[tested])
        found[tested][name] = both
        told.append(
            Tested(
                name,
                imaginer.kind,
                imaginer.sha256,
                collections[tested].name,
                about.training.pictures_seen,
                tuple(strengths),
            )
        )
    return found, told


def _not_of_base(imaginer: Imaginer, collections: Sequence[Collection]) -> BadInput:
    about = imaginer.ours.about
    names = ", ".join(each.name for each in collections)
    whole = next((each.name for each in collections if each.fingerprint == about.collection.fingerprint), None)
    if start := about.training.settings.get("start"):
        why = f"its training went on from {start}, which may know what is to be new to it"
    elif whole:
        why = f"it was trained on the whole of {whole}, and has seen what is to be new to it"
    else:
        trained_on = about.collection.name
        why = f"it was trained on {trained_on}, which is not their base concepts, and may know what is to be new to it"
    return BadInput(
        f"{imaginer.name} cannot be put to the test on {names}",
        why=why,
        next_step=f"train on base concepts alone: mindseye collect {whole or collections[0].name} BASE --base-concepts,"
        f" then mindseye train {imaginer.kind} BASE --out RUN",
    )


def _unused(name: str, taken: Mapping[str, Any]) -> str:
    """The name, or with a number where it is taken."""
    numbered = [name, *(f"{name} {number}" for number in range(2, len(taken) + 2))]
    return next(each for each in numbered if each not in taken)
