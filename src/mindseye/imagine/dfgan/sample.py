"""Drawing: z of each seed, and one pass of the generator."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from mindseye.imagine.dfgan.config import DfGanConfig
from mindseye.imagine.dfgan.network import normalised
from mindseye.imagine.family import Progress, Seed, normal_numbers
from mindseye.imagine.groups import Rows, draw_in_groups
from mindseye.learn.device import fast_arithmetic


def draw_pictures(
    generator: nn.Module,
    config: DfGanConfig,
    seeds: Sequence[Seed],
    sentence: Float[Tensor, "picture text"],
    temperature: float,
) -> Iterator[Progress]:
    """Draws one picture a seed.

    Args:
        sentence: one a picture, on the generator's device.
        temperature: scale of z.

    Yields: as `draw_in_groups`.
    """
    device = sentence.device
    latent = temperature * torch.stack([normal_numbers(seed, (config.latent,)) for seed in seeds]).to(device)

    def drawing(rows: Rows) -> Iterator[Tensor]:
        with torch.no_grad(), fast_arithmetic(device):
            yield generator(latent[rows], normalised(sentence[rows]))

    shape = (config.channels, config.size_px, config.size_px)
    return draw_in_groups(drawing, count=len(seeds), shape=shape, steps=1, device=device)
