"""The families by name: each is a folder here, opened when it is used, since it imports torch."""

from __future__ import annotations

from importlib import import_module
from typing import cast

from mindseye.errors import BadInput
from mindseye.imagine.family import Family

NAMES = (
    "aligndraw",
    "attngan",
    "dfgan",
    "diffusion",
    "gan",
    "oit",
    "pixelrnn",
    "vae",
)  # those that learn from pictures alone
ON_PIPELINES = {"lora": "pipelines.lora"}  # those that need a pipeline of another kind to build on


def family(name: str) -> Family:
    """The family called `name`.

    Raises:
        BadInput: there is none.
    """
    if name not in (*NAMES, *ON_PIPELINES):
        names = ", ".join((*NAMES, *ON_PIPELINES))
        raise BadInput(f"there is no family {name!r} that draws", next_step=f"choose one of {names}")
    return cast(Family, import_module(f"mindseye.imagine.{ON_PIPELINES.get(name, name)}").FAMILY)
