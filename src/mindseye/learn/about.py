"""What a model folder says of itself besides its weights: the record in `mindseye.json`."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict

FORMAT_VERSION = 1


class EncoderReference(BaseModel):
    """The frozen text encoder that a model was trained with."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    sha256: str
    token_limit: int


class CollectionReference(BaseModel):
    """What a model was trained on."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    fingerprint: str
    pictures: int
    captions: int
    licence: str = ""
    attribution: tuple[str, ...] = ()


class Training(BaseModel):
    """How a model was trained."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    pictures_seen: int
    hours: float
    machine: str
    seed: int
    settings: dict[str, Any]


class About(BaseModel):
    """`mindseye.json`: everything a model folder says of itself besides its weights."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: int = FORMAT_VERSION
    name: str
    family: str
    config: dict[str, Any]
    pixel_art: bool
    text_encoder: EncoderReference
    collection: CollectionReference
    training: Training
    versions: dict[str, str]
