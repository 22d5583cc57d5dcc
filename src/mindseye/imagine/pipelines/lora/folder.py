"""Adapters on disk, as the diffusers library writes and reads them, and what draws with them."""

from __future__ import annotations

from pathlib import Path

from safetensors.torch import load_file

from mindseye.imagine.family import Family
from mindseye.imagine.pipelines.lora.base import base_folder
from mindseye.imagine.pipelines.lora.config import LoraConfig
from mindseye.imagine.pipelines.lora.network import Lora, with_adapters
from mindseye.imagine.pipelines.opening import open_pipeline
from mindseye.imagine.pipelines.painter import PipelinePainter
from mindseye.learn.about import About

WEIGHTS = "pytorch_lora_weights.safetensors"  # the name that `pipeline.load_lora_weights(folder)` looks for


def save(model: Lora, folder: Path) -> None:
    """Writes the adapters of `model` into `folder`, and nothing of the base."""
    names = {name.removeprefix("unet."): value for name, value in model.state_dict().items()}
    layers = {name.replace(".default.", "."): value.contiguous() for name, value in names.items()}
    type(model.pipeline()).save_lora_weights(folder, unet_lora_layers=layers, safe_serialization=True)


def load(config: LoraConfig, folder: Path) -> Lora:
    """The base with the adapters that lie in `folder`.

    Raises:
        BadInput: the base is not there, or another than it was.
        Unavailable: peft is not installed.
        Exception: the adapters are missing, damaged or do not fit; `load_model` says so to the person.
    """
    model = with_adapters(config)
    named = load_file(folder / WEIGHTS)
    model.load_state_dict({name.replace(".weight", ".default.weight"): value for name, value in named.items()})
    return model.eval()


def painter(folder: Path, family: Family, model: Lora, about: About) -> PipelinePainter:
    """The whole pipeline with the adapters, which reads prompts itself and goes on from pictures."""
    device = model.signal.device.type
    pipeline = open_pipeline(base_folder(model.config), device, unet=model.unet, vae=model.vae)
    return PipelinePainter(pipeline, model.config.size_px)
