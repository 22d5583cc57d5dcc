"""OIT: an Observer, an Imaginer and a Thinker, which learn from each other.

Read in this order: `config.py`, `network.py`, `objective.py`, `sample.py`; `model.py` puts everything together, and
`folder.py` writes and reads it.
"""

from dataclasses import replace

from mindseye.imagine.family import CARD, Family
from mindseye.imagine.oit.config import PRESETS, OitConfig
from mindseye.imagine.oit.folder import load, save
from mindseye.imagine.oit.model import ABILITIES, Oit, build

FAMILY = Family(
    name="oit",
    title="An observer, an imaginer and a thinker that learn from each other",
    abilities=ABILITIES,
    config=OitConfig,
    presets=tuple(PRESETS),
    build=build,
    save=save,
    load=load,
    card=replace(CARD, library="mindseye"),
)

__all__ = ["FAMILY", "Oit", "OitConfig"]
