"""The components of a diffusion model on disk, by the diffusers convention."""

from __future__ import annotations

from pathlib import Path

import torch
from diffusers.schedulers import FlowMatchEulerDiscreteScheduler
from safetensors.torch import load_file
from torch import nn

from mindseye.imagine.diffusion.config import DiffusionConfig
from mindseye.imagine.diffusion.model import Diffusion, make_network
from mindseye.imagine.diffusion.pipeline import MindseyePipeline


def save(model: Diffusion, folder: Path) -> None:
    """Writes the components of `model` into `folder` by the diffusers convention, weights in bfloat16."""
    half = make_network(model.config)
    half.load_state_dict(model.network.state_dict())
    nn.Module.to(half, torch.bfloat16)  # not ModelMixin.to, which warns of what it might have kept in float32
    MindseyePipeline(transformer=half, scheduler=model.scheduler).save_pretrained(folder)


def load(config: DiffusionConfig, folder: Path) -> Diffusion:
    """The model whose components lie in `folder`, in float32, ready to draw.

    Raises:
        Exception: weights are missing, damaged, or not exactly those of `config`; `load_model` says so to the person.
    """
    with torch.device("meta"):
        network = make_network(config)
    weights = load_file(folder / "transformer" / "diffusion_pytorch_model.safetensors")
    network.load_state_dict({name: weight.float() for name, weight in weights.items()}, assign=True)
    scheduler = FlowMatchEulerDiscreteScheduler.from_pretrained(folder / "scheduler")
    return Diffusion(config, network.eval(), scheduler)
