"""The diffusion model as the rest of the program meets it: network, objective and sampler put together."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from mindseye.imagine.diffusion.attention import Attention
from mindseye.imagine.diffusion.config import DiffusionConfig
from mindseye.imagine.diffusion.network import DiffusionTransformer, Look
from mindseye.imagine.diffusion.objective import draw, loss
from mindseye.imagine.diffusion.sample import SAMPLERS, Drawing, advance, draw_pictures, shifted_times
from mindseye.imagine.family import Abilities, Given, Progress, Seed, Settings, last_pictures
from mindseye.learn.batch import Batch, Words
from mindseye.learn.learner import Draws, Objective

DEFAULT_SAMPLER = "heun"
ABILITIES = Abilities(
    prompt=True,
    negative_prompt=True,
    guidance=True,
    steps=True,
    samplers=tuple(SAMPLERS),
    complete=True,
    vary=True,
    blend=True,
    attention=True,
)
NETWORK_FIELDS = (
    "size_px", "channels", "patch_px", "width", "depth", "heads", "hidden", "bottleneck", "text_width", "text_tokens",
    "levels", "own_modulation", "layout", "told",
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
                scheduled=lambda pictures_seen: {"may_change": math.isfinite(pictures_seen)},
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
        seeds: Sequence[Seed],
        settings: Settings,
        given: Given | None = None,
        look: Look | None = None,
    ) -> Iterator[Progress]:
        """See `family.Model.draw`; `look` is shown the attention of each block."""
        words, negative = words.to(self.network.device), negative and negative.to(self.network.device)

        def begin(row: int) -> Drawing:
            return self.begin(words.rows([row]), negative and negative.rows([row]), seeds[row], settings, given)

        steps = len(self._times(settings, given)) - 1
        return draw_pictures(self.network, self.config, begin, count=len(seeds), steps=steps, look=look)

    def begin(
        self, words: Words, negative: Words | None, seed: Seed, settings: Settings, given: Given | None = None
    ) -> Drawing:
        """See `family.Joinable.begin`."""
        sampler, _, guidance = self._filled(settings)
        device = self.network.device
        return Drawing(
            self.config,
            words.to(device),
            negative and negative.to(device),
            seed,
            sampler=SAMPLERS[sampler],
            times=self._times(settings, given),
            guidance=guidance,
            given=given,
            device=device,
        )

    def advance(self, drawings: Sequence[Drawing], rows: int) -> Sequence[Drawing]:
        """See `family.Joinable.advance`."""
        return advance(self.network, drawings, rows)

    def _times(self, settings: Settings, given: Given | None) -> Float[Tensor, "step_and_one"]:
        """The noise levels of a drawing; a variation goes the last part of the way."""
        _, steps, _ = self._filled(settings)
        begin = given.strength if given and given.known is None else 1.0
        return shifted_times(max(1, round(begin * steps)), self.config.shift, begin)

    def attention(
        self, words: Words, negative: Words | None, seeds: Sequence[Seed], settings: Settings
    ) -> tuple[Tensor, Float[Tensor, "picture word row column"]]:
        """See `family.Attentive.attention`: the mean over heads, blocks and calls of the network (DAAM, Tang et al.
        2022)."""
        drawn = []
        for row, seed in enumerate(seeds):  # one by one, so that whose attention it is needs no saying
            seen = Attention(self.network.side)
            rows = negative and negative.rows([row])
            [picture] = last_pictures(self.draw(words.rows([row]), rows, [seed], settings, look=seen))
            drawn.append((picture, seen.mean))
        pictures, maps = zip(*drawn, strict=True)
        return torch.stack(pictures), torch.stack(maps)


def build(config: DiffusionConfig, seed: int) -> Diffusion:
    """A freshly initialised model; the same seed gives the same weights."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        return Diffusion(config, make_network(config))


def make_network(config: DiffusionConfig) -> DiffusionTransformer:
    return DiffusionTransformer(**{name: getattr(config, name) for name in NETWORK_FIELDS})
