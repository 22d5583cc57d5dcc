"""Drawing: z of each seed, and one pass of the generator."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

import torch
from jaxtyping import Float
from torch import Tensor, nn

from mindseye.imagine.dfgan.config import DfGanConfig
from mindseye.imagine.dfgan.network import normalised
from mindseye.imagine.family import Progress, Seed, normal_numbers
from mindseye.learn.device import fast_arithmetic
from mindseye.learn.side_by_side import side_by_side

# Pictures drawn in one pass; always this many rows, so that the bytes do not depend on the request. A processor draws
# one on each core; a graphics card several at once.
TOGETHER = {"cpu": 1}
TOGETHER_ELSEWHERE = 16


def draw_pictures(
    generator: nn.Module,
    config: DfGanConfig,
    seeds: Sequence[Seed],
    sentence: Float[Tensor, "picture text"],
    temperature: float,
) -> Iterator[Progress]:
    """Draws one picture a seed, in groups of a fixed size.

    Args:
        sentence: one a picture, on the generator's device.
        temperature: scale of z.

    Yields:
        `Progress` after each group. Pictures not drawn yet are blank (-1).
    """
    device, count = sentence.device, len(seeds)
    latent = temperature * torch.stack([normal_numbers(seed, (config.latent,)) for seed in seeds]).to(device)
    together = TOGETHER.get(device.type, TOGETHER_ELSEWHERE)
    groups = [range(begin, min(begin + together, count)) for begin in range(0, count, together)]

    def drawing(group: range) -> Iterator[Tensor]:
        rows = [*group, *[group[-1]] * (together - len(group))]  # padded: the shape never changes
        with torch.no_grad(), fast_arithmetic(device):
            yield generator(latent[rows], normalised(sentence[rows]))

    pictures = torch.full((count, config.channels, config.size_px, config.size_px), -1.0, device=device)
    for step, (which, drawn) in enumerate(side_by_side([partial(drawing, group) for group in groups], device), start=1):
        pictures[list(groups[which])] = drawn[: len(groups[which])]
        yield Progress(step, len(groups), pictures.clone())
