"""The VAE as the rest of the program meets it: networks, objective, dice and what is known of its codes."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor, nn

from mindseye.imagine.family import Abilities, Given, Progress, Settings, Surprise, normal_numbers
from mindseye.imagine.vae.codes import Codes
from mindseye.imagine.vae.config import SamplerName, VaeConfig
from mindseye.imagine.vae.likelihood import SIGMAS
from mindseye.imagine.vae.network import Posterior, VaeNetwork
from mindseye.imagine.vae.objective import (
    RULES,
    draw,
    importance_weighted,
    log_weights,
    loss,
    sampled,
)
from mindseye.imagine.vae.sample import DICE, draw_pictures
from mindseye.learn.batch import Batch, Words
from mindseye.learn.device import fast_arithmetic
from mindseye.learn.learner import Draws, Objective
from mindseye.pictures.indexed import indexing

ABILITIES = Abilities(prompt=True, samplers=tuple(DICE), temperature=True, vary=True, codes=True, likelihood=True)
BOUND_CODES = 50  # K of the bound, codes of a picture: with more it is tighter and takes longer


class Vae(nn.Module):
    """A VAE: `network` with its `config`.

    Attributes:
        with_words, without_words: its codes of pictures whose caption is known, and of pictures alone. The first need
            not say what the caption says.
        sigma: the standard deviation of p(x | c), as the training pictures have it; 0 until it is measured, and where
            there is none.
    """

    sigma: Tensor

    def __init__(self, config: VaeConfig, network: VaeNetwork) -> None:
        super().__init__()
        self.config = config
        self.network = network
        self.with_words = Codes(config.code)
        self.without_words = Codes(config.code)
        self.register_buffer("sigma", torch.zeros(()))

    def objectives(self) -> Sequence[Objective]:
        return [
            Objective(
                name="loss",
                parameters=frozenset(name for name, _ in self.named_parameters()),
                draw=partial(draw, config=self.config),
                loss=self._loss,
            )
        ]

    def _loss(self, model: Any, batch: Batch, draws: Draws) -> torch.Tensor:
        return loss(model.network, batch, draws, self.config)

    def settings(self, asked: Settings) -> Settings:
        """See `family.Model.settings`."""
        sampler, temperature = self._filled(asked)
        return Settings(sampler=sampler, temperature=temperature)

    def _filled(self, asked: Settings) -> tuple[SamplerName, float]:
        [sampler] = [name for name in DICE if name == (asked.sampler or self.config.sampler)]
        return sampler, asked.temperature_or(self.config.temperature)

    def draw(
        self,
        words: Words,
        negative: Words | None,
        seeds: Sequence[int],
        settings: Settings,
        given: Given | None = None,
    ) -> Iterator[Progress]:
        """See `family.Model.draw`."""
        sampler, temperature = self._filled(settings)
        words = words.to(self.network.device)
        codes = [self._codes(bool(absent)) for absent in words.absent]
        return draw_pictures(
            self.network,
            self.config,
            words,
            codes,
            seeds,
            dice=DICE[sampler],
            temperature=temperature,
            given=given,
        )

    def _codes(self, without_words: bool) -> Codes:
        return self.without_words if without_words else self.with_words

    @torch.no_grad()
    def posterior(self, pictures: Float[Tensor, "picture channel height width"], words: Words) -> Posterior:
        """Where the codes of pictures may lie; a caption without words stands for none."""
        device = self.network.device
        with fast_arithmetic(device):
            return self.network.encode(pictures.to(device), self._condition(words))

    def encode(
        self, pictures: Float[Tensor, "picture channel height width"], words: Words
    ) -> Float[Tensor, "picture code"]:
        """See `family.Coded.encode`."""
        return self.posterior(pictures, words).mean

    @torch.no_grad()
    def decode(
        self, codes: Float[Tensor, "picture code"], words: Words
    ) -> Float[Tensor, "picture channel height width"]:
        """See `family.Coded.decode`."""
        device = self.network.device
        with fast_arithmetic(device):
            return self.network.picture(codes.to(device), self._condition(words))

    def code_kl(self, words: Words) -> Float[Tensor, "code"] | None:
        """See `family.Coded.code_kl`."""
        codes = self._codes(bool(words.absent[0]))
        return codes.kl if RULES[self.config.objective].noise else None

    @torch.no_grad()
    def surprise(
        self, pictures: Float[Tensor, "picture channel height width"], words: Words, seeds: Sequence[int]
    ) -> Surprise | None:
        """See `family.Likely.surprise`: -log2 of the importance-weighted bound, with a Gaussian cut into 256 levels, or
        the probabilities of the palette's colours."""
        likelihood, sigma, device = self.network.likelihood, float(self.sigma), self.network.device
        if not RULES[self.config.objective].noise or (self.config.likelihood in SIGMAS and not sigma):
            return None
        pictures, condition = pictures.to(device), self._condition(words)
        posterior = self.network.encode(pictures, condition)
        noise = [normal_numbers(seed, (BOUND_CODES, self.config.code), "bound") for seed in seeds]
        codes = sampled(posterior, torch.stack(noise, dim=1).to(device))
        read, decoded = likelihood.read(pictures), (self.network.decode(some, condition) for some in codes)
        fits = torch.stack([likelihood.log_probability(read, each, sigma) for each in decoded])
        bits = -importance_weighted(log_weights(posterior, codes, fits)) / math.log(2)
        return Surprise(bits, self.config.numbers, likelihood.levels, exact=False)

    def _condition(self, words: Words) -> Tensor:
        words = words.to(self.network.device)
        return self.network.condition(words, torch.zeros(len(words.mask), dtype=torch.bool, device=words.mask.device))


