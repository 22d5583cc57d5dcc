"""What every figure says of its circumstances: versions, date, machine. Figures go to standard output, the rest not."""

from __future__ import annotations

import datetime
import importlib.metadata
import json
import os
import platform
import sys
from typing import Any

PACKAGES = ("mindseye", "torch", "diffusers", "transformers", "denoising-diffusion-pytorch", "ema-pytorch", "numpy")


def say(text: str) -> None:
    """A line for people, on standard error."""
    print(text, file=sys.stderr, flush=True)


def circumstances() -> dict[str, Any]:
    """When, where and with what: the same keys in every figure and every row."""
    return {
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "processor": processor(),
        "cores": len(os.sched_getaffinity(0)),
        "versions": {"python": platform.python_version(), **versions()},
    }


def versions() -> dict[str, str]:
    """The installed version of every package that takes part."""
    found = {}
    for package in PACKAGES:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def processor() -> str:
    from ours import processor_name

    return processor_name("cpu")


def print_figure(
    figure: str, ours: float | None, peer: float | None, peer_name: str, unit: str, *, better: str, **more: Any
) -> None:
    """One JSON line on standard output, of something measured just now.

    Args: as `line_of`.
    """
    line = line_of(figure, ours, peer, peer_name, unit, better=better, **more) | circumstances()
    print(json.dumps(line, ensure_ascii=False), flush=True)


def line_of(
    figure: str, ours: float | None, peer: float | None, peer_name: str, unit: str, *, better: str, **more: Any
) -> dict[str, Any]:
    """Ours beside one other, as every benchmark says it.

    Args:
        figure: what was measured.
        ours, peer: the two values; None where there is none.
        peer_name: the tool or setting that ours stands beside.
        unit: of both values; `ratio` is ours / peer, where the latter is above 0.
        better: "higher", "lower", or "neither" where a figure is not to be driven either way.
        more: numbers of repeats, spreads, parameters, ...
    """
    ratio = ours / peer if ours is not None and peer and peer > 0 else None
    return {
        "figure": figure,
        "ours": _rounded(ours),
        "peer": _rounded(peer),
        "peer_name": peer_name,
        "ratio": _rounded(ratio),
        "unit": unit,
        "better": better,
        **more,
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.4g}")
