"""An AttnGAN on disk: the generator, and the text encoder that reads for it, so the folder needs no DAMSM beside it."""

from __future__ import annotations

from pathlib import Path

from mindseye.imagine.attngan.config import AttnGanConfig
from mindseye.imagine.attngan.model import AttnGan
from mindseye.imagine.attngan.network import Generator
from mindseye.learn.parts import load_part, save_parts
from mindseye.observe.damsm.network import TextNetwork


def save(model: AttnGan, folder: Path) -> None:
    """Writes `generator/` and `text_encoder/`."""
    parts = {"generator": (model.generator, model.config), "text_encoder": (model.text, model.config.matcher)}
    save_parts(folder, "AttnGan", parts)


def load(config: AttnGanConfig, folder: Path) -> AttnGan:
    """The model in `folder`, in float32, ready to draw.

    Raises:
        Exception: weights are missing, damaged, or not exactly those of `config`; `load_model` says so to the person.
    """
    generator, text = Generator(config), TextNetwork(config.matcher)
    load_part(generator, folder / "generator")
    load_part(text, folder / "text_encoder")
    return AttnGan(config, generator, text, pictures=None, discriminators=None).eval()
