"""The held-out loss: the objectives on validation pictures that the training never sees, with fixed random numbers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import nn

from mindseye.learn.learner import Objective
from mindseye.observe.features import CaptionFeatures
from mindseye.train.data import Pictures, draws_at
from mindseye.train.machine import Machine

SEED = 0  # the same for every run, so that runs on one collection compare


class HeldOut:
    """Evenly spread validation pictures, each with its first caption."""

    def __init__(self, pictures: Pictures, features: CaptionFeatures, limit: int, batch_size: int) -> None:
        self.pictures = pictures
        self.features = features
        self.batch_size = batch_size
        count = min(limit, len(pictures.pixels))
        self.rows = np.linspace(0, len(pictures.pixels), count, endpoint=False).astype(int)

    @property
    def bytes(self) -> int:
        """Size of the pictures looked at."""
        return len(self.rows) * self.pictures.pixels[0].nbytes

    @torch.no_grad()
    def loss(self, model: nn.Module, objectives: Sequence[Objective], machine: Machine) -> float:
        """The mean over the pictures of the sum of the objectives."""
        total = 0.0
        for begin in range(0, len(self.rows), self.batch_size):
            rows = self.rows[begin : begin + self.batch_size]
            captions = [self.pictures.captions[row][0] for row in rows]
            device = torch.device(machine.device)
            batch = self.pictures.batch(rows, self.features.words(captions)).to(device)
            for objective in objectives:
                draws = draws_at(objective, SEED, "held out", range(begin, begin + len(rows)))
                with machine.autocast():
                    loss = objective.loss(model, batch, {key: value.to(device) for key, value in draws.items()})
                total += float(loss) * len(rows)
        return total / len(self.rows)
