"""A GAN on disk, by the diffusers convention. The critic is not kept: it is of no use but to train the generator.

A training that is to go on finds both networks in its checkpoints. And the critic is no judge of realism: it says how
a picture differs from what this generator drew last, not how good it is.
"""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

from mindseye.files import write_json
from mindseye.imagine.gan.config import GanConfig
from mindseye.imagine.gan.model import Gan, build

WEIGHTS = "diffusion_pytorch_model.safetensors"  # the name that the convention gives to any component's


def save(model: Gan, folder: Path) -> None:
    """Writes `model_index.json` and `generator/`, weights in bfloat16."""
    place = folder / "generator"
    place.mkdir(parents=True)
    network = ["mindseye.imagine.gan", type(model.generator).__name__]
    write_json(folder / "model_index.json", {"_class_name": "mindseye.Gan", "generator": network})
    write_json(place / "config.json", model.config.model_dump(mode="json"))
    weights = {name: weight.to(torch.bfloat16).contiguous() for name, weight in model.generator.state_dict().items()}
    save_file(weights, place / WEIGHTS)


def load(config: GanConfig, folder: Path) -> Gan:
    """The model in `folder`, in float32, ready to draw.

    Raises:
        Exception: weights are missing, damaged, or not exactly those of `config`; `load_model` says so to the person.
    """
    model = build(config, seed=0)
    model.generator.load_state_dict(load_file(folder / "generator" / WEIGHTS))
    model.critic = model.often = None
    return model.eval()
