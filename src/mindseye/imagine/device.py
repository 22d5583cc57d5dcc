"""Where to compute and how precisely: what the machine is good at."""

from __future__ import annotations

import functools
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
        return torch.cuda.is_bf16_supported()
    if device != "cpu" or not CPU_INFO.exists():
        return False
    flags = next((line for line in CPU_INFO.read_text().splitlines() if line.startswith("flags")), "")
    return bool(BFLOAT16_FLAGS & set(flags.split()))


def fast_arithmetic(device: torch.device) -> AbstractContextManager[None]:
    """The context in which a network draws: bfloat16 products (summed in float32) where the device has them."""
    return torch.autocast(device.type, dtype=torch.bfloat16, enabled=has_bfloat16(device.type))
