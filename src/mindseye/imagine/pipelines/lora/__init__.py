"""LoRA (Hu et al. 2021): a pipeline learns a collection by small matrices beside its own, which stay as they are.

Read in this order: `config.py`, `base.py` (the pipeline that is built on, and what reads captions for it), `network.py`
and `objective.py`; `folder.py` writes and reads the adapters. Only they are trained, kept and saved; the base is
named by its place and its digest.
"""

from mindseye.imagine.family import Abilities, Family
from mindseye.imagine.pipelines.lora.base import BaseText, settle
from mindseye.imagine.pipelines.lora.config import PRESETS, LoraConfig
from mindseye.imagine.pipelines.lora.folder import load, painter, save
from mindseye.imagine.pipelines.lora.network import build
from mindseye.learn.learner import CardText

FAMILY = Family(
    name="lora",
    title="LoRA adapters of a latent diffusion pipeline",
    abilities=Abilities(
        prompt=True, negative_prompt=True, guidance=True, steps=True, complete=True, vary=True, blend_prompts=False
    ),
    config=LoraConfig,
    presets=tuple(PRESETS),
    build=build,
    save=save,
    load=load,
    card=CardText(
        library="diffusers",
        tag="text-to-image",
        does="It draws {size} x {size} px {mode} pictures from prompts, together with the pipeline that it was trained"
        " on (`base` in `mindseye.json`), which is not in this folder.",
        usage='mindseye imagine "words of your own" --model path/to/this/folder',
        limits=(
            "It is nothing without its base, whose licence and limits are its own.",
            "It was trained on {pictures:,} pictures. What they do not show is drawn as the base draws it.",
            "It may draw pictures close to those it was trained on. Look before you publish.",
        ),
    ),
    painter=painter,
    reads_with=BaseText,
    measure=settle,
)

__all__ = ["FAMILY", "LoraConfig"]
