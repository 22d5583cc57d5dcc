"""alignDRAW: a picture drawn in steps on a canvas, each looking at the words of the caption.

Read in this order: `config.py`, `window.py` (reading and writing through Gaussians), `language.py` (the words),
`network.py` (one step), `objective.py`, `sample.py`; `model.py` puts all together, `folder.py` writes and reads it.
"""

from dataclasses import replace

from mindseye.imagine.aligndraw.canvas import measure
from mindseye.imagine.aligndraw.config import PRESETS, AlignDrawConfig
from mindseye.imagine.aligndraw.folder import load, save
from mindseye.imagine.aligndraw.model import ABILITIES, AlignDraw, build
from mindseye.imagine.aligndraw.network import AlignDrawNetwork
from mindseye.imagine.family import CARD, Family

FAMILY = Family(
    name="aligndraw",
    title="Recurrent variational auto-encoder that aligns what it draws with words (alignDRAW)",
    abilities=ABILITIES,
    config=AlignDrawConfig,
    presets=tuple(PRESETS),
    build=build,
    save=save,
    load=load,
    measure=measure,
    card=replace(
        CARD,
        library="mindseye",
        limits=(
            "Its pictures are blurred, as those of its model of 2016 were. It is here to be read and watched:"
            " `mindseye imagine --film` shows how a picture comes about, `--attention` which words it looked at.",
            *CARD.limits,
        ),
    ),
)

__all__ = ["FAMILY", "AlignDraw", "AlignDrawConfig", "AlignDrawNetwork"]
