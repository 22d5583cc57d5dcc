"""Checkpoints: everything a training needs to go on, written whole or not at all, verified when read.

In the run folder:

    checkpoints/000012800/      named by pictures seen
        weights.safetensors     the model as it trains
        average.safetensors     its averaged weights
        optimiser.safetensors   state by objective, optimiser, kind and parameter name
        state.json              the position, and the SHA-256 of each file

No pickle. The last two are kept, and the best by held-out loss.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from safetensors.torch import load_file, save
from torch import Tensor

from mindseye.errors import BadInput
from mindseye.files import storage_errors, written_aside

FORMAT = 1
KEPT = 2

Tensors = dict[str, Tensor]


@dataclass
class Position:
    """Where a training stands. With the weights and the plan it determines everything that follows.

    Attributes:
        pictures_seen: the clock.
        steps: optimiser steps.
        seconds_trained: so far, over all stops.
        order: rolling digest of all samples seen (`order.order_digest`).
        held_out: the loss on the validation split at this very point, None where it was not taken.
        copying: what share of its pictures are copies of training pictures, at least; 0 where they were not counted.
    """

    pictures_seen: int = 0
    steps: int = 0
    seconds_trained: float = 0.0
    order: str = ""
    held_out: float | None = None
    copying: float = 0.0


@dataclass(frozen=True)
class Checkpoint:
    """A checkpoint that was read and verified: its position and its three files of tensors."""

    path: Path
    position: Position
    weights: Tensors
    average: Tensors
    optimiser: Tensors


def save_checkpoint(folder: Path, position: Position, parts: Mapping[str, Tensors]) -> tuple[Path, int]:
    """Writes a checkpoint and removes the ones no longer kept.

    Args:
        folder: the run's checkpoints/.
        position: where the training stands.
        parts: "weights", "average" and "optimiser".

    Returns:
        The checkpoint's folder and its size in bytes.

    Raises:
        Unavailable: the disk is full or refuses; earlier checkpoints are intact.
    """
    path = folder / f"{position.pictures_seen:09d}"
    with written_aside(path) as aside:
        aside.mkdir()
        digests = {}
        for name, tensors in parts.items():
            content = save({key: tensor.detach().contiguous().cpu() for key, tensor in tensors.items()})
            (aside / f"{name}.safetensors").write_bytes(content)
            digests[f"{name}.safetensors"] = hashlib.sha256(content).hexdigest()
        state = {"format": FORMAT, **asdict(position), "sha256": digests}
        (aside / "state.json").write_text(json.dumps(state, indent=2) + "\n", encoding="utf-8")
    size = sum(file.stat().st_size for file in path.iterdir())
    _prune(folder)
    return path, size


def load_latest(folder: Path, log: Callable[[str], None]) -> Checkpoint | None:
    """The newest checkpoint that is whole; damaged ones are passed over, saying so. None when there never was one.

    Raises:
        BadInput: there are checkpoints and every one is damaged.
    """
    damaged = []
    for path in sorted(_checkpoints(folder), reverse=True):
        try:
            return _load(path)
        except (OSError, ValueError, KeyError, TypeError) as error:
            damaged.append(path)
            log(f"{path} is damaged ({error}); going back to the checkpoint before it")
    if damaged:
        raise BadInput(
            f"no checkpoint in {folder} can be used",
            why="each fails its SHA-256 check",
            next_step="restore the folder from a copy, or begin again in a new one",
        )
    return None


def _load(path: Path) -> Checkpoint:
    state = json.loads((path / "state.json").read_text(encoding="utf-8"))
    if state.pop("format") != FORMAT:
        raise ValueError("it was written by another version")
    for name, expected in state.pop("sha256").items():
        if _sha256(path / name) != expected:
            raise ValueError(f"{name} has not the SHA-256 that was recorded")
    parts = {name: load_file(path / f"{name}.safetensors") for name in ("weights", "average", "optimiser")}
    return Checkpoint(path, Position(**state), **parts)


def clear_leftovers(folder: Path) -> None:
    """Removes what a crash left half-written or half-removed. Only for who holds the run's lease."""
    for path in folder.glob(".*"):
        shutil.rmtree(path, ignore_errors=True)


def _prune(folder: Path) -> None:
    """Keeps the newest, and the one with the least held-out loss; each other goes by one rename, then for good."""
    paths = sorted(_checkpoints(folder))
    losses = {path: loss for path in paths if (loss := _held_out(path)) is not None}
    keep = {*paths[-KEPT:], *([min(losses, key=lambda path: losses[path])] if losses else [])}
    for path in paths:
        if path not in keep:
            with storage_errors(path):
                gone = path.with_name(f".{path.name}.old")
                os.rename(path, gone)
                shutil.rmtree(gone)


def _held_out(path: Path) -> float | None:
    with contextlib.suppress(OSError, ValueError):
        loss: float | None = json.loads((path / "state.json").read_text(encoding="utf-8")).get("held_out")
        return loss
    return None


def _checkpoints(folder: Path) -> list[Path]:
    return [path for path in folder.glob("[0-9]*") if path.is_dir()]


def _sha256(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
