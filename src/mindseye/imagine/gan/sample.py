"""Drawing: a latent of each seed, and one pass of the generator."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

import torch
from jaxtyping import Float
from torch import Tensor, nn

from mindseye.imagine.family import Progress, Seed, normal_numbers
from mindseye.imagine.gan.config import GanConfig
from mindseye.learn.device import fast_arithmetic
from mindseye.learn.side_by_side import side_by_side

# Pictures drawn in one pass; always this many rows, so that the bytes do not depend on the request. A processor draws
# one on each core; a graphics card several at once.
TOGETHER = {"cpu": 1}
TOGETHER_ELSEWHERE = 16


def latents_of(seeds: Sequence[Seed], length: int) -> Float[Tensor, "seed latent"]:
    """The latent of each seed: a function of that seed alone, standard normal."""
    return torch.stack([normal_numbers(seed, (length,)) for seed in seeds])


def draw_pictures(
    generator: nn.Module,
    config: GanConfig,
    latents: Float[Tensor, "picture latent"],
    sentence: Float[Tensor, "picture text"],
) -> Iterator[Progress]:
    """Draws one picture a latent, in groups of a fixed size.

    Args:
        latents, sentence: one of each a picture, on the generator's device.

    Yields:
        `Progress` after each group. Pictures not drawn yet are blank (-1).
    """
    device, count = latents.device, len(latents)
    together = TOGETHER.get(device.type, TOGETHER_ELSEWHERE)
    groups = [range(begin, min(begin + together, count)) for begin in range(0, count, together)]

    def drawing(group: range) -> Iterator[Tensor]:
        rows = [*group, *[group[-1]] * (together - len(group))]  # padded: the shape never changes
        with torch.no_grad(), fast_arithmetic(device):
            yield generator(latents[rows], sentence[rows])

    pictures = torch.full((count, config.channels, config.size_px, config.size_px), -1.0, device=device)
    drawings = [partial(drawing, group) for group in groups]
    for step, (which, drawn) in enumerate(side_by_side(drawings, device), start=1):
        pictures[list(groups[which])] = drawn[: len(groups[which])].clamp(-1, 1)
        yield Progress(step, len(groups), pictures.clone())
