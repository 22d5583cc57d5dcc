"""The alignDRAW as the rest of the program meets it: networks, objective and drawing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from mindseye.errors import BadInput
from mindseye.imagine.aligndraw.config import AlignDrawConfig
from mindseye.imagine.aligndraw.network import AlignDrawNetwork
from mindseye.imagine.aligndraw.objective import draw, loss
from mindseye.imagine.aligndraw.sample import Trace, draw_pictures, trace, where_looked
from mindseye.imagine.family import Abilities, Given, Progress, Seed, Settings
from mindseye.learn.batch import Batch, Words
from mindseye.learn.learner import Draws, Objective

ABILITIES = Abilities(prompt=True, temperature=True, blend=True, attention=True)


class AlignDraw(nn.Module):
    """An alignDRAW: `network` with its `config`."""

    def __init__(self, config: AlignDrawConfig, network: AlignDrawNetwork) -> None:
        super().__init__()
        self.config = config
        self.network = network

    def objectives(self) -> Sequence[Objective]:
        return [
            Objective(
                name="loss",
                parameters=frozenset(name for name, _ in self.named_parameters()),
                draw=partial(draw, config=self.config),
                loss=self._loss,
                compiles=False,  # T steps unrolled take minutes to compile
            )
        ]

    def _loss(self, model: Any, batch: Batch, draws: Draws) -> Tensor:
        return loss(model.network, batch, draws, self.config)

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
        words = words.to(self.network.device)
        return draw_pictures(self.network, self.config, words, seeds, settings.temperature_or(self.config.temperature))

    def attention(
        self, words: Words, negative: Words | None, seeds: Sequence[Seed], settings: Settings
    ) -> tuple[Float[Tensor, "picture channel height width"], Float[Tensor, "picture word row column"]]:
        """See `family.Attentive.attention`.

        Raises:
            BadInput: this model is an arm that does not look at words one by one.
        """
        of = self.trace(words, seeds, settings)
        return of.canvases[:, -1], where_looked(of)

    def trace(self, words: Words, seeds: Sequence[Seed], settings: Settings) -> Trace:
        """Draws as `draw` does; all canvases, and which words each step looked at.

        Raises:
            BadInput: this model is an arm that does not look at words one by one.
        """
        if self.config.reader != "align":
            raise BadInput(
                "attention: this model does not look at words one by one",
                why=f"it was trained with model.reader={self.config.reader}",
                next_step="use a model that was trained with model.reader=align",
            )
        words = words.to(self.network.device)
        return trace(self.network, self.config, words, seeds, settings.temperature_or(self.config.temperature))


def build(config: AlignDrawConfig, seed: int) -> AlignDraw:
    """A freshly initialised model; the same seed gives the same weights."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        return AlignDraw(config, AlignDrawNetwork(config))
