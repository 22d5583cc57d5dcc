"""The road on which every trained peer runs: our batches, the minutes, checkpoints on the way.

Time is counted as our own loop counts it: batches, steps, averaging and checkpoints, but neither the set-up nor the
first step of a start, which compiles.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch

import ours
from mindseye.collection.collection import Collection
from mindseye.learn.batch import Batch
from record import say

CHECKPOINT_SECONDS = 300
REPORT_SECONDS = 30
Step = Callable[[Batch, torch.Generator, float], float]


def practise(
    step: Step,
    state: Mapping[str, Any],
    collection: Collection,
    *,
    minutes: float,
    folder: Path,
    seed: int,
    batch_size: int,
) -> int:
    """Trains for so many minutes, going on from a checkpoint if there is one; returns the pictures seen.

    Args:
        step: one whole step on a batch, with a generator for its noise and the share of the time that is over; gives
            the loss.
        state: everything that changes (networks, optimisers, averages), each with `state_dict` and `load_state_dict`.
        collection: whose train split is shown, in our order.
        minutes: to train for.
        folder: for the checkpoint.
        seed: of the order and the noise.
        batch_size: pictures a step.
    """
    feed = ours.feed(collection, folder, seed, batch_size)
    checkpoint = folder / "checkpoint.pt"
    seen, seconds = _load(checkpoint, state)
    counted = False  # the first step of a start is not
    saved = said = time.monotonic()
    while seconds < 60 * minutes:
        began = time.monotonic()
        loss = step(feed.at(seen).batch, ours.generator(seed, "noise", seen), seconds / (60 * minutes))
        if loss != loss:
            raise RuntimeError(f"the loss is no number after {seen} pictures")
        seen += batch_size
        if began - saved > CHECKPOINT_SECONDS:
            _save(checkpoint, state, seen, seconds)
            saved = time.monotonic()
        if began - said > REPORT_SECONDS:
            say(f"  {seconds / 60:.1f} min, {seen} pictures, loss {loss:.4f}")
            said = time.monotonic()
        seconds += (time.monotonic() - began) * counted
        counted = True
    feed.close()
    _save(checkpoint, state, seen, seconds)
    return seen


def _save(path: Path, state: Mapping[str, Any], seen: int, seconds: float) -> None:
    aside = path.with_suffix(".aside")
    parts = {name: part.state_dict() for name, part in state.items()}
    torch.save({"seen": seen, "seconds": seconds, "state": parts}, aside)
    os.replace(aside, path)


def _load(path: Path, state: Mapping[str, Any]) -> tuple[int, float]:
    if not path.exists():
        return 0, 0.0
    saved = torch.load(path, weights_only=True)
    for name, part in state.items():
        part.load_state_dict(saved["state"][name])
    say(f"  going on at {saved['seen']} pictures")
    return int(saved["seen"]), float(saved["seconds"])
