"""A PixelRNN on disk: one file of weights beside its settings."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

from mindseye.imagine.pixelrnn.config import PixelRNNConfig
from mindseye.imagine.pixelrnn.model import PixelRNN

COMPONENT = "pixelrnn"
WEIGHTS = "model.safetensors"


def save(model: PixelRNN, folder: Path) -> None:
    """Writes `model_index.json` and the component into `folder`, weights in bfloat16."""
    component = folder / COMPONENT
    component.mkdir(parents=True)
    index = {"_class_name": "PixelRNN", COMPONENT: ["mindseye.imagine.pixelrnn", "PixelRNN"]}
    (folder / "model_index.json").write_text(json.dumps(index, indent=2) + "\n", encoding="utf-8")
    (component / "config.json").write_text(model.config.model_dump_json(indent=2) + "\n", encoding="utf-8")
    weights = {name: weight.to(torch.bfloat16).contiguous() for name, weight in model.state_dict().items()}
    save_file(weights, component / WEIGHTS)


def load(config: PixelRNNConfig, folder: Path) -> PixelRNN:
    """The model whose component lies in `folder`, in float32, ready to draw.

    Raises:
        Exception: weights are missing, damaged, or not exactly those of `config`; `load_model` says so to the person.
    """
    model = PixelRNN(config)
    model.load_state_dict({name: weight.float() for name, weight in load_file(folder / COMPONENT / WEIGHTS).items()})
    return model.eval().requires_grad_(False)
