"""The table of families: a name, and where its record stands. Opened when used, since each imports torch."""

from __future__ import annotations

from mindseye.errors import BadInput
from mindseye.imagine.family import Family

NAMES = ("diffusion", "vae")


def family(name: str) -> Family:
    """The family called `name`.

    Raises:
        BadInput: there is none.
    """
    if name == "diffusion":
        from mindseye.imagine import diffusion

        return diffusion.FAMILY
    if name == "vae":
        from mindseye.imagine import vae

        return vae.FAMILY
    raise BadInput(f"there is no family {name!r}", next_step=f"choose one of {', '.join(NAMES)}")
