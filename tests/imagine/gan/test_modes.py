"""Eight clusters of points on a ring: does a generator find them all? Small networks, the family's own contests."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn

from mindseye.imagine.gan.objective import CONTESTS
from mindseye.randomness import rng_at

MODES, SPREAD, WIDTH, LATENT, BATCH = 8, 0.05, 64, 2, 64
ANGLES = torch.arange(MODES) * (2 * math.pi / MODES)
CENTRES = torch.stack([ANGLES.cos(), ANGLES.sin()], dim=1)


def layers(inputs: int, outputs: int) -> nn.Sequential:
    hidden = [nn.Linear(inputs, WIDTH), nn.LeakyReLU(0.2), nn.Linear(WIDTH, WIDTH), nn.LeakyReLU(0.2)]
    return nn.Sequential(*hidden, nn.Linear(WIDTH, outputs))


def points(seed: int, position: int) -> Tensor:
    """A batch from the ring."""
    rng = rng_at(seed, "ring", position)
    which = torch.from_numpy(rng.integers(0, MODES, BATCH))
    return CENTRES[which] + SPREAD * torch.from_numpy(rng.standard_normal((BATCH, 2), dtype="float32"))


def noise(seed: int, position: int, count: int = BATCH) -> Tensor:
    return torch.from_numpy(rng_at(seed, "latent", position).standard_normal((count, LATENT), dtype="float32"))


def modes_found(method: str, weight: float, seed: int, steps: int = 3000) -> int:
    """How many of the clusters a generator draws after so many steps: at least 1 % of its points within 4 spreads."""
    contest = CONTESTS[method]
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        generator, critic = layers(LATENT, 2), layers(2, 1)
    movers = [torch.optim.Adam(net.parameters(), lr=1e-3, betas=contest.betas) for net in (critic, generator)]
    for step in range(steps):
        real = points(seed, step)
        fake = generator(noise(seed, 2 * step)).detach()
        real_scores, fake_scores, penalty = contest.looked_at(critic, real, fake, torch.full((BATCH,), 0.5), weight)
        move(movers[0], (contest.critic(real_scores, fake_scores)[:, 0] + penalty).mean())
        fake_scores = critic(generator(noise(seed, 2 * step + 1)))
        move(movers[1], contest.generator(critic(real), fake_scores).mean())
    with torch.no_grad():
        drawn = generator(noise(seed, 2 * steps, 2000))
    near = torch.cdist(drawn, CENTRES) < 4 * SPREAD
    return int((near.float().mean(0) >= 0.01).sum())


def move(mover: torch.optim.Optimizer, loss: Tensor) -> None:
    mover.zero_grad()
    loss.backward()
    mover.step()


@pytest.mark.slow
def test_r3gan_finds_every_mode() -> None:
    assert [modes_found("r3gan", weight=0.1, seed=seed) for seed in range(2)] == [8, 8]
