"""The components of a diffusion model on disk, by the diffusers convention."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors.torch import load_file

from mindseye.imagine.diffusion.config import DiffusionConfig
from mindseye.imagine.diffusion.model import Diffusion, build


def save(model: Diffusion, folder: Path) -> None:
    """Writes the components of `model` into `folder` by the diffusers convention, weights in bfloat16."""
    from mindseye.imagine.diffusion.pipeline import as_pipeline  # opens the diffusers library, which takes seconds

    as_pipeline(model.config, model.network.state_dict(), torch.bfloat16).save_pretrained(folder)


def load(config: DiffusionConfig, folder: Path) -> Diffusion:
    """The model whose components lie in `folder`, in float32, ready to draw.

    Raises:
        Exception: weights are missing, damaged, or not exactly those of `config`; `load_model` says so to the person.
    """
    model = build(config, seed=0)  # not on torch's "meta" device, whose imports take three seconds
    model.network.load_state_dict(load_file(folder / "transformer" / "diffusion_pytorch_model.safetensors"))
    return model.eval()
