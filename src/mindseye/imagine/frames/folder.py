"""A predictor of frames on disk; its weights stay in float32, since every frame adds up what was rounded before it."""

from __future__ import annotations

from pathlib import Path

from mindseye.imagine.frames.config import FramesConfig
from mindseye.imagine.frames.model import Frames, build
from mindseye.learn.parts import load_part, save_parts

NETWORK = "frames"


def save(model: Frames, folder: Path) -> None:
    """Writes `frames/`."""
    save_parts(folder, "Frames", {NETWORK: (model.network, model.config)}, exact=True)


def load(config: FramesConfig, folder: Path) -> Frames:
    """The model in `folder`, ready to go on with films.

    Raises:
        Exception: weights are missing, damaged, or not exactly those of `config`; `load_model` says so to the person.
    """
    model = build(config, seed=0)
    load_part(model.network, folder / NETWORK)
    return model.eval()
