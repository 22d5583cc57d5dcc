"""Where to compute and how precisely: what the machine is good at."""

from __future__ import annotations

import functools
import platform
from contextlib import AbstractContextManager
from pathlib import Path

import torch

CPU_INFO = Path("/proc/cpuinfo")
BFLOAT16_FLAGS = {"avx512_bf16", "amx_bf16"}


def best_device() -> str:
    """ "cuda", "mps" or "cpu", the first that is there."""
    there = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    return next(device for device in there if there[device])


@functools.cache
def has_bfloat16(device: str) -> bool:
    """Whether `device` computes natively in bfloat16; where it does not, bfloat16 is slower than float32."""
    if device == "cuda":
        return bool(torch.cuda.is_bf16_supported())
    return device == "cpu" and bool(BFLOAT16_FLAGS & set(_cpu_info("flags").split()))


def processor_name(device: str) -> str:
    """The kind of processor or graphics card, never the machine's name in a network."""
    if device == "cuda":
        return torch.cuda.get_device_name()
    return _cpu_info("model name") or platform.machine()


def _cpu_info(field: str) -> str:
    lines = CPU_INFO.read_text(encoding="utf-8").splitlines() if CPU_INFO.exists() else []
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith(field)), "")


def fast_arithmetic(device: torch.device) -> AbstractContextManager[None]:
    """The context in which a network draws: bfloat16 products (summed in float32) where the device has them."""
    return torch.autocast(device.type, dtype=torch.bfloat16, enabled=has_bfloat16(device.type))


def casts_kept(device: torch.device) -> AbstractContextManager[None]:
    """The context of a whole drawing, in a thread of its own: weights that `fast_arithmetic` casts in one call of a
    network are there for the next: a third of what a small network on one picture takes. It must not change them."""
    return torch.autocast(device.type, enabled=False)  # what an outermost context has cast goes only with it
