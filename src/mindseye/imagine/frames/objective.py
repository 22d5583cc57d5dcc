"""The objectives.

The recurrent networks (Finn et al. 2016, section 4.2): the mean over the predicted frames of the squared error of a
pixel, with frames in [0, 1]; the network goes on from its own frames more and more often, by scheduled sampling (Bengio
et al. 2015). Of a batch of B, in iteration `it`,

    B k / (k + exp(it / k))

samples are shown the true frame. Here each sample is shown it in a step with the probability k / (k + exp(it / k)), so
that it depends on the sample's position alone; an iteration is 32 pictures seen, as in the paper, whatever the batch.

The flow network: |v_hat - v|^2 of a few frames of each film, each after its own past, which is slightly noised so that
the network learns to go on from frames of its own, too. Convention as in `flow.py`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from mindseye.imagine.frames.config import FramesConfig
from mindseye.imagine.frames.films import actions_of, film_of, unit
from mindseye.imagine.frames.flow import FlowNetwork, noised
from mindseye.imagine.frames.lstm import NOTHING
from mindseye.imagine.frames.motion import Composed, Recurrent
from mindseye.learn.batch import Batch
from mindseye.learn.learner import Draws

ITERATION = 32  # pictures seen, the paper's batch


def truth_share(it: float, k: float) -> float:
    """k / (k + exp(it / k)): how many of the samples are shown the true frame in iteration `it`."""
    odds = it / k - math.log(k)
    return (1 - math.tanh(odds / 2)) / 2  # the same as 1 / (1 + exp(odds)), which overflows


def recurrent_scheduled(pictures_seen: float, config: FramesConfig) -> Mapping[str, Any]:
    """How probable the true frame is by now, instead of the one that was predicted."""
    return {"truth_share": np.float32(truth_share(pictures_seen / ITERATION, config.k))}


def recurrent_draw(rng: np.random.Generator, config: FramesConfig) -> Mapping[str, Any]:
    """The random numbers of one sample: where its clip begins, and a lot a frame that decides what is shown."""
    return {
        "begin": rng.integers(0, config.frames - config.clipped + 1),
        "lot": rng.random(config.clipped - 1, dtype=np.float32),
    }


def recurrent_loss(network: Recurrent, batch: Batch, draws: Draws, config: FramesConfig) -> Tensor:
    """The mean squared error of the predicted frames, those after the given ones."""
    film, actions = film_of(batch.pictures, config.frames_per_row), actions_of(batch.words, config)
    film = unit(_from(film, draws["begin"], config.clipped))
    actions = _from(actions, draws["begin"], config.clipped - 1)
    shown = draws["lot"] < draws["truth_share"][:, None]
    predicted = torch.stack([each.frame for each in unrolled(network, film, actions, shown, config)], dim=1)
    return (predicted - film[:, config.context :]).square().mean()


def unrolled(
    network: Recurrent,
    film: Float[Tensor, "film frame channel height width"],
    actions: Float[Tensor, "film step action"],
    shown: Tensor,
    config: FramesConfig,
) -> list[Composed]:
    """The frames that follow the first `context` ones, one after another.

    Args:
        film: in [0, 1]; after the given frames it is seen only where `shown` says so.
        actions: one for each step but those between the given frames, which are read as if nothing was known.
        shown: bool [film, step]: where the true frame goes in instead of the one that was predicted.
    """
    memories, composed = NOTHING, list[Composed]()
    for step in range(actions.shape[1]):
        frame = film[:, step]
        if step >= config.context:
            frame = torch.where(shown[:, step, None, None, None], frame, composed[-1].frame)
        given = step < config.context - 1
        action = torch.zeros_like(actions[:, step]) if given else actions[:, step]
        features, memories = network.tower(frame, action, memories)
        if not given:
            composed.append(network.head(features, frame))
    return composed


def flow_draw(rng: np.random.Generator, config: FramesConfig) -> Mapping[str, Any]:
    """The random numbers of one sample, for each of its `targets`: which frame of the film it is, its noise and noise
    level, and those of the frames before it."""
    frame = (config.channels, config.frame_px, config.frame_px)
    t = 1 / (1 + np.exp(-rng.normal(config.time_mean, config.time_std, config.targets)))
    return {
        "target": rng.integers(config.context, config.frames, config.targets),
        "t": t.astype(np.float32),
        "noise": rng.standard_normal((config.targets, *frame), dtype=np.float32),
        "past_level": (config.context_noise * rng.random(config.targets)).astype(np.float32),
        "past_noise": rng.standard_normal((config.targets, config.context, *frame), dtype=np.float32),
    }


def flow_loss(network: FlowNetwork, batch: Batch, draws: Draws, config: FramesConfig) -> Tensor:
    """Mean squared error of the velocity, with v = (x_t - x) / max(t, time_floor) (Li & He 2025, Eq. 6)."""
    film, actions = film_of(batch.pictures, config.frames_per_row), actions_of(batch.words, config)
    film = film.repeat_interleave(config.targets, dim=0)
    actions = actions.repeat_interleave(config.targets, dim=0)
    each = {name: numbers.flatten(0, 1) for name, numbers in draws.items()}
    rows = torch.arange(len(film), device=film.device)
    clean, action = film[rows, each["target"]], actions[rows, each["target"] - 1]
    past = noised(_from(film, each["target"] - config.context, config.context), each["past_noise"], each["past_level"])
    predicted = network(noised(clean, each["noise"], each["t"]), each["t"], past, action)
    error = (predicted - clean) / each["t"].clamp(min=config.time_floor)[:, None, None, None]
    return error.square().mean()


def _from(series: Float[Tensor, "film step *rest"], begin: Int[Tensor, "film"], count: int) -> Tensor:
    """`count` steps of each, from its own beginning."""
    steps = begin[:, None] + torch.arange(count, device=series.device)
    return series[torch.arange(len(series), device=series.device)[:, None], steps]
