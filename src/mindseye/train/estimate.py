"""How much memory and time a training will take, said before it starts."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from mindseye.errors import Unavailable
from mindseye.learn.learner import Objective
from mindseye.train.config import TrainConfig
from mindseye.train.data import Prepared
from mindseye.wording import counted, duration, three_digits

PROGRAM_BYTES = 500 * 2**20  # Python, torch and the compiler's products
WEIGHT_COPIES = 5  # weights, gradients, average, and up to two moments in the optimiser
SHARE_OF_MEMORY = 0.95


def saved_bytes(model: nn.Module, objectives: Sequence[Objective], prepared: Prepared) -> int:
    """Bytes that the uncompiled objectives keep for the backward pass of `prepared`, weights not counted.

    An upper bound for the compiled step, which keeps less.
    """
    weights = {parameter.untyped_storage().data_ptr() for parameter in model.parameters()}
    seen: dict[int, int] = {}

    def keep(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in weights:
            seen[storage.data_ptr()] = storage.nbytes()
        return tensor

    greatest = 0
    for objective in objectives:
        seen.clear()
        with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
            loss = objective.loss(model, prepared.batch, prepared.draws[objective.name])
        greatest = max(greatest, sum(seen.values()))
        del loss
    return greatest


def memory_bytes(parameters: int, data_bytes: int, activation_bytes: int) -> int:
    """Memory of a whole training, for `parameters` weights."""
    return PROGRAM_BYTES + parameters * 4 * WEIGHT_COPIES + data_bytes + activation_bytes


def available_bytes() -> int | None:
    """Memory that is free, or None where the system does not say."""
    try:
        with open("/proc/meminfo", encoding="ascii") as file:
            free = next(line for line in file if line.startswith("MemAvailable"))
        return int(free.split()[1]) * 1024
    except (OSError, StopIteration):
        names = os.sysconf_names
        if "SC_AVPHYS_PAGES" in names:
            return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
        return None


def refuse_if_too_large(needed: int, available: int | None) -> None:
    """
    Raises:
        Unavailable: the training would not fit into the memory that is free.
    """
    if available is not None and needed > available * SHARE_OF_MEMORY:
        raise Unavailable(
            f"this training needs about {needed / 2**30:.1f} GiB of memory",
            why=f"{available / 2**30:.1f} GiB are free",
            next_step="lower batch_size, or choose a smaller preset or size_px",
        )


def time_line(config: TrainConfig, pictures_seen: int, seconds_trained: float, pictures_per_second: float) -> str:
    """How long the rest of a training will take, or how far it will get, at the speed of its steps.

    Args:
        pictures_seen, seconds_trained: where it stands.
        pictures_per_second: as measured, without what comes between the steps.
    """
    at = f"at about {three_digits(pictures_per_second)} pictures a second"
    if config.pictures is not None:
        left = max(0, config.pictures - pictures_seen)
        seconds = math.ceil(left / config.batch_size) * config.batch_size / pictures_per_second
        time = duration(seconds) if seconds >= 1 else "less than a second"
        return f"{counted(left, 'picture')} to see {at}: {time}, and what checkpoints and sheets take"
    seconds = max(0.0, config.goal_seconds - seconds_trained)
    pictures = int(float(f"{seconds * pictures_per_second:.2g}"))
    most = counted(pictures, "picture")
    return f"{duration(seconds)} to train {at}: {most}, fewer by what checkpoints and sheets take"
