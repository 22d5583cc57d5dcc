"""The diffusion model as the rest of the program meets it: network, objective and sampler put together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import torch
from torch import nn

from mindseye.imagine.diffusion.config import DiffusionConfig
from mindseye.imagine.diffusion.network import DiffusionTransformer
from mindseye.imagine.diffusion.objective import draw, loss
from mindseye.imagine.diffusion.sample import SAMPLERS, draw_pictures, shifted_times
from mindseye.imagine.family import Abilities, Given, Progress, Settings
from mindseye.learn.batch import Batch, Words
from mindseye.learn.learner import Draws, Objective

DEFAULT_SAMPLER = "heun"
ABILITIES = Abilities(prompt=True, negative_prompt=True, guidance=True, steps=True, samplers=tuple(SAMPLERS))
NETWORK_FIELDS = (
    "size_px", "channels", "patch_px", "width", "depth", "heads", "hidden", "bottleneck", "text_width", "text_tokens",
)  # fmt: skip


class Diffusion(nn.Module):
    """A diffusion model: `network` with its `config`."""

    def __init__(self, config: DiffusionConfig, network: DiffusionTransformer) -> None:
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
            )
        ]

    def _loss(self, model: Any, batch: Batch, draws: Draws) -> torch.Tensor:
        return loss(model.network, batch, draws, self.config)

    def hidden_matrices(self) -> frozenset[str]:
        """The parameters that Muon may move: the matrices inside the blocks."""
        return frozenset(
            name
            for name, parameter in self.named_parameters()
            if name.startswith("network.blocks.") and parameter.ndim == 2 and not name.endswith(".table")
        )

    def settings(self, asked: Settings) -> Settings:
        """See `family.Model.settings`."""
        sampler, steps, guidance = self._filled(asked)
        return Settings(sampler=sampler, steps=steps, guidance=guidance)

    def _filled(self, asked: Settings) -> tuple[str, int, float]:
        guidance = self.config.guidance if asked.guidance is None else asked.guidance
        return asked.sampler or DEFAULT_SAMPLER, asked.steps or self.config.steps, guidance

    def draw(
        self,
        words: Words,
        negative: Words | None,
        seeds: Sequence[int],
        settings: Settings,
        given: Given | None = None,
    ) -> Iterator[Progress]:
        """See `family.Model.draw`."""
        sampler, steps, guidance = self._filled(settings)
        device = self.network.device
        return draw_pictures(
            self.network,
            self.config,
            words.to(device),
            negative and negative.to(device),
            seeds,
            sampler=SAMPLERS[sampler],
            times=shifted_times(steps, self.config.shift),
            guidance=guidance,
        )


def build(config: DiffusionConfig, seed: int) -> Diffusion:
    """A freshly initialised model; the same seed gives the same weights."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        return Diffusion(config, make_network(config))


def make_network(config: DiffusionConfig) -> DiffusionTransformer:
    return DiffusionTransformer(**{name: getattr(config, name) for name in NETWORK_FIELDS})
