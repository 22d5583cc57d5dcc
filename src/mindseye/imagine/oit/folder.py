"""The three modules on disk, by the diffusers convention: a folder each, since each is of use by itself."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

from mindseye.files import write_json
from mindseye.imagine.oit.config import OitConfig
from mindseye.imagine.oit.model import Oit, build

MODULES = ("observer", "imaginer", "thinker")
WEIGHTS = "diffusion_pytorch_model.safetensors"  # the name that the convention gives to any component's


def save(model: Oit, folder: Path) -> None:
    """Writes `model_index.json` and a folder for each module, weights in bfloat16."""
    classes = {name: ["mindseye.imagine.oit", type(getattr(model, name)).__name__] for name in MODULES}
    for name in MODULES:
        place = folder / name
        place.mkdir(parents=True)
        write_json(place / "config.json", model.config.model_dump(mode="json"))
        weights = getattr(model, name).state_dict()
        save_file({key: weight.to(torch.bfloat16).contiguous() for key, weight in weights.items()}, place / WEIGHTS)
    write_json(folder / "model_index.json", {"_class_name": "mindseye.Oit", **classes})


def load(config: OitConfig, folder: Path) -> Oit:
    """The model in `folder`, in float32, ready to observe, imagine and think.

    Raises:
        Exception: weights are missing, damaged, or not exactly those of `config`; `load_model` says so to the person.
    """
    model = build(config, seed=0)
    for name in MODULES:
        getattr(model, name).load_state_dict(load_file(folder / name / WEIGHTS))
    return model.eval()
