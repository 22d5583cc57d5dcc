"""Several processes as one: under `torchrun` each takes its slice of every batch and the gradients are averaged."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
import torch.distributed as dist
from torch import Tensor

from mindseye.errors import BadInput


@dataclass(frozen=True)
class World:
    """This process among its peers: `rank` of `size`. Rank 0 alone writes files and speaks."""

    rank: int = 0
    size: int = 1

    @property
    def leads(self) -> bool:
        return self.rank == 0

    def slice_of(self, batch_size: int) -> slice:
        """Which samples of a batch are this process's.

        Raises:
            BadInput: the batch cannot be shared evenly.
        """
        if batch_size % self.size:
            raise BadInput(
                f"batch_size {batch_size} cannot be shared by {self.size} processes",
                next_step=f"use a multiple of {self.size}",
            )
        share = batch_size // self.size
        return slice(self.rank * share, (self.rank + 1) * share)

    def average(self, gradients: Sequence[Tensor], loss: Tensor) -> Tensor:
        """Replaces the gradients by their mean over all processes, and returns the mean loss."""
        if self.size == 1:
            return loss
        flat = torch.cat([loss.detach().reshape(1), *(gradient.reshape(-1) for gradient in gradients)])
        dist.all_reduce(flat)
        flat /= self.size
        offset = 1
        for gradient in gradients:
            gradient.copy_(flat[offset : offset + gradient.numel()].view_as(gradient))
            offset += gradient.numel()
        return flat[0]

    def agree(self, *values: float) -> tuple[float, ...]:
        """Rank 0's `values`, on every process: clocks and signals differ, decisions must not."""
        if self.size == 1:
            return values
        shared = torch.tensor(values, dtype=torch.float64)
        dist.broadcast(shared, src=0)
        return tuple(shared.tolist())

    def any(self, value: int) -> int:
        """The greatest `value` of all processes."""
        if self.size == 1:
            return value
        shared = torch.tensor(value)
        dist.all_reduce(shared, op=dist.ReduceOp.MAX)
        return int(shared)


@contextlib.contextmanager
def world() -> Iterator[World]:
    """Joins the processes that `torchrun` started; alone when it did not."""
    if int(os.environ.get("WORLD_SIZE", "1")) == 1:
        yield World()
        return
    dist.init_process_group("gloo")
    try:
        yield World(dist.get_rank(), dist.get_world_size())
    finally:
        dist.destroy_process_group()
