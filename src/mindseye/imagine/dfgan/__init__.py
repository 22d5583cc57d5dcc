"""DF-GAN (Tao et al. 2022): one generator, one discriminator, a gradient penalty; the simpler sibling of AttnGAN.

Read in this order: `config.py`, `network.py`, `objective.py`, `sample.py`; `model.py` puts everything together, and
`folder.py` writes and reads it.
"""

from dataclasses import replace

from mindseye.imagine.dfgan.config import PRESETS, DfGanConfig
from mindseye.imagine.dfgan.folder import load, save
from mindseye.imagine.dfgan.model import ABILITIES, DfGan, build
from mindseye.imagine.family import CARD, Family

FAMILY = Family(
    name="dfgan",
    title="DF-GAN: deep fusion generative adversarial network (Tao et al. 2022)",
    abilities=ABILITIES,
    config=DfGanConfig,
    presets=tuple(PRESETS),
    build=build,
    save=save,
    load=load,
    card=replace(CARD, library="mindseye"),
)

__all__ = ["FAMILY", "DfGan", "DfGanConfig"]
