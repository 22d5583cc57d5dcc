"""Drawing: what is remembered of a given picture, or nothing, and one pass of the Imaginer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor

from mindseye.imagine.family import Given, Progress, Seed, normal_numbers
from mindseye.imagine.groups import Rows, draw_in_groups
from mindseye.imagine.oit.network import blurred
from mindseye.learn.batch import Words
from mindseye.learn.device import fast_arithmetic


def draw_pictures(
    model: Any, words: Words, seeds: Sequence[Seed], *, temperature: float, given: Given | None
) -> Iterator[Progress]:
    """Draws one picture a seed.

    Args:
        words: one prompt a picture.
        temperature: scale of z, and of the chance that stands in for what is not remembered.
        given: a picture to vary. A strength of 0 is that picture, since nothing is imagined; from any other on, all of
            it is imagined anew, similar but different.

    Yields: as `draw_in_groups`.
    """
    config, device = model.config, words.mask.device

    def chance(rows: Rows, purpose: str, length: int) -> Tensor:
        numbers = torch.stack([normal_numbers(seeds[row], (length,), purpose) for row in rows])
        return temperature * numbers.to(device)

    def drawing(rows: Rows) -> Iterator[Tensor]:
        z = chance(rows, "picture", config.latent)
        remembered = chance(rows, "remembered", config.feature)
        strength = torch.full((len(rows),), 1.0 if given is None else given.strength, device=device)
        without = torch.zeros(len(rows), dtype=torch.bool, device=device)
        with torch.no_grad(), fast_arithmetic(device):
            if given is not None:
                picture = given.picture.to(device).expand(len(rows), -1, -1, -1)
                if given.strength == 0:
                    yield picture.clone()
                    return
                remembered = blurred(model.observer(picture), strength, remembered)
            yield model.imaginer(remembered, strength, z, words.rows(rows), without).clamp(-1, 1)

    shape = (config.channels, config.size_px, config.size_px)
    return draw_in_groups(drawing, count=len(seeds), shape=shape, steps=1, device=device)
