"""AttnGAN as the rest of the program meets it: its networks, their objectives, and drawing in stages."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import partial

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from mindseye.imagine.attngan.config import AttnGanConfig
from mindseye.imagine.attngan.damsm import given_damsm
from mindseye.imagine.attngan.discriminator import Discriminator
from mindseye.imagine.attngan.network import Generator
from mindseye.imagine.attngan.objective import (
    discriminators_loss,
    draw,
    drawn_pictures,
    generator_loss,
    joint_damsm_loss,
)
from mindseye.imagine.attngan.sample import draw_pictures, whole_stages
from mindseye.imagine.family import Abilities, Given, Progress, Seed, Settings, Stage
from mindseye.learn.batch import Batch, Words
from mindseye.learn.learner import Objective
from mindseye.observe.damsm import Damsm
from mindseye.observe.damsm.network import PictureNetwork, TextNetwork
from mindseye.observe.damsm.objective import draw as draw_damsm
from mindseye.randomness import rng_at

ABILITIES = Abilities(prompt=True, temperature=True, blend=True, attention=True, stages=True)
BETAS = (0.5, 0.999)  # of Adam
RATE = 0.2  # of the learning rate of a training, 1e-3 unless given: the paper's 2e-4


class AttnGan(nn.Module):
    """A generator and the text encoder that reads for it; in training also what both learn from.

    Attributes:
        text: the DAMSM's text encoder.
        pictures: its picture encoder; None in a finished model.
        discriminators: one a stage; None in a finished model.
    """

    def __init__(
        self,
        config: AttnGanConfig,
        generator: Generator,
        text: TextNetwork,
        pictures: PictureNetwork | None,
        discriminators: nn.ModuleList | None,
    ) -> None:
        super().__init__()
        self.config = config
        self.generator = generator
        self.text = text
        self.pictures = pictures
        self.discriminators = discriminators

    def objectives(self) -> Sequence[Objective]:
        """The discriminators', the generator's, and the DAMSM's where it is not a given one."""
        config = self.config
        rivals = partial(
            Objective, draw=partial(draw, config=config), betas=BETAS, rate=RATE, compiles=False, comparable=False
        )
        objectives = [
            rivals(
                name="discriminators",
                parameters=self._named("discriminators."),
                loss=partial(discriminators_loss, config=config),
            ),
            rivals(name="generator", parameters=self._named("generator."), loss=partial(generator_loss, config=config)),
        ]
        if not config.damsm:
            objectives.append(
                Objective(
                    name="damsm",
                    parameters=self._named("text.") | self._named("pictures."),
                    draw=partial(draw_damsm, config=config.matcher),
                    loss=partial(joint_damsm_loss, config=config),
                    compiles=False,
                )
            )
        return objectives

    def _named(self, prefix: str) -> frozenset[str]:
        return frozenset(name for name, _ in self.named_parameters() if name.startswith(prefix))

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
        return draw_pictures(self, words.to(self._device), seeds, settings.temperature_or(self.config.temperature))

    def stages(self, words: Words, seeds: Sequence[Seed], settings: Settings) -> list[Stage]:
        """See `family.Staged.stages`."""
        return whole_stages(self, words.to(self._device), seeds, settings.temperature_or(self.config.temperature))

    def attention(
        self, words: Words, negative: Words | None, seeds: Sequence[Seed], settings: Settings
    ) -> tuple[Float[Tensor, "picture channel height width"], Float[Tensor, "picture word row column"]]:
        """See `family.Attentive.attention`: the mean over the stages that look at words, on the finest grid."""
        stages = self.stages(words, seeds, settings)
        looks = [stage.attention for stage in stages if stage.attention is not None]
        return stages[-1].pictures, torch.stack([F.interpolate(each, looks[-1].shape[2:]) for each in looks]).mean(0)

    @property
    def _device(self) -> torch.device:
        return next(self.parameters()).device


def build(config: AttnGanConfig, seed: int) -> AttnGan:
    """A freshly initialised model; the same seed gives the same weights. A given DAMSM comes with its own.

    Raises:
        BadInput: the given DAMSM is not there, or not the one that the training was begun with.
    """
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        damsm = given_damsm(config) if config.damsm else Damsm(config.matcher)
        generator = Generator(config)
        discriminators = nn.ModuleList(Discriminator(config, edge_px) for edge_px in config.edges_px)
    damsm.text.most_words = config.matcher.most_words  # a given one may have been trained with fewer
    return AttnGan(config, generator, damsm.text, damsm.pictures, discriminators)


def measure_norms(model: AttnGan, batches: Iterable[Batch]) -> None:
    """Gives the generator's batch norms the statistics of its averaged weights, over all captions once.

    What they kept in training are the statistics of weights that were not averaged, which fit the averaged ones only
    about. (The published weights have that fault.)
    """
    norms = [layer for layer in model.generator.modules() if isinstance(layer, (nn.BatchNorm1d, nn.BatchNorm2d))]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # the mean of all batches, each counting the same
    model.generator.train()
    first = 0
    for batch in batches:
        count = len(batch.pictures)
        each = [draw(rng_at(0, "norms", first + row), model.config) for row in range(count)]
        draws = {
            name: torch.from_numpy(np.stack([numbers[name] for numbers in each])).to(batch.pictures.device)
            for name in ("latent", "noise")
        }
        first += count
        if count > 1:  # one picture has no variance
            with torch.no_grad():
                drawn_pictures(model, model.text(batch.words), draws)
    model.generator.eval()
