"""A DF-GAN on disk, by the diffusers convention. The discriminator is of no use but to train the generator; a training
that is to go on finds it in its checkpoints."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

from mindseye.files import write_json
from mindseye.imagine.dfgan.config import DfGanConfig
from mindseye.imagine.dfgan.model import DfGan
from mindseye.imagine.dfgan.network import Generator

WEIGHTS = "diffusion_pytorch_model.safetensors"  # the name that the convention gives to any component's


def save(model: DfGan, folder: Path) -> None:
    """Writes `model_index.json` and `generator/`, weights in bfloat16."""
    place = folder / "generator"
    place.mkdir(parents=True)
    index = {"_class_name": "mindseye.DfGan", "generator": ["mindseye.imagine.dfgan", "Generator"]}
    write_json(folder / "model_index.json", index)
    write_json(place / "config.json", model.config.model_dump(mode="json"))
    weights = {name: weight.to(torch.bfloat16).contiguous() for name, weight in model.generator.state_dict().items()}
    save_file(weights, place / WEIGHTS)


def load(config: DfGanConfig, folder: Path) -> DfGan:
    """The model in `folder`, in float32, ready to draw.

    Raises:
        Exception: weights are missing, damaged, or not exactly those of `config`; `load_model` says so to the person.
    """
    generator = Generator(config)
    generator.load_state_dict(load_file(folder / "generator" / WEIGHTS))
    return DfGan(config, generator, None).eval()
