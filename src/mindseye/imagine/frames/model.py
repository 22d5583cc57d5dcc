"""Next-frame prediction as the rest of the program meets it: a network, what it learns by, and how it goes on.

| network    | predicts                                                                | by                    |
| ---------- | ----------------------------------------------------------------------- | --------------------- |
| `cdna`     | how the pixels of the last frame move, and what is painted anew         | ConvLSTMs, `motion.py`|
| `convlstm` | every pixel anew: the deterministic network that others are compared to | ConvLSTMs, `motion.py`|
| `flow`     | one of the possible next frames, from noise                             | a flow, `flow.py`     |
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from mindseye.imagine.frames.config import FramesConfig
from mindseye.imagine.frames.flow import FlowNetwork
from mindseye.imagine.frames.motion import Cdna, Painted, Recurrent
from mindseye.imagine.frames.objective import (
    flow_draw,
    flow_loss,
    recurrent_draw,
    recurrent_loss,
    recurrent_scheduled,
)
from mindseye.imagine.frames.sample import flow_frames, recurrent_frames
from mindseye.learn.batch import Batch
from mindseye.learn.device import fast_arithmetic
from mindseye.learn.learner import Draws, Objective


def nothing_scheduled(pictures_seen: float, config: FramesConfig) -> Mapping[str, Any]:
    """The flow learns the same from the first step to the last."""
    return {}


@dataclass(frozen=True)
class Kind:
    """A kind of network.

    Attributes:
        build: config to a network.
        draw, scheduled, loss: as of an `Objective`, with the config as the last argument.
        go_on: as `Frames.go_on`, of the network.
        by_chance: whether another seed is another film.
        compiles: False where steps are unrolled, which takes minutes to compile.
    """

    build: Callable[[FramesConfig], nn.Module]
    draw: Callable[[np.random.Generator, FramesConfig], Mapping[str, Any]]
    scheduled: Callable[[float, FramesConfig], Mapping[str, Any]]
    loss: Callable[[Any, Batch, Draws, FramesConfig], Tensor]
    go_on: Callable[[Any, FramesConfig, Tensor, Tensor, Sequence[int]], Iterator[Tensor]]
    by_chance: bool
    compiles: bool


def _recurrent(head: type[Cdna] | type[Painted]) -> Kind:
    return Kind(
        build=partial(Recurrent, head=head),
        draw=recurrent_draw,
        scheduled=recurrent_scheduled,
        loss=recurrent_loss,
        go_on=recurrent_frames,
        by_chance=False,
        compiles=False,
    )


KINDS: dict[str, Kind] = {
    "cdna": _recurrent(Cdna),
    "convlstm": _recurrent(Painted),
    "flow": Kind(
        build=FlowNetwork,
        draw=flow_draw,
        scheduled=nothing_scheduled,
        loss=flow_loss,
        go_on=flow_frames,
        by_chance=True,
        compiles=True,
    ),
}


class Frames(nn.Module):
    """A predictor of frames: `network` with its `config`, and the `kind` of network that it is."""

    def __init__(self, config: FramesConfig) -> None:
        super().__init__()
        self.config = config
        self.kind = KINDS[config.network]
        self.network = self.kind.build(config)

    def objectives(self) -> Sequence[Objective]:
        return [
            Objective(
                name="loss",
                parameters=frozenset(name for name, _ in self.named_parameters()),
                draw=lambda rng: self.kind.draw(rng, self.config),
                scheduled=lambda pictures_seen: self.kind.scheduled(pictures_seen, self.config),
                loss=self._loss,
                compiles=self.kind.compiles,
            )
        ]

    def _loss(self, model: Any, batch: Batch, draws: Draws) -> Tensor:
        return self.kind.loss(model.network, batch, draws, self.config)

    @torch.no_grad()
    def go_on(
        self,
        given: Float[Tensor, "film context channel height width"],
        actions: Float[Tensor, "film step action"],
        seeds: Sequence[int],
    ) -> Iterator[Float[Tensor, "film channel height width"]]:
        """The frames that follow the given ones, one for each action, as they are predicted.

        Args:
            given: frames in [-1, 1], premultiplied, as many as `config.context` says.
            actions: what is done before each new frame, as `ActionReader` reads it; zeros where nothing is known.
            seeds: one a film.

        Yields: float32 in [-1, 1] but for errors.
        """
        device = next(self.parameters()).device
        steps = self.kind.go_on(self.network, self.config, given.to(device), actions.to(device), seeds)
        while True:
            with fast_arithmetic(device):
                frame = next(steps, None)
            if frame is None:
                return
            yield frame.float()


def build(config: FramesConfig, seed: int) -> Frames:
    """A freshly initialised model; the same seed gives the same weights."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        return Frames(config)
