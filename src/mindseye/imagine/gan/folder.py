"""A GAN on disk, without its critic, which is no judge of realism: it says how a picture differs from what this
generator drew last, not how good it is."""

from __future__ import annotations

from pathlib import Path

from mindseye.imagine.gan.config import GanConfig
from mindseye.imagine.gan.model import Gan, build
from mindseye.learn.parts import load_part, save_parts


def save(model: Gan, folder: Path) -> None:
    """Writes `generator/`."""
    save_parts(folder, "Gan", {"generator": (model.generator, model.config)})


def load(config: GanConfig, folder: Path) -> Gan:
    """The model in `folder`, in float32, ready to draw.

    Raises:
        Exception: weights are missing, damaged, or not exactly those of `config`; `load_model` says so to the person.
    """
    model = build(config, seed=0)
    load_part(model.generator, folder / "generator")
    model.critic = model.often = None
    return model.eval()
