"""GAN: a generator that draws in one step, taught by a critic (R3GAN; DCGAN and WGAN-GP to compare it with).

Read in this order: `config.py`, `network.py`, `objective.py`, `sample.py`; `dcgan.py` has the networks of the older
methods, `model.py` puts everything together, and `folder.py` writes and reads it. What is shared with other families,
R3GAN's blocks and DiffAugment, lies in `../adversarial`.
"""

from dataclasses import replace

from mindseye.imagine.family import CARD, Family
from mindseye.imagine.gan.config import PRESETS, GanConfig
from mindseye.imagine.gan.folder import load, save
from mindseye.imagine.gan.model import ABILITIES, Gan, build

FAMILY = Family(
    name="gan",
    title="A generative adversarial network that draws in one step",
    abilities=ABILITIES,
    config=GanConfig,
    presets=tuple(PRESETS),
    build=build,
    save=save,
    load=load,
    card=replace(CARD, library="mindseye"),
)

__all__ = ["FAMILY", "Gan", "GanConfig"]
