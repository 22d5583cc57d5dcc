"""From what was asked to what will be done: the plan of a new run, or the recorded one of a run that goes on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import torch

import mindseye
from mindseye.collection.collection import Collection
from mindseye.errors import BadInput
from mindseye.learn.learner import CaptionEncoder, Learner, PictureFormat
from mindseye.observe.text import load_text_encoder
from mindseye.settings import checked
from mindseye.train.config import DEFAULT_MINUTES, TrainConfig, Wishes, changed_field
from mindseye.train.machine import Machine
from mindseye.train.run import Plan, RunFolder
from mindseye.train.start import Start


@dataclass(frozen=True)
class Resolved:
    """A plan in the types that the loop works with."""

    plan: Plan
    train: TrainConfig
    model: Any
    pictures: PictureFormat
    machine: Machine
    encoder: CaptionEncoder


def new_plan(learner: Learner, collection: Collection, wishes: Wishes, log: Callable[[str], None]) -> Resolved:
    """Resolves every setting of a new run.

    Raises:
        BadInput: a setting is unknown or out of range, or the model to start from does not fit.
        Unavailable: the device asked for, or the text encoder, is not there.
    """
    train = checked(TrainConfig, wishes.train)
    start = Start.find(train.start, learner) if train.start else None
    if start:
        train = train.model_copy(update=start.agreed(wishes.train))
    if train.minutes is None and train.pictures is None:
        train = train.model_copy(update={"minutes": DEFAULT_MINUTES})
    pictures = PictureFormat(
        size_px=train.size_px or collection.info["size_px"],
        channels=4 if collection.info["transparent"] else 3,
        pixel_art=collection.info["pixel_art"],
    )
    machine = Machine.choose(train, log)
    if "batch_size" not in wishes.train:
        train = train.model_copy(update={"batch_size": max(machine.batch_size, learner.least_batch)})
    if start:
        settings = start.settings_for(pictures)
    else:
        preset = {"preset": train.preset} if train.preset else {}
        settings = learner.config.for_pictures(pictures, **preset).model_dump()  # type: ignore[attr-defined]
    train_split = collection.splits["train"]
    fixed = {"training_pictures": len(train_split)}
    text_encoder = None if learner.reads_with else load_text_encoder(train.text_encoder)
    if text_encoder:
        fixed |= {"text_width": text_encoder.width, "text_tokens": text_encoder.token_limit}
    fixed = {name: value for name, value in fixed.items() if name in learner.config.model_fields}
    model = checked(learner.config, {**settings, **fixed, **wishes.model}, "model.")
    if learner.measure_captions:
        model = learner.measure_captions(model, [text for texts in train_split.captions for text in texts], log)
    if learner.measure:
        model = learner.measure(model, train_split.arrays(pictures.size_px, pictures.channels, pictures.pixel_art), log)
    encoder = learner.reads_with(model) if learner.reads_with else text_encoder
    assert encoder is not None
    if start:
        start.read_with(encoder.sha256)
    plan = Plan(
        mindseye=mindseye.__version__,
        torch=torch.__version__,
        family=learner.name,
        collection=collection.name,
        collection_path=str(collection.path.resolve()),
        fingerprint=collection.fingerprint,
        text_encoder_sha256=encoder.sha256,
        start_sha256=start.sha256 if start else "",
        pictures=asdict(pictures),
        train=train.model_dump(exclude_none=True),
        model=model.model_dump(mode="json", exclude_none=True),
        machine=asdict(machine),
    )
    return Resolved(plan, train, model, pictures, machine, encoder)


def recorded_plan(
    plan: Plan, learner: Learner, collection: Collection, wishes: Wishes, run: RunFolder, log: Callable[[str], None]
) -> Resolved:
    """The plan of a run that goes on, with its goal raised if that was asked.

    Raises:
        BadInput: what was asked contradicts the run; the message names the field.
    """
    if plan.family != learner.name:
        raise _contradiction(run, "family", learner.name, plan.family)
    if plan.fingerprint != collection.fingerprint:
        raise BadInput(
            f"the collection is not the one that {run.path} was begun with",
            why=f"its contents have the fingerprint {collection.fingerprint[:12]}, not {plan.fingerprint[:12]}",
            next_step=f"give the original ({plan.collection_path}), or begin a new run",
        )
    if plan.torch != torch.__version__:
        log(f"begun with torch {plan.torch}, going on with {torch.__version__}: the last bits may differ")
    asked = checked(TrainConfig, wishes.train).model_dump(include=set(wishes.train))
    before = checked(TrainConfig, plan.train).model_dump()
    if field := changed_field(asked, before):
        raise _contradiction(run, field, asked[field], before[field])
    train = checked(TrainConfig, {**before, **asked})
    for goal in ("minutes", "pictures"):
        if goal in asked and asked[goal] < before[goal]:
            raise _contradiction(run, goal, asked[goal], before[goal])
    model = checked(learner.config, {**plan.model, **wishes.model}, "model.")
    recorded = checked(learner.config, plan.model, "model.")
    for field in wishes.model:
        if getattr(model, field) != getattr(recorded, field):
            raise _contradiction(run, f"model.{field}", getattr(model, field), getattr(recorded, field))
    plan = plan.model_copy(update={"train": train.model_dump(exclude_none=True)})
    encoder: CaptionEncoder
    if learner.reads_with:
        encoder = learner.reads_with(model)
    else:
        encoder = load_text_encoder(train.text_encoder, sha256=plan.text_encoder_sha256)
    return Resolved(plan, train, model, PictureFormat(**plan.pictures), Machine(**plan.machine), encoder)


def _contradiction(run: RunFolder, field: str, asked: Any, recorded: Any) -> BadInput:
    return BadInput(
        f"{field} is {recorded} in {run.path / 'run.toml'} and cannot become {asked} on the way",
        next_step=f"leave {field} out to go on with this run (its goal may be raised), or begin a new one",
    )
