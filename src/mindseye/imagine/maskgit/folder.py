"""A MaskGIT on disk, by the diffusers convention: `codes/` and `transformer/`, each with weights and settings."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

from mindseye.files import write_json
from mindseye.imagine.maskgit.codes import PictureCodes
from mindseye.imagine.maskgit.config import MaskGitConfig
from mindseye.imagine.maskgit.model import MaskGit
from mindseye.imagine.maskgit.network import MaskedTransformer

WEIGHTS = "diffusion_pytorch_model.safetensors"  # the name that the convention gives to any component's


def save(model: MaskGit, folder: Path) -> None:
    """Writes `model_index.json` and a folder for each network, weights in bfloat16."""
    parts = {"codes": model.codes, "transformer": model.network}
    classes = {name: ["mindseye.imagine.maskgit", type(network).__name__] for name, network in parts.items()}
    for name, network in parts.items():
        (folder / name).mkdir(parents=True)
        weights = {key: weight.to(torch.bfloat16).contiguous() for key, weight in network.state_dict().items()}
        save_file(weights, folder / name / WEIGHTS)
        write_json(folder / name / "config.json", model.config.model_dump(mode="json"))
    write_json(folder / "model_index.json", {"_class_name": "mindseye.MaskGit", **classes})


def load(config: MaskGitConfig, folder: Path) -> MaskGit:
    """The model in `folder`, in float32, ready to draw.

    Raises:
        Exception: weights are missing, damaged, or not exactly those of `config`; `load_model` says so to the person.
    """
    codes, network = PictureCodes(config), MaskedTransformer(config)
    codes.load_state_dict(load_file(folder / "codes" / WEIGHTS))
    network.load_state_dict(load_file(folder / "transformer" / WEIGHTS))
    return MaskGit(config, codes, network).eval()
