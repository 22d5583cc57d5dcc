"""Drawing: chance of each seed, then one pass through all stages."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from mindseye.imagine.attngan.config import AttnGanConfig
from mindseye.imagine.family import Progress, Seed, Stage, normal_numbers
from mindseye.learn.batch import Words
from mindseye.learn.device import fast_arithmetic
from mindseye.learn.side_by_side import side_by_side

# Pictures drawn in one pass; always this many rows, so that the bytes do not depend on the request. A processor draws
# one on each core; a graphics card several at once.
TOGETHER = {"cpu": 1}
TOGETHER_ELSEWHERE = 16


def chance(seeds: Sequence[Seed], config: AttnGanConfig, temperature: float) -> tuple[Tensor, Tensor]:
    """z and the noise of the conditioning of each seed: functions of that seed alone, standard normal at 1."""
    return (
        temperature * torch.stack([normal_numbers(seed, (config.latent,)) for seed in seeds]),
        temperature * torch.stack([normal_numbers(seed, (config.condition,), "condition") for seed in seeds]),
    )


def drawn_stages(
    model: Any, words: Words, seeds: Sequence[Seed], temperature: float
) -> Iterator[tuple[list[int], int, Stage]]:
    """Draws one picture a seed, in groups of a fixed size.

    Args:
        model: an `AttnGan`.
        words: one caption a seed, on its device.

    Yields:
        The places of a group among the seeds, the number of the stage, from 0, and what it gave for them.
    """
    config, device, count = model.config, words.tokens.device, len(seeds)
    latent, noise = (numbers.to(device) for numbers in chance(seeds, config, temperature))
    together = TOGETHER.get(device.type, TOGETHER_ELSEWHERE)
    groups = [list(range(begin, min(begin + together, count))) for begin in range(0, count, together)]

    def drawing(group: list[int]) -> Iterator[tuple[int, Stage]]:
        rows = [*group, *[group[-1]] * (together - len(group))]  # padded: the shape never changes
        with torch.no_grad(), fast_arithmetic(device):
            text = model.text(words.rows(rows))
            condition, _, _ = model.generator.augment(text.sentence, noise[rows])
            for number, stage in enumerate(model.generator(latent[rows], condition, text.words, text.mask)):
                seen = None if stage.attention is None else on_tokens(stage.attention, words.mask.shape[1])
                yield number, Stage(stage.pictures[: len(group)], None if seen is None else seen[: len(group)])

    for which, (number, stage) in side_by_side([partial(drawing, group) for group in groups], device):
        yield groups[which], number, stage


def draw_pictures(model: Any, words: Words, seeds: Sequence[Seed], temperature: float) -> Iterator[Progress]:
    """As `drawn_stages`.

    Yields:
        `Progress` after each stage of each group, with each picture as rough as its last stage so far, enlarged. Those
        not begun yet are blank (-1).
    """
    config, count = model.config, len(seeds)
    device = words.tokens.device
    pictures = torch.full((count, config.channels, config.size_px, config.size_px), -1.0, device=device)
    steps = config.stages * -(-count // TOGETHER.get(device.type, TOGETHER_ELSEWHERE))
    for step, (places, _, stage) in enumerate(drawn_stages(model, words, seeds, temperature), start=1):
        pictures[places] = F.interpolate(stage.pictures, size=config.size_px)
        yield Progress(step, steps, pictures.clone())


def whole_stages(model: Any, words: Words, seeds: Sequence[Seed], temperature: float) -> list[Stage]:
    """As `drawn_stages`; each stage with all pictures."""
    parts: list[dict[int, tuple[Tensor, Tensor | None]]] = [{} for _ in range(model.config.stages)]
    for places, number, stage in drawn_stages(model, words, seeds, temperature):
        looks = stage.attention if stage.attention is not None else [None] * len(places)
        parts[number] |= dict(zip(places, zip(stage.pictures, looks, strict=True), strict=True))
    stages = []
    for part in parts:
        pictures, attention = zip(*(part[place] for place in range(len(seeds))), strict=True)
        stages.append(Stage(torch.stack(pictures), None if attention[0] is None else torch.stack(attention)))
    return stages


def on_tokens(
    attention: Float[Tensor, "batch word row column"], tokens: int
) -> Float[Tensor, "batch token row column"]:
    """Attention to the words of a caption as attention to its tokens: before the words there is a mark, which is
    not looked at, and so is what comes after them."""
    return F.pad(attention, (0, 0, 0, 0, 1, tokens - 1 - attention.shape[1]))
