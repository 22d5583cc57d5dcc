"""The three modules on disk, a folder each, since each is of use by itself."""

from __future__ import annotations

from pathlib import Path

from mindseye.imagine.oit.config import OitConfig
from mindseye.imagine.oit.model import Oit, build
from mindseye.learn.parts import load_part, save_parts

MODULES = ("observer", "imaginer", "thinker")


def save(model: Oit, folder: Path) -> None:
    """Writes a folder for each module."""
    save_parts(folder, "Oit", {name: (getattr(model, name), model.config) for name in MODULES})


def load(config: OitConfig, folder: Path) -> Oit:
    """The model in `folder`, in float32, ready to observe, imagine and think.

    Raises:
        Exception: weights are missing, damaged, or not exactly those of `config`; `load_model` says so to the person.
    """
    model = build(config, seed=0)
    for name in MODULES:
        load_part(getattr(model, name), folder / name)
    return model.eval()
