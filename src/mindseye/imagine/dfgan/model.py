"""DF-GAN as the rest of the program meets it: two networks, their objectives, and one-step drawing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

import torch
from torch import nn

from mindseye.imagine.dfgan.config import DfGanConfig
from mindseye.imagine.dfgan.network import Discriminator, Generator
from mindseye.imagine.dfgan.objective import discriminator_loss, draw, generator_loss
from mindseye.imagine.dfgan.sample import draw_pictures
from mindseye.imagine.family import Abilities, Given, Progress, Seed, Settings
from mindseye.learn.batch import Words
from mindseye.learn.learner import Objective

ABILITIES = Abilities(prompt=True, temperature=True, blend=True)
BETAS = (0.0, 0.9)  # of Adam
RATES = {"discriminator": 0.4, "generator": 0.1}  # of a training's learning rate, 1e-3 unless given: 4e-4 and 1e-4


class DfGan(nn.Module):
    """A generator with its `config`, and the discriminator that it learns from; a finished model has none."""

    def __init__(self, config: DfGanConfig, generator: Generator, discriminator: Discriminator | None) -> None:
        super().__init__()
        self.config = config
        self.generator = generator
        self.discriminator = discriminator

    def objectives(self) -> Sequence[Objective]:
        """The discriminator's, then the generator's."""
        names = [name for name, _ in self.named_parameters()]
        losses = {"discriminator": discriminator_loss, "generator": generator_loss}
        return [
            Objective(
                name=rival,
                parameters=frozenset(name for name in names if name.startswith(f"{rival}.")),
                draw=partial(draw, config=self.config),
                loss=partial(loss, config=self.config),
                betas=BETAS,
                rate=RATES[rival],
                compiles=False,
                comparable=False,
            )
            for rival, loss in losses.items()
        ]

    def hidden_matrices(self) -> frozenset[str]:
        """None for Muon, which has more momentum than rivals can do with."""
        return frozenset()

    def settings(self, asked: Settings) -> Settings:
        """See `family.Model.settings`."""
        return Settings(temperature=asked.temperature_or(self.config.temperature))

    def draw(
        self,
        words: Words,
        negative: Words | None,
        seeds: Sequence[Seed],
        settings: Settings,
        given: Given | None = None,
    ) -> Iterator[Progress]:
        """See `family.Model.draw`."""
        sentence = words.sentence.to(next(self.parameters()).device)
        return draw_pictures(
            self.generator, self.config, seeds, sentence, settings.temperature_or(self.config.temperature)
        )


def build(config: DfGanConfig, seed: int) -> DfGan:
    """A freshly initialised model; the same seed gives the same weights."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        return DfGan(config, Generator(config), Discriminator(config))
