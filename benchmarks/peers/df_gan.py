"""A one-stage text-to-picture GAN in the manner of DF-GAN (Tao et al. 2022), written afresh from its formulas.

Generator: noise to 4 x 4, then doublings; every block is affine-modulated by [noise, sentence]. Discriminator: strided
residual blocks down to 4 x 4, then the sentence beside it. Losses, with e the sentence and e' that of another picture:

    L_D = E relu(1 - D(x, e)) + E relu(1 + D(G(z, e), e)) / 2 + E relu(1 + D(x, e')) / 2
          + 2 E |grad_{x, e} D(x, e)|^6                                      matching-aware gradient penalty
    L_G = - E D(G(z, e), e)
"""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

import ours
from mindseye.collection.collection import Collection
from mindseye.learn.batch import Batch
from peers import flow
from peers.practice import practise
from peers.trained import Trained

LEARNING_RATE = 1e-4  # of the generator; the discriminator's is four times that (the authors' 1e-4 and 4e-4)
BETAS = (0.0, 0.9)
BATCH_SIZE = 32
NOISE = 100
BASE_WIDTH = 32
PENALTY, PENALTY_POWER = 2.0, 6
AVERAGE = 0.999
DRAWN_TOGETHER = 64


def widths(size_px: int) -> list[int]:
    """Channels at 4, 8, ... `size_px` pixels: eight times the base at most, the base at the full size."""
    doublings = int(math.log2(size_px)) - 2
    if 4 * 2**doublings != size_px or doublings < 3:
        raise ValueError(f"DF-GAN draws at 32, 64, 128, ... px, not at {size_px}")
    return [BASE_WIDTH * min(8, 2 ** (doublings - level)) for level in range(doublings + 1)]


class Affine(nn.Module):
    """gamma(y) x + beta(y), the identity at first."""

    def __init__(self, channels: int, condition: int) -> None:
        super().__init__()
        self.gamma = nn.Sequential(nn.Linear(condition, channels), nn.ReLU(), nn.Linear(channels, channels))
        self.beta = nn.Sequential(nn.Linear(condition, channels), nn.ReLU(), nn.Linear(channels, channels))
        for mlp, bias in ((self.gamma, 1.0), (self.beta, 0.0)):
            nn.init.zeros_(mlp[2].weight)
            nn.init.constant_(mlp[2].bias, bias)

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        return self.gamma(y)[:, :, None, None] * x + self.beta(y)[:, :, None, None]


class Fusion(nn.Module):
    """Two affine modulations with a leaky ReLU after each, then a convolution."""

    def __init__(self, channels_in: int, channels_out: int, condition: int) -> None:
        super().__init__()
        self.first, self.second = Affine(channels_in, condition), Affine(channels_in, condition)
        self.convolution = nn.Conv2d(channels_in, channels_out, 3, padding=1)

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        x = F.leaky_relu(self.first(x, y), 0.2)
        return self.convolution(F.leaky_relu(self.second(x, y), 0.2))


class Up(nn.Module):
    """Twice the size: nearest neighbour, then a residual block of two fusions."""

    def __init__(self, channels_in: int, channels_out: int, condition: int) -> None:
        super().__init__()
        self.shortcut = nn.Identity() if channels_in == channels_out else nn.Conv2d(channels_in, channels_out, 1)
        self.first = Fusion(channels_in, channels_out, condition)
        self.second = Fusion(channels_out, channels_out, condition)

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        x = F.interpolate(x, scale_factor=2.0)
        return self.shortcut(x) + self.second(self.first(x, y), y)


class Generator(nn.Module):
    """Noise and sentence to a picture in [-1, 1]."""

    def __init__(self, size_px: int, channels: int) -> None:
        super().__init__()
        levels = widths(size_px)
        condition = NOISE + ours.TEXT_WIDTH
        self.start = nn.Linear(NOISE, levels[0] * 16)
        self.blocks = nn.ModuleList(Up(a, b, condition) for a, b in zip(levels[:-1], levels[1:], strict=True))
        self.finish = nn.Conv2d(levels[-1], channels, 3, padding=1)

    def forward(
        self, noise: Float[Tensor, "batch 100"], sentence: Float[Tensor, "batch width"]
    ) -> Float[Tensor, "batch channel height width"]:
        x = self.start(noise).unflatten(1, (-1, 4, 4))
        y = torch.cat([noise, sentence], dim=1)
        for block in self.blocks:
            x = block(x, y)
        return self.finish(F.leaky_relu(x, 0.2)).tanh()


class Down(nn.Module):
    """Half the size: average of the shortcut, plus a residual whose share is learned from 0."""

    def __init__(self, channels_in: int, channels_out: int) -> None:
        super().__init__()
        self.shortcut = nn.Identity() if channels_in == channels_out else nn.Conv2d(channels_in, channels_out, 1)
        self.residual = nn.Sequential(
            nn.Conv2d(channels_in, channels_out, 4, stride=2, padding=1, bias=False),
            nn.LeakyReLU(0.2),
            nn.Conv2d(channels_out, channels_out, 3, padding=1, bias=False),
            nn.LeakyReLU(0.2),
        )
        self.share = nn.Parameter(torch.zeros(1))

    def forward(self, x: Tensor) -> Tensor:
        return F.avg_pool2d(self.shortcut(x), 2) + self.share * self.residual(x)


