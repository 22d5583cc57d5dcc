"""A predictor of frames on disk: its network in `frames/`, weights and settings."""

from __future__ import annotations

from pathlib import Path

from safetensors.torch import load_file, save_file

from mindseye import files
from mindseye.imagine.frames.config import FramesConfig
from mindseye.imagine.frames.model import Frames, build

NETWORK = "frames"
WEIGHTS = "diffusion_pytorch_model.safetensors"
CONFIG = "config.json"


def save(model: Frames, folder: Path) -> None:
    """Writes the network in float32, since every frame adds up what was rounded in those before it."""
    (folder / NETWORK).mkdir(parents=True)
    weights = {name: weight.contiguous() for name, weight in model.network.state_dict().items()}
    save_file(weights, folder / NETWORK / WEIGHTS)
    files.write_json(folder / NETWORK / CONFIG, model.config.model_dump(mode="json"))


def load(config: FramesConfig, folder: Path) -> Frames:
    """The model whose network lies in `folder`, ready to go on with films.

    Raises:
        Exception: weights are missing, damaged, or not exactly those of `config`; `load_model` says so to the person.
    """
    model = build(config, seed=0)
    model.network.load_state_dict(load_file(folder / NETWORK / WEIGHTS))
    return model.eval()
