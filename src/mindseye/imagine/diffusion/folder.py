"""The components of a diffusion model on disk, by the diffusers convention."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors.torch import load_file

from mindseye.imagine.diffusion.config import DiffusionConfig
from mindseye.imagine.diffusion.model import Diffusion, make_network


def save(model: Diffusion, folder: Path) -> None:
    """Writes the components of `model` into `folder` by the diffusers convention, weights in bfloat16."""
    from mindseye.imagine.diffusion.pipeline import as_pipeline  # opens the diffusers library, which takes seconds

    as_pipeline(model.config, model.network.state_dict(), torch.bfloat16).save_pretrained(folder)


def load(config: DiffusionConfig, folder: Path) -> Diffusion:
    """The model whose components lie in `folder`, in float32, ready to draw.

    Raises:
        Exception: weights are missing, damaged, or not exactly those of `config`; `load_model` says so to the person.
    """
    with torch.device("meta"):
        network = make_network(config)
    weights = load_file(folder / "transformer" / "diffusion_pytorch_model.safetensors")
    network.load_state_dict({name: weight.float() for name, weight in weights.items()}, assign=True)
    return Diffusion(config, network.eval())
