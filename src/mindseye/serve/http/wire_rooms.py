"""What clients of `/api` say and hear."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from mindseye.imagine.families import NAMES


class Search(BaseModel):
    """What to look for: words, or a picture."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    collection: str = Field(max_length=200, description="one of /api/collections")
    words: str | None = Field(None, max_length=2000, description="what the pictures should show")
    picture: str | None = Field(None, description="or a picture that they should look like, as base64")
    count: int = Field(12, ge=1, le=100, description="pictures, at most")


class Judging(BaseModel):
    """A picture to judge."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    picture: str = Field(description="as base64")
    prompt: str | None = Field(None, max_length=2000, description="what it should show; its own story's unless given")
    model: str | None = Field(None, max_length=200, description="whose thinker judges; the first model's unless given")
    nearest: int = Field(0, ge=0, le=20, description="training pictures to look for; the first time takes minutes")


class NewRun(BaseModel):
    """A training to start, or to go on with."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    name: str = Field(max_length=255, description="small letters, digits, - and _, up to 64; or one of /api/runs")
    family: str | None = Field(
        None,
        max_length=64,
        description=f"one of {', '.join(NAMES)}; diffusion, or the run's own, unless given",
    )
    collection: str | None = Field(
        None, max_length=200, description="one of /api/collections; the run's own unless given"
    )
    minutes: float | None = Field(None, gt=0, le=100_000, description="for how long; a run that goes on has its own")
    settings: dict[str, str | int | float | bool] = Field(default_factory=dict, description="as for train --set")


class Told(BaseModel):
    """What is answered has these fields and no others."""

    model_config = ConfigDict(extra="forbid")


class Collection(Told):
    """A collection that can be searched and trained on."""

    id: str
    splits: dict[str, int] = Field(description="pictures in each")
    size_px: int | None = None
    transparent: bool | None = None
    pixel_art: bool | None = None


class Collections(Told):
    """All of them."""

    collections: list[Collection]


class Hit(Told):
    """A picture that was found."""

    path: str = Field(description="as its collection names it")
    caption: str
    distance: int = Field(description="bits in which its code differs from the query's")
    score: float = Field(description="cosine of what the codes were made of")


class Found(Told):
    """What was found, the best first."""

    query: str
    results: list[Hit]
    milliseconds: dict[str, float]


class Near(Told):
    """A training picture that looks like the one that is judged."""

    file_name: str
    caption: str
    row: int = Field(description="in the training split")
    distance: float = Field(description="1 less the cosine of what a frozen picture encoder sees in both")


class Verdict(Told):
    """What the thinker makes of a picture."""

    picture: str
    model: str
    imagined: float | None = Field(description="probability; null where no detector has been made for the model")
    shows: str
    captions: list[tuple[str, float]] = Field(description="with their share of the probability of all, the best first")
    description: str = Field(description="in words of its own")
    prompt: str | None
    match: float | None = Field(description="probability of the prompt among 100 captions")
    taught: list[tuple[str, float]] = Field(description="taught words, and how like their pictures it is")
    nearest: list[Near]
    notes: list[str]


class Stage(Told):
    """Where the time of a training went."""

    stage: str
    seconds: float
    bytes: int
    share: float


class Run(Told):
    """A training."""

    run: str
    state: str
    family: str
    collection: str
    pictures_seen: int
    pictures_per_second: float | None
    loss: float | None
    losses: list[float]
    copies: int | None = Field(description="of training pictures on its last sheet of samples; null: not counted")
    copies_among: int | None = Field(description="how many pictures that sheet has")
    stages: list[Stage]
    step_shares: dict[str, float] = Field(description="of the time of a step")
    model: bool = Field(description="whether there is a finished one")


class Runs(Told):
    """All of them."""

    runs: list[Run]


class Started(Told):
    """A training that was started."""

    run: str


class Stopping(Told):
    """A training that was asked to stop."""

    run: str
    asked: str
