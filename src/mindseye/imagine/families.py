"""The table of families: a name, and where its record stands. Opened when used, since each imports torch."""

from __future__ import annotations

from mindseye.errors import BadInput
from mindseye.imagine.family import Family

NAMES = ("diffusion", "pixelrnn")


def family(name: str) -> Family:
    """The family called `name`.

    Raises:
        BadInput: there is none.
    """
    if name == "diffusion":
        from mindseye.imagine import diffusion

        return diffusion.FAMILY
    if name == "pixelrnn":
        from mindseye.imagine import pixelrnn

        return pixelrnn.FAMILY
    raise BadInput(f"there is no family {name!r}", next_step=f"choose one of {', '.join(NAMES)}")