class Discriminator(nn.Module):
    """Picture and sentence to a score: above 0 for a real picture with its own sentence."""

    def __init__(self, size_px: int, channels: int) -> None:
        super().__init__()
        levels = widths(size_px)[::-1]
        self.start = nn.Conv2d(channels, levels[0], 3, padding=1)
        self.blocks = nn.Sequential(*(Down(a, b) for a, b in zip(levels[:-1], levels[1:], strict=True)))
        self.judge = nn.Sequential(
            nn.Conv2d(levels[-1] + ours.TEXT_WIDTH, 2 * BASE_WIDTH, 3, padding=1, bias=False),
            nn.LeakyReLU(0.2),
            nn.Conv2d(2 * BASE_WIDTH, 1, 4, bias=False),
        )

    def features(self, pictures: Tensor) -> Tensor:
        return self.blocks(self.start(pictures))

    def score(self, features: Tensor, sentence: Tensor) -> Float[Tensor, "batch"]:
        replicated = sentence[:, :, None, None].expand(-1, -1, 4, 4)
        return self.judge(torch.cat([features, replicated], dim=1)).flatten()

    def forward(self, pictures: Tensor, sentence: Tensor) -> Tensor:
        return self.score(self.features(pictures), sentence)


def discriminator_loss(critic: Discriminator, pictures: Tensor, sentence: Tensor, imagined: Tensor) -> Tensor:
    """L_D above; the sentence of the neighbour in the batch is the mismatched one."""
    pictures, sentence = pictures.requires_grad_(), sentence.detach().requires_grad_()
    features = critic.features(pictures)
    real = critic.score(features, sentence)
    mismatched = critic.score(features, sentence.roll(1, 0))
    fake = critic(imagined.detach(), sentence.detach())
    hinge = F.relu(1 - real).mean() + (F.relu(1 + fake).mean() + F.relu(1 + mismatched).mean()) / 2
    slopes = torch.autograd.grad(real.sum(), (pictures, sentence), create_graph=True)
    squared = slopes[0].flatten(1).square().sum(1) + slopes[1].square().sum(1)
    return hinge + PENALTY * (squared ** (PENALTY_POWER / 2)).mean()


def train(
    collection: Collection, minutes: float, folder: Path, seed: int, learning_rate: float = LEARNING_RATE
) -> Trained:
    """Trains it on a collection; see `peers`. In float32, uncompiled: its penalty needs a gradient of a gradient."""
    form = ours.picture_format(collection)
    torch.manual_seed(seed)
    generator, critic = Generator(form.size_px, form.channels), Discriminator(form.size_px, form.channels)
    average = copy.deepcopy(generator).eval().requires_grad_(False)
    optimisers = (
        torch.optim.Adam(generator.parameters(), lr=learning_rate, betas=BETAS),
        torch.optim.Adam(critic.parameters(), lr=4 * learning_rate, betas=BETAS),
    )

    def step(batch: Batch, noise_generator: torch.Generator) -> float:
        sentence = batch.words.sentence
        imagined = generator(torch.randn(len(sentence), NOISE, generator=noise_generator), sentence)
        critic.requires_grad_(True)
        loss_d = discriminator_loss(critic, batch.pictures, sentence, imagined)
        optimisers[1].zero_grad()
        loss_d.backward()
        optimisers[1].step()
        critic.requires_grad_(False)
        loss_g = -critic(imagined, sentence).mean()
        optimisers[0].zero_grad()
        loss_g.backward()
        optimisers[0].step()
        mine, theirs = list(average.parameters()), list(generator.parameters())
        torch._foreach_lerp_(mine, [parameter.data for parameter in theirs], 1 - AVERAGE)
        return float(loss_d.detach())

    state = {
        "generator": generator,
        "critic": critic,
        "average": average,
        "optimiser_g": optimisers[0],
        "optimiser_d": optimisers[1],
    }
    seen = practise(step, state, collection, minutes=minutes, folder=folder, seed=seed, batch_size=BATCH_SIZE)

    @torch.no_grad()
    def draw(prompts: Sequence[str], seeds: Sequence[int]) -> Any:
        sentence, noise = ours.encode(prompts).sentence, flow.noise_of(seeds, (NOISE,))
        groups = flow.in_groups(len(seeds), DRAWN_TOGETHER)
        return ours.from_model(torch.cat([average(noise[list(rows)], sentence[list(rows)]) for rows in groups]))

    return Trained(draw, seen, flow.parameters_of(generator) + flow.parameters_of(critic), learning_rate)
