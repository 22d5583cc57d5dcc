"""An alignDRAW on disk; its weights stay in float32, since every step of a drawing adds up what is rounded."""

from __future__ import annotations

from pathlib import Path

from mindseye.imagine.aligndraw.config import AlignDrawConfig
from mindseye.imagine.aligndraw.model import AlignDraw, build
from mindseye.learn.parts import load_part, save_parts

NETWORK = "aligndraw"


def save(model: AlignDraw, folder: Path) -> None:
    """Writes `aligndraw/`."""
    save_parts(folder, "AlignDraw", {NETWORK: (model.network, model.config)}, exact=True)


def load(config: AlignDrawConfig, folder: Path) -> AlignDraw:
    """The model in `folder`, ready to draw.

    Raises:
        Exception: weights are missing, damaged, or not exactly those of `config`; `load_model` says so to the person.
    """
    model = build(config, seed=0)
    load_part(model.network, folder / NETWORK)
    return model.eval()
