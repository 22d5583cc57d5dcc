"""VAE: a picture as a short code, drawn from the code again; sliders, variations and walks between pictures.

Read in this order: `config.py`, `likelihood.py`, `network.py`, `objective.py`, `sample.py`; `codes.py` and `mixture.py`
are where codes lie, `model.py` puts all together, `folder.py` writes and reads it.
"""

from dataclasses import replace

from mindseye.imagine.family import CARD, Family
from mindseye.imagine.vae.config import PRESETS, VaeConfig
from mindseye.imagine.vae.folder import load, save
from mindseye.imagine.vae.model import ABILITIES, Vae, build, finish, measure
from mindseye.imagine.vae.network import VaeNetwork

FAMILY = Family(
    name="vae",
    title="Variational auto-encoder, conditioned on the sentence",
    abilities=ABILITIES,
    config=VaeConfig,
    presets=tuple(PRESETS),
    build=build,
    save=save,
    load=load,
    finish=finish,
    measure=measure,
    card=replace(
        CARD,
        library="mindseye",
        limits=(
            "Its pictures are blurred, or patchy if they are of a palette: each stands for all that its code may mean."
            " It is made for looking into a collection (`mindseye explore`), for variations and for walks between"
            " pictures.",
            *CARD.limits,
        ),
    ),
)

__all__ = ["FAMILY", "Vae", "VaeConfig", "VaeNetwork"]
