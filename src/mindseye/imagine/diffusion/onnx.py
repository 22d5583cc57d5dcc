"""The network as ONNX: one call of it, as often as a sampler likes."""

from __future__ import annotations

from pathlib import Path

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from mindseye.imagine.diffusion.model import Diffusion
from mindseye.imagine.diffusion.network import DiffusionTransformer
from mindseye.learn.batch import Words
from mindseye.learn.exporting import export_network

STEP = "step.onnx"


class Step(nn.Module):
    """The network with plain tensors for a caption; one without any token stands for no caption."""

    def __init__(self, network: DiffusionTransformer) -> None:
        super().__init__()
        self.network = network

    def forward(
        self,
        noisy: Float[Tensor, "batch channel height width"],
        t: Float[Tensor, "batch"],
        tokens: Float[Tensor, "batch token width"],
        mask: Bool[Tensor, "batch token"],
    ) -> Float[Tensor, "batch channel height width"]:
        """The clean picture expected behind `noisy`."""
        sentence = tokens.sum(1) / mask.sum(1, keepdim=True).clamp(min=1)
        return self.network(noisy, t, Words(tokens, mask, sentence), torch.zeros_like(mask[:, 0]))


def export(model: Diffusion, folder: Path) -> dict[str, float]:
    """Writes `step.onnx`: from noisy pictures, noise levels and captions to clean pictures.

    Returns:
        What a sampler should know, the model's own: `guidance` and the noise levels that it is for, `guidance_low` to
        `guidance_high`, `steps` and `shift`.

    Raises:
        Unavailable: a package is missing.
    """
    config = model.config
    inputs = {
        "noisy": torch.zeros(2, config.channels, config.size_px, config.size_px),
        "t": torch.ones(2),
        "tokens": torch.zeros(2, config.text_tokens, config.text_width),
        "mask": torch.ones(2, config.text_tokens, dtype=torch.bool),
    }
    export_network(Step(model.network).eval(), inputs, "clean", folder / STEP)
    low, high = config.guidance_interval
    return {
        "guidance": config.guidance,
        "guidance_low": low,
        "guidance_high": high,
        "steps": config.steps,
        "shift": config.shift,
    }
