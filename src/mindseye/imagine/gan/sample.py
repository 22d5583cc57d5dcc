"""Drawing: a latent of each seed, and one pass of the generator."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from mindseye.imagine.family import Progress, Seed, normal_numbers
from mindseye.imagine.gan.config import GanConfig
from mindseye.imagine.groups import Rows, draw_in_groups
from mindseye.learn.device import fast_arithmetic


def latents_of(seeds: Sequence[Seed], length: int) -> Float[Tensor, "seed latent"]:
    """The latent of each seed: a function of that seed alone, standard normal."""
    return torch.stack([normal_numbers(seed, (length,)) for seed in seeds])


def draw_pictures(
    generator: nn.Module,
    config: GanConfig,
    latents: Float[Tensor, "picture latent"],
    sentence: Float[Tensor, "picture text"],
) -> Iterator[Progress]:
    """Draws one picture a latent.

    Args:
        latents, sentence: one of each a picture, on the generator's device.

    Yields: as `draw_in_groups`.
    """
    device = latents.device

    def drawing(rows: Rows) -> Iterator[Tensor]:
        with torch.no_grad(), fast_arithmetic(device):
            yield generator(latents[rows], sentence[rows]).clamp(-1, 1)

    shape = (config.channels, config.size_px, config.size_px)
    return draw_in_groups(drawing, count=len(latents), shape=shape, steps=1, device=device)
