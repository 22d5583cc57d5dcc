"""AttnGAN (Xu et al. 2018): a picture drawn in stages, from a rough one by the sentence to details by its words.

Read in this order: `config.py`, `network.py` (the generator), `discriminator.py`, `objective.py`, `sample.py`;
`model.py` puts everything together, `damsm.py` opens a DAMSM that was trained beforehand, and `folder.py` writes and
reads a model.
"""

from dataclasses import replace

from mindseye.imagine.attngan.config import PRESETS, AttnGanConfig
from mindseye.imagine.attngan.damsm import find_damsm
from mindseye.imagine.attngan.folder import load, save
from mindseye.imagine.attngan.model import ABILITIES, AttnGan, build, measure_norms
from mindseye.imagine.family import CARD, Family

FAMILY = Family(
    name="attngan",
    title="AttnGAN: attentional generative adversarial network (Xu et al. 2018)",
    abilities=ABILITIES,
    config=AttnGanConfig,
    presets=tuple(PRESETS),
    build=build,
    save=save,
    load=load,
    card=replace(CARD, library="mindseye"),
    finish=measure_norms,
    measure=find_damsm,
)

__all__ = ["FAMILY", "AttnGan", "AttnGanConfig"]
