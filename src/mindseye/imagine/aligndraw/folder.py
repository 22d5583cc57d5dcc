"""An alignDRAW on disk: its networks in `aligndraw/`, weights and settings."""

from __future__ import annotations

from pathlib import Path

from safetensors.torch import load_file, save_file

from mindseye import files
from mindseye.imagine.aligndraw.config import AlignDrawConfig
from mindseye.imagine.aligndraw.model import AlignDraw, build

NETWORK = "aligndraw"
WEIGHTS = "diffusion_pytorch_model.safetensors"
CONFIG = "config.json"


def save(model: AlignDraw, folder: Path) -> None:
    """Writes the network in float32, since every step of a drawing adds up what is rounded."""
    (folder / NETWORK).mkdir(parents=True)
    weights = {name: weight.contiguous() for name, weight in model.network.state_dict().items()}
    save_file(weights, folder / NETWORK / WEIGHTS)
    files.write_json(folder / NETWORK / CONFIG, model.config.model_dump(mode="json"))


def load(config: AlignDrawConfig, folder: Path) -> AlignDraw:
    """The model whose network lies in `folder`, ready to draw.

    Raises:
        Exception: weights are missing, damaged, or not exactly those of `config`; `load_model` says so to the person.
    """
    model = build(config, seed=0)
    model.network.load_state_dict(load_file(folder / NETWORK / WEIGHTS))
    return model.eval()
