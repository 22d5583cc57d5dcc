"""The settings of a training, recipes, and the plan that `run.toml` records."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from mindseye.errors import BadInput
from mindseye.randomness import SEED_LIMIT
from mindseye.settings import unknown_key

DEFAULT_MINUTES = 45.0
MAY_CHANGE = {
    "minutes",
    "pictures",
    "checkpoint_minutes",
    "preview_minutes",
    "tensorboard",
    "copies_allowed",
}  # when a run goes on
RECIPE_FOLDERS = (Path(__file__).parents[1] / "recipes", Path(__file__).parents[3] / "recipes")  # wheel, checkout


class TrainConfig(BaseModel):
    """How to train, apart from what: every setting of the loop."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    minutes: float | None = Field(None, gt=0, le=60 * 24 * 365, description="train for this long, set-up not counted")
    pictures: int | None = Field(None, gt=0, le=10**12, description="train until this many pictures were seen")
    preset: str | None = Field(None, description="size of the model, one of the family's presets")
    size_px: int | None = Field(None, ge=8, le=512, description="edge of the picture; the collection suggests one")
    seed: int = Field(0, ge=0, lt=SEED_LIMIT, description="of the first weights, the data order and the noise")
    start: str | None = Field(None, description="a model whose weights are the first ones, and whose settings are kept")

    batch_size: int = Field(
        64, ge=1, le=65536, description="pictures a step, over all processes; where bfloat16 is slow, 32 unless given"
    )
    learning_rate: float = Field(1e-3, gt=0, le=1, description="at the height of its schedule")
    warmup_pictures: int = Field(
        10_000, ge=0, description="over which the learning rate rises; at most 5 % of the training"
    )
    decay_share: float = Field(0.25, gt=0, le=1, description="last share of the training, where it falls to 0")
    weight_decay: float = Field(0.01, ge=0, le=1, description="decoupled, times the learning rate")
    gradient_clip: float = Field(1.0, gt=0, description="greatest norm of a gradient")
    ema_gamma: float = Field(6.94, ge=0, le=1000, description="exponent of the averaged weights (EDM2's gamma)")

    device: Literal["auto", "cpu", "cuda", "mps"] = Field("auto", description="where to train")
    precision: Literal["auto", "bfloat16", "float32"] = Field("auto", description="of the network's arithmetic")
    compile: bool = Field(True, description="compile the step where a compiler is there")
    threads: int | None = Field(None, ge=1, le=4096, description="processor threads; all of them unless given")

    text_encoder: str = Field("all-MiniLM-L6-v2", description="frozen encoder of the captions")
    checkpoint_minutes: float = Field(5.0, ge=0, description="time between two checkpoints; 0 is every step")
    preview_minutes: float = Field(5.0, ge=0, description="time between two sample sheets; 0 is every step")
    preview_pictures: int = Field(16, ge=0, le=64, description="pictures on the sample sheet; 0 is no sheet")
    copies_allowed: float = Field(
        0.05, ge=0, le=1, description="share of copies among what it draws beyond which a training of few pictures ends"
    )
    held_out_pictures: int = Field(256, ge=0, description="validation pictures in the held-out loss")
    tensorboard: bool = Field(False, description="mirror the progress for TensorBoard (needs the extra `track`)")

    @model_validator(mode="after")
    def _one_goal(self) -> Self:
        if self.minutes is not None and self.pictures is not None:
            raise ValueError("minutes and pictures exclude each other: give one of them")
        return self

    def progress(self, pictures_seen: int, seconds: float) -> float:
        """The share of the goal that is reached, 0 to 1."""
        if self.pictures is not None:
            return min(1.0, pictures_seen / self.pictures)
        return min(1.0, seconds / self.goal_seconds)

    @property
    def goal_seconds(self) -> float:
        """The goal in seconds, where it is a time."""
        return 60 * (self.minutes or DEFAULT_MINUTES)


@dataclass(frozen=True)
class Wishes:
    """What was asked for in so many words: settings of the training and of the model, unchecked as yet."""

    train: dict[str, Any] = field(default_factory=dict)
    model: dict[str, Any] = field(default_factory=dict)

    def over(self, below: Wishes) -> Wishes:
        """These wishes, and those of `below` where these are silent; a goal replaces the other kind of goal."""
        goals = {"minutes", "pictures"}
        kept = {key: value for key, value in below.train.items() if not (key in goals and goals & self.train.keys())}
        return Wishes({**kept, **self.train}, {**below.model, **self.model})


def read_recipe(name_or_path: str | Path, family: str) -> Wishes:
    """The settings of a recipe: a TOML file with `family`, `collection` (the one it was made for), [train], [model].

    Args:
        name_or_path: a file, or the name of a recipe that came with the program.
        family: what is to be trained; it must be the recipe's.

    Raises:
        BadInput: no such recipe, not TOML, unknown keys, or a recipe of another family.
    """
    path = _recipe_path(name_or_path)
    try:
        recipe = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BadInput(f"{path} is not a recipe", why=str(error), next_step="see recipes/emoji.toml for one") from error
    for key in recipe:
        if key not in ("family", "collection", "train", "model"):
            raise unknown_key(key, ("family", "collection", "train", "model"), str(path))
    if recipe.get("family", family) != family:
        raise BadInput(
            f"{path} is a recipe for {recipe['family']}, not for {family}",
            next_step=f"train {recipe['family']}, or leave the recipe out",
        )
    for table in ("train", "model"):
        if not isinstance(recipe.get(table, {}), dict):
            raise BadInput(f"{path}: {table} is not a table", next_step=f"write [{table}] and its settings below it")
    return Wishes(recipe.get("train", {}), recipe.get("model", {}))


def _recipe_path(name_or_path: str | Path) -> Path:
    path = Path(name_or_path)
    if path.suffix == ".toml" or path.exists():
        return path
    shipped = {found.stem: found for folder in RECIPE_FOLDERS for found in sorted(folder.glob("*.toml"))}
    if str(name_or_path) not in shipped:
        raise BadInput(
            f"there is no recipe {str(name_or_path)!r}",
            next_step=f"give a .toml file, or one of: {', '.join(shipped) or 'none came with this installation'}",
        )
    return shipped[str(name_or_path)]


def read_settings(settings: Mapping[str, str]) -> Wishes:
    """`{"batch_size": "64", "model.width": "256"}` as wishes; values are TOML where they can be, else plain text."""
    wishes = Wishes()
    for key, text in settings.items():
        section, _, name = key.rpartition(".")
        if section not in ("", "train", "model"):
            raise unknown_key(key, [*TrainConfig.model_fields, "model."], "settings")
        (wishes.model if section == "model" else wishes.train)[name] = _value(text)
    return wishes


def _value(text: str) -> Any:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def changed_field(asked: Mapping[str, Any], recorded: Mapping[str, Any]) -> str | None:
    """The first asked-for setting that a run cannot take up on its way, or None."""
    for key, value in asked.items():
        if key not in MAY_CHANGE and value != recorded.get(key):
            return key
    return None
