"""The VAE as the rest of the program meets it: networks, objective, dice and what is known of its codes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from mindseye.imagine.family import Abilities, Given, Progress, Settings
from mindseye.imagine.vae.codes import Codes
from mindseye.imagine.vae.config import SamplerName, VaeConfig
from mindseye.imagine.vae.network import Posterior, VaeNetwork
from mindseye.imagine.vae.objective import RULES, draw, loss
from mindseye.imagine.vae.sample import DICE, draw_pictures
from mindseye.learn.batch import Batch, Words
from mindseye.learn.device import fast_arithmetic
from mindseye.learn.learner import Draws, Objective

ABILITIES = Abilities(prompt=True, samplers=tuple(DICE), temperature=True, vary=True, codes=True)


class Vae(nn.Module):
    """A VAE: `network` with its `config`.

    Attributes:
        with_words, without_words: its codes of pictures whose caption is known, and of pictures alone. The first need
            not say what the caption says.
    """

    def __init__(self, config: VaeConfig, network: VaeNetwork) -> None:
        super().__init__()
        self.config = config
        self.network = network
        self.with_words = Codes(config.code)
        self.without_words = Codes(config.code)

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
        return sampler, self.config.temperature if asked.temperature is None else asked.temperature

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
            return self.network.decode(codes.to(device), self._condition(words)).clamp(-1, 1)

    def code_kl(self, words: Words) -> Float[Tensor, "code"] | None:
        """See `family.Coded.code_kl`."""
        codes = self._codes(bool(words.absent[0]))
        return codes.kl if RULES[self.config.objective].noise else None

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
    """Measures where the codes of the training pictures lie, with their captions and without."""
    with_words: list[Posterior] = []
    without_words: list[Posterior] = []
    for batch in batches:
        all_without = torch.ones_like(batch.words.mask[:, 0])
        for without, found in ((~all_without, with_words), (all_without, without_words)):
            found.append(model.network.encode(batch.pictures, model.network.condition(batch.words, without)))
    noise = RULES[model.config.objective].noise
    model.with_words.measure(with_words, noise)
    model.without_words.measure(without_words, noise)
