"""The GAN as the rest of the program meets it: two networks, their objectives, and one-step drawing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial

import torch
from jaxtyping import Float
from torch import Tensor, nn

from mindseye.imagine.family import Abilities, Given, Progress, Seed, Settings, last_pictures
from mindseye.imagine.gan.config import GanConfig
from mindseye.imagine.gan.dcgan import with_batch_norm, without_norm_in_critic
from mindseye.imagine.gan.network import Critic, Generator
from mindseye.imagine.gan.objective import CONTESTS, critic_loss, draw, generator_loss
from mindseye.imagine.gan.sample import draw_pictures, latents_of
from mindseye.learn.batch import Words
from mindseye.learn.learner import Objective

ABILITIES = Abilities(prompt=True, temperature=True, blend=True)
NETWORKS: dict[str, Callable[[GanConfig], tuple[nn.Module, nn.Module]]] = {
    "r3gan": lambda config: (Generator(config), Critic(config)),
    "wgan-gp": without_norm_in_critic,
    "dcgan": with_batch_norm,
}


class Gan(nn.Module):
    """A generator with its `config`, and the critic that it learns from; a finished model has none.

    `often` is the share of pictures that are changed before the critic sees them, where it is not fixed.
    """

    def __init__(self, config: GanConfig, generator: nn.Module, critic: nn.Module | None) -> None:
        super().__init__()
        self.config = config
        self.generator = generator
        self.critic = critic
        self.often = nn.Parameter(torch.zeros(())) if config.often == "needed" else None

    def objectives(self) -> Sequence[Objective]:
        """The critic's, then the generator's."""
        contest = CONTESTS[self.config.method]
        names = [name for name, _ in self.named_parameters()]
        return [
            Objective(
                name="critic",
                parameters=frozenset(name for name in names if not name.startswith("generator.")),
                draw=partial(draw, config=self.config),
                loss=partial(critic_loss, config=self.config),
                betas=contest.betas,
                compiles=False,
                comparable=False,
            ),
            Objective(
                name="generator",
                parameters=frozenset(name for name in names if name.startswith("generator.")),
                draw=partial(draw, config=self.config),
                loss=partial(generator_loss, config=self.config),
                betas=contest.betas,
                every=contest.generator_every,
                compiles=False,
                comparable=False,
            ),
        ]

    def hidden_matrices(self) -> frozenset[str]:
        """None for Muon: its momentum is what the methods avoid."""
        return frozenset()

    def settings(self, asked: Settings) -> Settings:
        """See `family.Model.settings`."""
        return Settings(temperature=asked.temperature_or(self.config.temperature))

    def latents(self, seeds: Sequence[Seed]) -> Float[Tensor, "seed latent"]:
        """What picture i is made from: the latent of its own seed, before any temperature."""
        return latents_of(seeds, self.config.latent)

    def generate(
        self, latents: Float[Tensor, "picture latent"], words: Words
    ) -> Float[Tensor, "picture channel height width"]:
        """One picture a latent, in [-1, 1]; any latent will do, such as one on the way between two seeds'."""
        return last_pictures(self._generating(latents, words))

    def draw(
        self,
        words: Words,
        negative: Words | None,
        seeds: Sequence[Seed],
        settings: Settings,
        given: Given | None = None,
    ) -> Iterator[Progress]:
        """See `family.Model.draw`."""
        return self._generating(settings.temperature_or(self.config.temperature) * self.latents(seeds), words)

    def _generating(self, latents: Tensor, words: Words) -> Iterator[Progress]:
        device = next(self.parameters()).device
        return draw_pictures(self.generator, self.config, latents.to(device), words.sentence.to(device))


def build(config: GanConfig, seed: int) -> Gan:
    """A freshly initialised model; the same seed gives the same weights."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        return Gan(config, *NETWORKS[config.method](config))
