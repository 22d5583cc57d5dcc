"""Imagination in the space of features: the hallucinator of Wang, Girshick, Hebert, Hariharan 2018.

A network G(x, z) of three layers makes of a picture's features x and noise z the features of another picture of the
same concept. It is trained on base concepts for one thing alone, that a classifier which learns from real and imagined
examples recognises other pictures: the loss goes back through a prototypical classifier (Snell et al. 2017) into G.
Nothing asks for imagined features to look real.
"""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from mindseye.randomness import rng_at
from mindseye.think.few_shot.arms import Extra, Task, of_own_concept, seeds
from mindseye.think.few_shot.episodes import Pool
from mindseye.think.few_shot.space import Base

STEPS = 500
WAY, SHOTS, QUERIES, IMAGINED = 10, (1, 2, 5), 5, 5  # of an episode of the training, at most
SHARE = 0.5  # of imagined examples in a prototype
TEMPERATURE = 10.0  # times the squared distance of vectors of length 1


class Hallucinator(nn.Module):
    """G(x, z), which begins as x + spread z.

    Features here have both signs, so the identity is carried through the ReLUs in two halves: v = relu(v) - relu(-v).

    Args:
        width: of the features and of the noise.
        spread: standard deviation of what the noise adds at first.
    """

    def __init__(self, width: int, spread: float) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(2 * width, 2 * width), nn.Linear(2 * width, 2 * width)
        self.last = nn.Linear(2 * width, width)
        one = torch.eye(width)
        both = torch.cat([one, spread * one], dim=1)
        with torch.no_grad():
            self.first.weight.copy_(torch.cat([both, -both]))
            self.second.weight.copy_(torch.eye(2 * width))
            self.last.weight.copy_(torch.cat([one, -one], dim=1))
            for layer in (self.first, self.second, self.last):
                layer.bias.zero_()

    def forward(self, x: Float[Tensor, "... width"], z: Float[Tensor, "... width"]) -> Float[Tensor, "... width"]:
        """Features of imagined pictures."""
        hidden = F.relu(self.second(F.relu(self.first(torch.cat([x, z], dim=-1)))))
        imagined: Tensor = self.last(hidden)
        return imagined


def untrained(base: Base) -> Hallucinator:
    """The hallucinator as it begins: it adds noise as wide as base concepts are, alike in all directions."""
    return Hallucinator(base.pool.features.shape[1], base.spread)


def train(base: Base, *, rate: float, steps: int = STEPS, seed: int = 0) -> Hallucinator:
    """A hallucinator that has learnt from episodes of base concepts, and from no other.

    Args:
        base: with at least two concepts of two pictures or more.
        rate: of Adam.
        steps: episodes.
        seed: of the episodes and the noise.
    """
    network = untrained(base)
    optimiser = torch.optim.Adam(network.parameters(), rate)
    for step in range(steps):
        loss = episode_loss(network, base.pool, rng_at(seed, "hallucinator", step))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return network.eval().requires_grad_(False)


def episode_loss(network: Hallucinator, pool: Pool, rng: np.random.Generator) -> Float[Tensor, ""]:
    """Cross-entropy of the queries of one episode, by prototypes of pictures shown and imagined."""
    possible = [shot for shot in SHOTS if len(pool.with_at_least(shot + 1)) >= 2]
    shot = possible[rng.integers(len(possible))]
    concepts = rng.permutation(pool.with_at_least(shot + 1))[:WAY]
    rows = [rng.permutation(pool.members[concept])[: shot + QUERIES] for concept in concepts]
    shown = torch.from_numpy(np.stack([pool.features[each[:shot]] for each in rows]))
    asked = torch.from_numpy(np.concatenate([pool.features[each[shot:]] for each in rows]))
    answers = torch.from_numpy(np.repeat(np.arange(len(rows)), [len(each) - shot for each in rows]))
    seen = shown[:, rng.integers(0, shot, IMAGINED)]
    imagined = network(seen, torch.from_numpy(rng.standard_normal(seen.shape, np.float32)))
    real, unreal = F.normalize(shown, dim=2).mean(1), F.normalize(imagined, dim=2).mean(1)
    prototypes = (1 - SHARE) * real + SHARE * unreal
    distances = (F.normalize(asked, dim=1)[:, None] - prototypes).square().sum(2)
    return F.cross_entropy(-TEMPERATURE * distances, answers)


def hallucinated(task: Task, count: int, rng: np.random.Generator, *, network: Hallucinator) -> Extra:
    """The arm: each picture shown is imagined anew, with other noise each time."""
    shown = torch.from_numpy(seeds(task, count, rng))
    noise = torch.from_numpy(rng.standard_normal(shown.shape, np.float32))
    with torch.inference_mode():
        return of_own_concept(network(shown, noise).numpy())
