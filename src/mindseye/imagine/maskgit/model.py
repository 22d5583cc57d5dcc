"""MaskGIT as the rest of the program meets it: codes, the network that fills them in, objective and drawing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from mindseye.imagine.family import Abilities, Given, Progress, Settings
from mindseye.imagine.maskgit.codes import PictureCodes
from mindseye.imagine.maskgit.config import MaskGitConfig
from mindseye.imagine.maskgit.network import MaskedTransformer
from mindseye.imagine.maskgit.objective import draw, loss
from mindseye.imagine.maskgit.sample import Manner, draw_pictures
from mindseye.learn.batch import Batch, Words
from mindseye.learn.learner import Draws, Objective

ABILITIES = Abilities(
    prompt=True, negative_prompt=True, guidance=True, steps=True, temperature=True, complete=True, vary=True
)


class MaskGit(nn.Module):
    """Both networks, with their `config`."""

    def __init__(self, config: MaskGitConfig, codes: PictureCodes, network: MaskedTransformer) -> None:
        super().__init__()
        self.config, self.codes, self.network = config, codes, network

    def objectives(self) -> Sequence[Objective]:
        return [
            Objective(
                name="loss",
                parameters=frozenset(name for name, _ in self.named_parameters()),
                draw=partial(draw, config=self.config),
                loss=self._loss,
            )
        ]

    def _loss(self, model: Any, batch: Batch, draws: Draws) -> Tensor:
        return loss(model, batch, draws, self.config)

    def settings(self, asked: Settings) -> Settings:
        """See `family.Model.settings`."""
        return Settings(
            guidance=self.config.guidance if asked.guidance is None else asked.guidance,
            steps=self.config.steps if asked.steps is None else asked.steps,
            temperature=asked.temperature_or(self.config.temperature),
        )

    def draw(
        self,
        words: Words,
        negative: Words | None,
        seeds: Sequence[int],
        settings: Settings,
        given: Given | None = None,
    ) -> Iterator[Progress]:
        """See `family.Model.draw`."""
        used, device = self.settings(settings), self.network.device
        assert used.steps is not None and used.guidance is not None and used.temperature is not None
        manner = Manner(used.steps, used.guidance, used.temperature, self.config.choice_noise)
        against = negative.to(device) if negative else None
        return draw_pictures(self.codes, self.network, self.config, words.to(device), against, seeds, manner, given)


def build(config: MaskGitConfig, seed: int) -> MaskGit:
    """A freshly initialised model; the same seed gives the same weights."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        return MaskGit(config, PictureCodes(config), MaskedTransformer(config))
