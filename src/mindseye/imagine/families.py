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
    "maskgit",
    "oit",
    "pixelrnn",
    "vae",
)  # those that learn from pictures alone
FROM_FRAMES = "frames"  # its models draw, but from the first frames of a film: a learner and no family
ON_PIPELINES = {"lora": "pipelines.lora"}  # those that need a pipeline of another kind to build on


def family(name: str) -> Family:
    """The family called `name`.

    Raises:
        BadInput: there is none.
    """
    if name == FROM_FRAMES:
        raise BadInput(
            f"a model of the kind {name} draws from frames, not from words",
            next_step="mindseye animate MODEL FRAMES goes on with a film",
        )
    if name not in (*NAMES, *ON_PIPELINES):
        names = ", ".join((*NAMES, *ON_PIPELINES))
        raise BadInput(f"there is no family {name!r} that draws", next_step=f"choose one of {names}")
    return cast(Family, import_module(f"mindseye.imagine.{ON_PIPELINES.get(name, name)}").FAMILY)
