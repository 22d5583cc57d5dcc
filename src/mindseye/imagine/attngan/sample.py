"""Drawing: chance of each seed, then one pass through all stages."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, cast

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from mindseye.imagine.attngan.config import AttnGanConfig
from mindseye.imagine.family import Progress, Seed, Stage, normal_numbers
from mindseye.imagine.groups import Rows, draw_in_groups, groups, rows_of_a_pass
from mindseye.learn.batch import Words
from mindseye.learn.device import fast_arithmetic
from mindseye.learn.side_by_side import one_thread


def chance(seeds: Sequence[Seed], config: AttnGanConfig, temperature: float) -> tuple[Tensor, Tensor]:
    """z and the noise of the conditioning of each seed: functions of that seed alone, standard normal at 1."""
    return (
        temperature * torch.stack([normal_numbers(seed, (config.latent,)) for seed in seeds]),
        temperature * torch.stack([normal_numbers(seed, (config.condition,), "condition") for seed in seeds]),
    )


def draw_pictures(model: Any, words: Words, seeds: Sequence[Seed], temperature: float) -> Iterator[Progress]:
    """Draws one picture a seed.

    Args:
        model: an `AttnGan`.
        words: one caption a seed, on its device.
        temperature: scale of all chance.

    Yields: as `draw_in_groups`, a step a stage; a picture is as rough as its last stage so far, enlarged.
    """
    config = model.config

    def drawing(rows: Rows) -> Iterator[Tensor]:
        for stage in _stages(model, words, seeds, rows, temperature):
            yield F.interpolate(stage.pictures, size=config.size_px)

    shape = (config.channels, config.size_px, config.size_px)
    return draw_in_groups(drawing, count=len(seeds), shape=shape, steps=config.stages, device=words.tokens.device)


def whole_stages(model: Any, words: Words, seeds: Sequence[Seed], temperature: float) -> list[Stage]:
    """Draws as `draw_pictures` does, and keeps every stage, with all pictures."""
    drawn: list[list[Stage]] = [[] for _ in range(model.config.stages)]
    with one_thread():  # as `draw_pictures` computes, or the last bits would be others
        for group, rows in groups(len(seeds), rows_of_a_pass(words.tokens.device)):
            for number, stage in enumerate(_stages(model, words, seeds, rows, temperature)):
                seen = None if stage.attention is None else stage.attention[: len(group)]
                drawn[number].append(Stage(stage.pictures[: len(group)], seen))
    return [
        Stage(
            torch.cat([part.pictures for part in parts]),
            None if parts[0].attention is None else torch.cat([cast(Tensor, part.attention) for part in parts]),
        )
        for parts in drawn
    ]


def _stages(model: Any, words: Words, seeds: Sequence[Seed], rows: Rows, temperature: float) -> Iterator[Stage]:
    """The stages of one pass."""
    device = words.tokens.device
    latent, noise = (each.to(device) for each in chance([seeds[row] for row in rows], model.config, temperature))
    with torch.no_grad(), fast_arithmetic(device):
        text = model.text(words.rows(rows))
        condition, _, _ = model.generator.augment(text.sentence, noise)
        for stage in model.generator(latent, condition, text.words, text.mask):
            seen = None if stage.attention is None else on_tokens(stage.attention, words.mask.shape[1])
            yield Stage(stage.pictures, seen)


def on_tokens(
    attention: Float[Tensor, "batch word row column"], tokens: int
) -> Float[Tensor, "batch token row column"]:
    """Attention to the words of a caption as attention to its tokens: before the words there is a mark, which is
    not looked at, and so is what comes after them."""
    return F.pad(attention, (0, 0, 0, 0, 1, tokens - 1 - attention.shape[1]))
