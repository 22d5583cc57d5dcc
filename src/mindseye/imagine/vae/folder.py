"""A VAE on disk: its networks in `vae/`, what is known of its codes in `codes/`, each with weights and settings."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

from mindseye import files
from mindseye.imagine.vae.config import VaeConfig
from mindseye.imagine.vae.model import Vae, build

NETWORK = "vae"
CODES = "codes"
WEIGHTS = "diffusion_pytorch_model.safetensors"
CONFIG = "config.json"


def save(model: Vae, folder: Path) -> None:
    """Writes the networks in bfloat16, and what is known of codes in float32: a covariance must stay one."""
    network = model.network.state_dict()
    codes = {name: part for name, part in model.state_dict().items() if not name.startswith("network.")}
    parts = {NETWORK: {name: weight.to(torch.bfloat16) for name, weight in network.items()}, CODES: codes}
    for name, weights in parts.items():
        (folder / name).mkdir(parents=True)
        save_file({key: weight.contiguous() for key, weight in weights.items()}, folder / name / WEIGHTS)
    files.write_json(folder / NETWORK / CONFIG, model.config.model_dump(mode="json"))
    files.write_json(folder / CODES / CONFIG, {"code": model.config.code})


def load(config: VaeConfig, folder: Path) -> Vae:
    """The model whose components lie in `folder`, in float32, ready to draw.

    Raises:
        Exception: weights are missing, damaged, or not exactly those of `config`; `load_model` says so to the person.
    """
    model = build(config, seed=0)
    network = load_file(folder / NETWORK / WEIGHTS)
    weights = {"sigma": model.sigma} | {f"network.{name}": weight for name, weight in network.items()}
    model.load_state_dict(weights | load_file(folder / CODES / WEIGHTS))  # older ones never measured sigma
    return model.eval()
