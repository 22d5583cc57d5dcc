"""A DF-GAN on disk, without its discriminator."""

from __future__ import annotations

from pathlib import Path

from mindseye.imagine.dfgan.config import DfGanConfig
from mindseye.imagine.dfgan.model import DfGan
from mindseye.imagine.dfgan.network import Generator
from mindseye.learn.parts import load_part, save_parts


def save(model: DfGan, folder: Path) -> None:
    """Writes `generator/`."""
    save_parts(folder, "DfGan", {"generator": (model.generator, model.config)})


def load(config: DfGanConfig, folder: Path) -> DfGan:
    """The model in `folder`, in float32, ready to draw.

    Raises:
        Exception: weights are missing, damaged, or not exactly those of `config`; `load_model` says so to the person.
    """
    generator = Generator(config)
    load_part(generator, folder / "generator")
    return DfGan(config, generator, None).eval()
