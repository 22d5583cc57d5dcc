"""Everything before the first step: pictures into memory, captions to features, the model built, memory estimated."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from mindseye.collection.collection import Collection
from mindseye.imagine.family import Family
from mindseye.learn.batch import Words
from mindseye.learn.learner import Learner, Objective
from mindseye.observe.features import caption_features
from mindseye.pictures.snap import LARGEST_PALETTE, colours
from mindseye.train.copying import Copying
from mindseye.train.data import CaptionList, Feed, Pictures
from mindseye.train.distributed import World
from mindseye.train.estimate import available_bytes, memory_bytes, refuse_if_too_large, saved_bytes
from mindseye.train.held_out import HeldOut
from mindseye.train.machine import Machine
from mindseye.train.plan import Resolved
from mindseye.train.previews import preview_prompts
from mindseye.train.run import RunFolder
from mindseye.wording import counted

PROBE_PICTURES = 2  # of the batch whose memory is measured


@dataclass(frozen=True)
class Ready:
    """What the loop works with.

    Attributes:
        model: freshly initialised, on its device.
        held_out: None where the collection has no validation split, none is wanted, or its loss would say nothing.
        prompts, prompt_words: of the sample sheet; none when none is wanted.
        copying: counts the copies on it; None where there is nothing to count.
        palette: the colours of pixel art, as "rrggbb"; none for other pictures.
    """

    resolved: Resolved
    model: Any
    objectives: Sequence[Objective]
    feed: Feed
    held_out: HeldOut | None
    prompts: list[str]
    prompt_words: Words | None
    copying: Copying | None
    palette: tuple[str, ...] = ()


def make_ready(
    run: RunFolder,
    resolved: Resolved,
    learner: Learner,
    collection: Collection,
    peers: World,
    log: Callable[[str], None],
) -> Ready:
    """Reads, encodes, builds and estimates, each a stage with its event.

    Raises:
        BadInput: the batch cannot be shared by the processes.
        Unavailable: the training would not fit into memory.
    """
    config, machine = resolved.train, resolved.machine
    train = collection.splits["train"]
    validation = collection.splits.get("validation")
    captions = CaptionList()
    with run.stage("read", f"reading {counted(len(train), 'picture')}") as fields:
        pictures = captions.read(train, resolved.pictures)
        held_out_pictures = captions.read(validation, resolved.pictures) if validation else None
        fields.update(pictures=len(pictures.pixels), bytes=_bytes(pictures, held_out_pictures))
        log(f"read {counted(len(pictures.pixels), 'picture')} to train on, {fields['bytes'] / 2**20:.0f} MiB")
    draws = isinstance(learner, Family)
    prompts = preview_prompts(train, validation, config.preview_pictures) if draws else []
    prompt_captions = [captions(prompt) for prompt in prompts]
    with run.stage("encode", f"reading {counted(len(captions.texts), 'caption')}") as fields:
        features = caption_features(resolved.encoder, captions.texts, run.features)
        fields.update(captions=len(captions.texts), bytes=features.bytes)
        log(f"read {counted(len(captions.texts), 'caption')}, {features.bytes / 2**20:.0f} MiB of features")
    with run.stage("build", "building the model") as fields:
        model = learner.build(resolved.model, config.seed).to(torch.device(machine.device))
        objectives = list(model.objectives())
        fields.update(parameters=sum(parameter.numel() for parameter in model.parameters()))
    feed = Feed(pictures, features, objectives, config.seed, config.batch_size, peers.slice_of(config.batch_size))
    data_bytes = _bytes(pictures, held_out_pictures) + features.bytes
    _estimate(run, machine, model, feed, data_bytes, log)
    held_out = None
    comparable = all(objective.comparable for objective in objectives)
    if held_out_pictures and config.held_out_pictures and comparable:
        held_out = HeldOut(held_out_pictures, features, config.held_out_pictures, config.batch_size)
    prompt_words = features.words(prompt_captions) if prompts else None
    palette = colours(pictures.pixels, LARGEST_PALETTE) if resolved.pictures.pixel_art else ()
    copying = Copying.of(train) if prompts else None
    if copying and config.copies_allowed < 1:
        log(f"{counted(len(train), 'picture')} are few: the training ends early if it begins to give them back")
    return Ready(resolved, model, objectives, feed, held_out, prompts, prompt_words, copying, palette)


def _bytes(*pictures: Pictures | None) -> int:
    return sum(split.pixels.nbytes for split in pictures if split)


def _estimate(
    run: RunFolder, machine: Machine, model: Any, feed: Feed, data_bytes: int, log: Callable[[str], None]
) -> None:
    """Measures what a few pictures keep for the backward pass, and from that what the whole training will need."""
    share = feed.share.stop - feed.share.start
    with run.stage("estimate", "measuring how much memory it needs") as fields:
        few = Feed(feed.pictures, feed.features, feed.objectives, feed.seed, PROBE_PICTURES, slice(PROBE_PICTURES))
        prepared = few.make(0).to(torch.device(machine.device))
        few.close()
        with machine.autocast():
            activations = saved_bytes(model, feed.objectives, prepared) * share // PROBE_PICTURES
        parameters = sum(parameter.numel() for parameter in model.parameters())
        learning = sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad)
        needed = memory_bytes(learning, data_bytes + 4 * (parameters - learning), activations)
        fields.update(parameters=parameters, memory_bytes=needed)
        log(f"{parameters / 1e6:.1f} million parameters; about {needed / 2**30:.1f} GiB of memory")
        if machine.device == "cpu":
            refuse_if_too_large(needed, available_bytes())
