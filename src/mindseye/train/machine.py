"""What the machine can do, decided once at the start of a run and recorded in `run.toml`."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Self

import torch
from torch import Tensor
from torch._dynamo.exc import TorchDynamoException
from torch._inductor.exc import CppCompileError

from mindseye.errors import Unavailable
from mindseye.learn.device import best_device, has_bfloat16
from mindseye.train.config import TrainConfig

# A slow machine takes few steps in the time that people give it; more steps of fewer pictures get it further.
BATCH_SIZES = {"bfloat16": 64, "float32": 32}
COMPILER_ERRORS = (TorchDynamoException, CppCompileError)


@dataclass(frozen=True)
class Machine:
    """How this run computes.

    Attributes:
        device: "cpu", "cuda" or "mps".
        precision: "bfloat16" (arithmetic only; weights stay float32) or "float32".
        compiled: whether the step is compiled.
        threads: processor threads; on a CPU the sums, and so the bytes, depend on them.
    """

    device: str
    precision: str
    compiled: bool
    threads: int

    @classmethod
    def choose(cls, config: TrainConfig, log: Callable[[str], None]) -> Self:
        """The best this machine offers of what `config` allows.

        Raises:
            Unavailable: the device asked for is not there.
        """
        device = _device(config.device)
        precision = config.precision
        if precision == "auto":
            precision = "bfloat16" if has_bfloat16(device) else "float32"
        compiled = config.compile and device != "mps"
        if compiled and device == "cpu" and not has_cpp_compiler():
            log("no C++ compiler was found, so the step runs uncompiled, at perhaps half the speed")
            compiled = False
        return cls(device, precision, compiled, config.threads or len(os.sched_getaffinity(0)))

    @property
    def batch_size(self) -> int:
        """Pictures a step, unless the person says otherwise."""
        return BATCH_SIZES[self.precision]

    def set_up(self, log: Callable[[str], None]) -> None:
        """Makes torch compute the same way every time: threads, and deterministic algorithms on a CPU."""
        here = os.cpu_count() or 1
        if self.threads > here:
            log(f"this run was begun with {self.threads} threads and goes on with them; this machine has {here}")
        torch.set_num_threads(self.threads)
        torch.use_deterministic_algorithms(self.device == "cpu")
        torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]  # costs time

    def autocast(self) -> AbstractContextManager[None]:
        """The context in which a network computes in this run's precision."""
        return torch.autocast(self.device, dtype=torch.bfloat16, enabled=self.precision == "bfloat16")


def compiled(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """`function` compiled for fixed shapes, without trying out variants, so that every start gives the same code."""

    def call(*args: Any) -> Tensor:  # a plain function: the compiler does not take every callable
        return function(*args)

    return torch.compile(call, dynamic=False)


def has_cpp_compiler() -> bool:
    names = [os.environ["CXX"]] if "CXX" in os.environ else ["g++", "clang++", "c++"]
    return any(shutil.which(name) for name in names)


def _device(asked: str) -> str:
    there = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if asked == "auto":
        return best_device()
    if not there[asked]:
        raise Unavailable(f"device {asked} is not on this machine", next_step="use --set device=auto")
    return asked
