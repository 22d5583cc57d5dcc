"""Diffusion: rectified flow in pixel space, words in every block, classifier-free guidance. The default family.

Read in this order: `config.py`, `network.py`, `objective.py`, `sample.py`; `model.py` puts them together,
`folder.py` writes and reads them, `onnx.py` writes them for programs without torch, and `pipeline.py` is the door for
users of the diffusers library, which finds it once that module is imported (drawing does without that library, whose
import takes seconds).
"""

from mindseye.imagine.diffusion.config import PRESETS, DiffusionConfig
from mindseye.imagine.diffusion.folder import load, save
from mindseye.imagine.diffusion.model import ABILITIES, Diffusion, build
from mindseye.imagine.diffusion.network import DiffusionTransformer
from mindseye.imagine.diffusion.onnx import export
from mindseye.imagine.family import CARD, Family

FAMILY = Family(
    name="diffusion",
    title="Rectified flow transformer in pixel space, predicting the clean picture",
    abilities=ABILITIES,
    config=DiffusionConfig,
    presets=tuple(PRESETS),
    build=build,
    save=save,
    load=load,
    card=CARD,
    export=export,
    joins=True,
)

__all__ = ["FAMILY", "Diffusion", "DiffusionConfig", "DiffusionTransformer"]
