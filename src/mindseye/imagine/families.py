"""The families by name: each is a folder here, opened when it is used, since it imports torch."""

from __future__ import annotations

from importlib import import_module
from typing import cast

from mindseye.errors import BadInput
from mindseye.imagine.family import Family

NAMES = ("aligndraw", "diffusion", "gan", "pixelrnn", "vae")


def family(name: str) -> Family:
    """The family called `name`.

    Raises:
        BadInput: there is none.
    """
    if name not in NAMES:
        raise BadInput(f"there is no family {name!r}", next_step=f"choose one of {', '.join(NAMES)}")
    return cast(Family, import_module(f"mindseye.imagine.{name}").FAMILY)
