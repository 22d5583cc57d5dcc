"""MaskGIT on codes of FSQ: a picture as a grid of codes, filled in from a blank one, the surest first.

Read in this order: `config.py`, `codes.py`, `network.py`, `objective.py`, `sample.py`; `model.py` puts everything
together, and `folder.py` writes and reads it.
"""

from dataclasses import replace

from mindseye.imagine.family import CARD, Family
from mindseye.imagine.maskgit.config import PRESETS, MaskGitConfig
from mindseye.imagine.maskgit.folder import load, save
from mindseye.imagine.maskgit.model import ABILITIES, MaskGit, build

FAMILY = Family(
    name="maskgit",
    title="MaskGIT (Chang et al. 2022) on codes of FSQ (Mentzer et al. 2024)",
    abilities=ABILITIES,
    config=MaskGitConfig,
    presets=tuple(PRESETS),
    build=build,
    save=save,
    load=load,
    card=replace(CARD, library="mindseye"),
)

__all__ = ["FAMILY", "MaskGit", "MaskGitConfig"]
