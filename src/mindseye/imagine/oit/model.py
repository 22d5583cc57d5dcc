"""The three modules as the rest of the program meets them, and what each is good for by itself."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

import torch
from jaxtyping import Float
from torch import Tensor, nn

from mindseye.imagine.family import Abilities, Given, Progress, Seed, Settings
from mindseye.imagine.oit.config import OitConfig
from mindseye.imagine.oit.network import Features, Imaginer, Observer, Thinker, Thought
from mindseye.imagine.oit.objective import draw, imagining_loss, thinking_loss
from mindseye.imagine.oit.sample import draw_pictures
from mindseye.learn.batch import Words
from mindseye.learn.device import fast_arithmetic
from mindseye.learn.learner import Objective

ABILITIES = Abilities(prompt=True, temperature=True, vary=True, blend=True)
BETAS = (0.0, 0.99)  # of Adam: no momentum, since each is after a moving target
RATE = 0.25  # of the training's learning rate


class Oit(nn.Module):
    """Observer, Imaginer and Thinker with their `config`."""

    def __init__(self, config: OitConfig) -> None:
        super().__init__()
        self.config = config
        self.observer = Observer(config)
        self.imaginer = Imaginer(config)
        self.thinker = Thinker(config)

    def objectives(self) -> Sequence[Objective]:
        """That of Observer and Thinker, then the Imaginer's."""
        imagining = frozenset(name for name, _ in self.named_parameters() if name.startswith("imaginer."))
        thinking = frozenset(name for name, _ in self.named_parameters()) - imagining
        return [
            Objective(
                name=name,
                parameters=parameters,
                draw=partial(draw, config=self.config),
                loss=partial(loss, config=self.config),
                betas=BETAS,
                rate=RATE,
                compiles=False,
                comparable=False,
            )
            for name, parameters, loss in (
                ("thinking", thinking, thinking_loss),
                ("imagining", imagining, imagining_loss),
            )
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
        words = words.to(self.imaginer.basis.device)
        return draw_pictures(
            self, words, seeds, temperature=settings.temperature_or(self.config.temperature), given=given
        )

    @torch.no_grad()
    def observe(self, pictures: Float[Tensor, "batch channel height width"]) -> Features:
        """The hidden features of pictures in [-1, 1]."""
        device = self.imaginer.basis.device
        with fast_arithmetic(device):
            return self.observer(pictures.to(device))

    @torch.no_grad()
    def think(self, observed: Features) -> Thought:
        """Whether what was observed is real, and what it shows."""
        return self.thinker(observed)


def build(config: OitConfig, seed: int) -> Oit:
    """A freshly initialised model; the same seed gives the same weights."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        return Oit(config)
