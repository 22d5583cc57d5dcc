"""Drawing: in each step a code from the prior, a look at the words, and a patch onto the canvas."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import torch
from jaxtyping import Float
from torch import Tensor

from mindseye.imagine.aligndraw.config import AlignDrawConfig
from mindseye.imagine.aligndraw.network import AlignDrawNetwork, State
from mindseye.imagine.family import Progress, Seed, normal_numbers
from mindseye.learn.batch import Words
from mindseye.learn.side_by_side import side_by_side

# Pictures drawn in one pass; always this many rows, so that the bytes do not depend on the request. A processor draws
# one on each core; a graphics card several at once.
TOGETHER = {"cpu": 1}
TOGETHER_ELSEWHERE = 16

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
    """Draws one picture a seed, in groups of a fixed size.

    Args:
        words: one caption a picture.
        temperature: scale of what chance adds to the prior's mean.

    Yields:
        `Progress` after each step of each group, with what all canvases show by now; those not begun are blank (-1).
    """
    together = TOGETHER.get(network.device.type, TOGETHER_ELSEWHERE)
    groups = [range(begin, min(begin + together, len(seeds))) for begin in range(0, len(seeds), together)]
    pictures = torch.full((len(seeds), config.channels, config.size_px, config.size_px), -1.0, device=network.device)
    drawings = [partial(_drawing, network, config, words, seeds, group, together, temperature) for group in groups]
    for step, (which, state) in enumerate(side_by_side(drawings, network.device), start=1):
        pictures[list(groups[which])] = shown(state)[: len(groups[which])]
        yield Progress(step, len(groups) * config.steps, pictures.clone())


def trace(
    network: AlignDrawNetwork, config: AlignDrawConfig, words: Words, seeds: Sequence[Seed], temperature: float
) -> Trace:
    """Draws as `draw_pictures` does, and keeps every step."""
    together = TOGETHER.get(network.device.type, TOGETHER_ELSEWHERE)
    canvases, shares = [], []
    for begin in range(0, len(seeds), together):
        group = range(begin, min(begin + together, len(seeds)))
        states = list(_drawing(network, config, words, seeds, group, together, temperature))
        first = network.begin(together)
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


def _drawing(
    network: AlignDrawNetwork,
    config: AlignDrawConfig,
    words: Words,
    seeds: Sequence[Seed],
    group: range,
    together: int,
    temperature: float,
) -> Iterator[State]:
    """The states of a group of drawings after each step."""
    rows = [*group, *[group[-1]] * (together - len(group))]  # padded: the shape never changes
    noise = torch.stack([normal_numbers(seeds[row], (config.steps, config.code)) for row in rows]).to(network.device)
    without = torch.zeros(together, dtype=torch.bool, device=network.device)
    with torch.no_grad(), torch.autocast(network.device.type, enabled=False):
        language = network.language(words.rows(rows), without)
        state = network.begin(together)
        for step in range(config.steps):
            state = network.write(state.prior.sample(temperature * noise[:, step]), state, language)
            yield state
