"""An AttnGAN on disk, by the diffusers convention: the generator, and the text encoder that reads for it.

The discriminators and what looks at pictures are of no use but to train it; a training that is to go on finds them in
its checkpoints. The folder needs no DAMSM beside it.
"""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from mindseye.files import write_json
from mindseye.imagine.attngan.config import AttnGanConfig
from mindseye.imagine.attngan.model import AttnGan
from mindseye.imagine.attngan.network import Generator
from mindseye.observe.damsm.network import TextNetwork

WEIGHTS = "diffusion_pytorch_model.safetensors"  # the name that the convention gives to any component's


def save(model: AttnGan, folder: Path) -> None:
    """Writes `model_index.json`, `generator/` and `text_encoder/`, weights in bfloat16."""
    parts: dict[str, nn.Module] = {"generator": model.generator, "text_encoder": model.text}
    kinds = {name: ["mindseye.imagine.attngan", type(part).__name__] for name, part in parts.items()}
    for name, part in parts.items():
        (folder / name).mkdir(parents=True)
        save_file({key: small(value) for key, value in part.state_dict().items()}, folder / name / WEIGHTS)
    write_json(folder / "generator" / "config.json", model.config.model_dump(mode="json"))
    write_json(folder / "text_encoder" / "config.json", model.config.matcher.model_dump(mode="json"))
    write_json(folder / "model_index.json", {"_class_name": "mindseye.AttnGan", **kinds})


def small(weight: Tensor) -> Tensor:
    """In bfloat16; a count stays a count."""
    return (weight.to(torch.bfloat16) if weight.is_floating_point() else weight).contiguous()


def load(config: AttnGanConfig, folder: Path) -> AttnGan:
    """The model in `folder`, in float32, ready to draw.

    Raises:
        Exception: weights are missing, damaged, or not exactly those of `config`; `load_model` says so to the person.
    """
    generator, text = Generator(config), TextNetwork(config.matcher)
    generator.load_state_dict(load_file(folder / "generator" / WEIGHTS))
    text.load_state_dict(load_file(folder / "text_encoder" / WEIGHTS))
    return AttnGan(config, generator, text, pictures=None, discriminators=None).eval()
