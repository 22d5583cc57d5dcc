"""Going on: frame after frame, each from those before it, given or predicted.

The recurrent networks say the same of the same film every time. The flow network begins each frame with noise and goes
down the straight line to what it expects, in a few Euler steps:

    x <- x_t + (s - t) v,   v = (x_t - x_hat) / t
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from mindseye.imagine.family import normal_numbers
from mindseye.imagine.frames.config import FramesConfig
from mindseye.imagine.frames.films import unit
from mindseye.imagine.frames.flow import FlowNetwork
from mindseye.imagine.frames.lstm import NOTHING
from mindseye.imagine.frames.motion import Recurrent


def recurrent_frames(
    network: Recurrent,
    config: FramesConfig,
    given: Float[Tensor, "film context channel height width"],
    actions: Float[Tensor, "film step action"],
    seeds: Sequence[int],
) -> Iterator[Float[Tensor, "film channel height width"]]:
    """The frames that follow, one for each action, in [-1, 1].

    Args:
        given: the first frames, in [-1, 1], as many as `context` says.
        actions: what is done before each new frame.
        seeds: are not used, since nothing is left to chance.
    """
    memories, nothing = NOTHING, torch.zeros_like(actions[:, 0])
    for frame in unit(given[:, :-1]).unbind(1):
        _, memories = network.tower(frame, nothing, memories)
    frame = unit(given[:, -1])
    for action in actions.unbind(1):
        features, memories = network.tower(frame, action, memories)
        frame = network.head(features, frame).frame
        yield 2 * frame - 1


def flow_frames(
    network: FlowNetwork,
    config: FramesConfig,
    given: Float[Tensor, "film context channel height width"],
    actions: Float[Tensor, "film step action"],
    seeds: Sequence[int],
) -> Iterator[Float[Tensor, "film channel height width"]]:
    """The frames that follow, one for each action, in [-1, 1].

    Args:
        given: the first frames, in [-1, 1], as many as `context` says.
        actions: what is done before each new frame.
        seeds: one a film; frame i of it begins with the noise of (seed, i).
    """
    times = torch.linspace(1, 0, config.steps + 1).tolist()
    past = given
    for position, action in enumerate(actions.unbind(1)):
        noise = [normal_numbers(seed, past.shape[2:], "frame", position) for seed in seeds]
        x = torch.stack(noise).to(given.device)
        for t, s in zip(times[:-1], times[1:], strict=True):
            clean = network(x, x.new_full((len(x),), t), past, action).clamp(-1, 1)
            x = x + (s - t) * (x - clean) / t
        yield x
        past = torch.cat([past[:, 1:], x[:, None]], dim=1)
