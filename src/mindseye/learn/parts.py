"""A model's networks in its folder, by the diffusers convention: a folder each, with weights and settings.

What only trains a model, such as a critic, is left out: a training that is to go on finds it in its checkpoints.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from pydantic import BaseModel
from safetensors.torch import load_file, save_file
from torch import nn

from mindseye.files import write_json

WEIGHTS = "diffusion_pytorch_model.safetensors"  # the name that the convention gives to any component's


def save_parts(
    folder: Path, name: str, parts: Mapping[str, tuple[nn.Module, BaseModel]], *, exact: bool = False
) -> None:
    """Writes `model_index.json` and a folder for each part.

    Args:
        folder: the model's, which is there.
        name: of the kind of model, "Gan".
        parts: each with its settings, by the names of their folders.
        exact: weights in float32, for networks whose steps add up what is rounded; else in bfloat16. Whole numbers stay
            what they are.
    """
    index: dict[str, object] = {"_class_name": f"mindseye.{name}"}
    for part, (network, settings) in parts.items():
        index[part] = [type(network).__module__, type(network).__name__]
        (folder / part).mkdir(parents=True)
        weights = {
            key: (weight.to(torch.bfloat16) if weight.is_floating_point() and not exact else weight).contiguous()
            for key, weight in network.state_dict().items()
        }
        save_file(weights, folder / part / WEIGHTS)
        write_json(folder / part / "config.json", settings.model_dump(mode="json"))
    write_json(folder / "model_index.json", index)


def load_part(network: nn.Module, folder: Path) -> None:
    """Gives a network the weights in its folder, in the precision that it has.

    Raises:
        Exception: they are missing, damaged, or not exactly those of this network; `load_model` says so to the person.
    """
    network.load_state_dict(load_file(folder / WEIGHTS))