def build(config: VaeConfig, seed: int) -> Vae:
    """A freshly initialised model; the same seed gives the same weights."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        return Vae(config, VaeNetwork(config))


@torch.no_grad()
def finish(model: Vae, batches: Iterable[Batch]) -> None:
    """Measures where the codes of the training pictures lie, with their captions and without; and how far the pictures
    that are drawn from the first are off."""
    with_words: list[Posterior] = []
    without_words: list[Posterior] = []
    errors: list[Tensor] = []
    for batch in batches:
        all_without = torch.ones_like(batch.words.mask[:, 0])
        for without, found in ((~all_without, with_words), (all_without, without_words)):
            found.append(model.network.encode(batch.pictures, model.network.condition(batch.words, without)))
        if model.config.likelihood in SIGMAS:
            errors.append(_errors(model, batch, with_words[-1], len(errors)))
    noise = RULES[model.config.objective].noise
    model.with_words.measure(with_words, noise)
    model.without_words.measure(without_words, noise)
    if sigma := SIGMAS.get(model.config.likelihood):
        model.sigma.fill_(sigma(torch.cat(errors).mean().sqrt().item(), model.config))


def measure(config: VaeConfig, pictures: NDArray[np.uint8], log: Callable[[str], None]) -> VaeConfig:
    """The settings with the palette of these pictures, where the likelihood is of one; see `Learner.measure`."""
    if config.likelihood != "categorical" or config.palette:
        return config
    found = indexing(pictures, config.colours)
    log(str(found))
    return config.model_copy(update={"palette": found.palette})


def _errors(model: Vae, batch: Batch, posterior: Posterior, position: int) -> Float[Tensor, "batch"]:
    """The mean squared error of each picture, decoded from one of its codes."""
    noise = normal_numbers(0, tuple(posterior.mean.shape), "sigma", position).to(posterior.mean.device)
    codes = sampled(posterior, RULES[model.config.objective].noise * noise)
    decoded = model.network.decode(codes, model.network.condition(batch.words, torch.zeros_like(batch.words.absent)))
    return (batch.pictures - decoded).square().flatten(1).mean(1)
