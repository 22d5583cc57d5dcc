"""DAMSM on disk: one file of weights; its settings stand in the folder's `mindseye.json`."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

from mindseye.observe.damsm.config import DamsmConfig
from mindseye.observe.damsm.network import Damsm

WEIGHTS = "matcher/model.safetensors"


def save(model: Damsm, folder: Path) -> None:
    """Writes the weights, in bfloat16."""
    (folder / WEIGHTS).parent.mkdir(parents=True)
    weights = {name: weight.to(torch.bfloat16).contiguous() for name, weight in model.state_dict().items()}
    save_file(weights, folder / WEIGHTS)


def load(config: DamsmConfig, folder: Path) -> Damsm:
    """The model in `folder`, in float32, ready for use.

    Raises:
        Exception: weights are missing, damaged, or not exactly those of `config`; `load_model` says so to the person.
    """
    model = Damsm(config)
    model.load_state_dict({name: weight.float() for name, weight in load_file(folder / WEIGHTS).items()})
    return model.eval().requires_grad_(False)
