"""Drawing: in each step a code from the prior, a look at the words, and a patch onto the canvas."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from mindseye.imagine.aligndraw.config import AlignDrawConfig
from mindseye.imagine.aligndraw.network import AlignDrawNetwork, State
from mindseye.imagine.family import Progress, Seed, normal_numbers
from mindseye.imagine.groups import Rows, draw_in_groups, groups, rows_of_a_pass
from mindseye.learn.batch import Words

UNWRITTEN = 1e-3  # of 2 between black and white: where no more than this is written, no word is looked at


@dataclass(frozen=True)
class Trace:
    """How pictures came to be.

    Attributes:
        canvases: the pictures after each step, in [-1, 1], before the first (c_0) as well.
        shares: alpha: of what each step took from the caption, the share of each word.
    """

    canvases: Float[Tensor, "picture step_and_one channel height width"]
    shares: Float[Tensor, "picture step word"]


def draw_pictures(
    network: AlignDrawNetwork, config: AlignDrawConfig, words: Words, seeds: Sequence[Seed], temperature: float
) -> Iterator[Progress]:
    """Draws one picture a seed.

    Args:
        words: one caption a picture.
        temperature: scale of what chance adds to the prior's mean.

    Yields: as `draw_in_groups`, with what the canvases show by now.
    """

    def drawing(rows: Rows) -> Iterator[Tensor]:
        return map(shown, _states(network, config, words, seeds, rows, temperature))

    shape = (config.channels, config.size_px, config.size_px)
    return draw_in_groups(drawing, count=len(seeds), shape=shape, steps=config.steps, device=network.device)


def trace(
    network: AlignDrawNetwork, config: AlignDrawConfig, words: Words, seeds: Sequence[Seed], temperature: float
) -> Trace:
    """Draws as `draw_pictures` does, and keeps every step."""
    canvases, shares = [], []
    for group, rows in groups(len(seeds), rows_of_a_pass(network.device)):
        states = list(_states(network, config, words, seeds, rows, temperature))
        first = network.begin(len(rows))
        canvases.append(torch.stack([shown(state) for state in (first, *states)], dim=1)[: len(group)])
        looks = [state.look.shares for state in states if state.look is not None]
        shares.append(torch.stack(looks, dim=1)[: len(group)])
    return Trace(torch.cat(canvases).detach(), torch.cat(shares).detach())


def shown(state: State) -> Float[Tensor, "picture channel height width"]:
    """What a canvas shows, in [-1, 1]."""
    return 2 * torch.sigmoid(state.canvas) - 1


def where_looked(of: Trace) -> Float[Tensor, "picture word row column"]:
    """How much of what each place of a picture took from its caption was each word.

    A step writes in some places and looks at some words; so at each place the shares of the steps are weighed by how
    much each changed what is shown there. Where nothing was written, nothing was looked at.
    """
    changed = (of.canvases[:, 1:] - of.canvases[:, :-1]).abs().sum(2)
    weights = changed / (changed.sum(1, keepdim=True) + UNWRITTEN)
    return torch.einsum("psw,psrc->pwrc", of.shares, weights)


def _states(
    network: AlignDrawNetwork,
    config: AlignDrawConfig,
    words: Words,
    seeds: Sequence[Seed],
    rows: Rows,
    temperature: float,
) -> Iterator[State]:
    """The states of a group of drawings after each step."""
    noise = torch.stack([normal_numbers(seeds[row], (config.steps, config.code)) for row in rows]).to(network.device)
    without = torch.zeros(len(rows), dtype=torch.bool, device=network.device)
    with torch.no_grad(), torch.autocast(network.device.type, enabled=False):
        language = network.language(words.rows(rows), without)
        state = network.begin(len(rows))
        for step in range(config.steps):
            state = network.write(state.prior.sample(temperature * noise[:, step]), state, language)
            yield state
