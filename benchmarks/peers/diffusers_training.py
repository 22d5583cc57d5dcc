"""The training of a network from diffusers, as in that library's text-to-image script with flow matching.

AdamW, clipping at 1, captions dropped for guidance, its `EMAModel` with warm-up; compiled, and the learning rate rises
and falls, as ours does.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import torch
from diffusers.training_utils import EMAModel
from torch import Tensor, nn

import ours
from mindseye.collection.collection import Collection
from mindseye.learn.batch import Batch, Words
from peers import flow
from peers.practice import practise
from peers.trained import Trained

WARM_UP, DECAY = 0.05, 0.25  # shares of the time
NETWORK_CALLS = 23  # of our default sampler
DRAWN_TOGETHER = 16
Module = TypeVar("Module", bound=nn.Module)


def train_network(
    make: Callable[[int, int], Module],
    as_network: Callable[[Module], flow.Network],
    collection: Collection,
    minutes: float,
    folder: Path,
    seed: int,
    learning_rate: float,
    batch_size: int,
) -> Trained:
    """Trains a network on a collection.

    Args:
        make: edge in pixels and channels to the network.
        as_network: how it is called.
        collection, minutes, folder, seed: as everyone's; see `peers`.
        learning_rate: at its height.
        batch_size: pictures a step; small enough for some hundred steps in ten minutes.
    """
    form = ours.picture_format(collection)
    torch.manual_seed(seed)
    module = make(form.size_px, form.channels).train()
    optimiser = torch.optim.AdamW(module.parameters(), lr=learning_rate, fused=True)
    average = EMAModel(module.parameters(), decay=0.9999, use_ema_warmup=True, power=0.75)
    empty = ours.encode([""])
    network = as_network(module)

    def plain(pictures: Tensor, words: Words, sigma: Tensor, noise: Tensor) -> Tensor:
        return flow.loss(network, pictures, words, sigma, noise)

    loss = torch.compile(plain, dynamic=False)

    def step(batch: Batch, generator: torch.Generator, share: float) -> float:
        words = flow.drop_captions(batch.words, empty, generator)
        with ours.fast_arithmetic():
            value = loss(batch.pictures, words, *flow.noise_for(batch.pictures, generator))
        value.backward()
        torch.nn.utils.clip_grad_norm_(module.parameters(), 1.0)
        for group in optimiser.param_groups:
            group["lr"] = learning_rate * min(1.0, (share + 1e-3) / WARM_UP, (1 - min(share, 1.0)) / DECAY)
        optimiser.step()
        optimiser.zero_grad()
        average.step(module.parameters())
        return float(value.detach())

    state = {"network": module, "optimiser": optimiser, "average": average}
    seen = practise(step, state, collection, minutes=minutes, folder=folder, seed=seed, batch_size=batch_size)
    average.copy_to(module.parameters())
    module.eval()
    shape = (form.channels, form.size_px, form.size_px)

    def draw(prompts: Sequence[str], seeds: Sequence[int]) -> Any:
        with ours.fast_arithmetic():
            words, noise = ours.encode(prompts), flow.noise_of(seeds, shape)
            drawn = [
                flow.sample(network, words.rows(rows), empty, noise[list(rows)], NETWORK_CALLS)
                for rows in flow.in_groups(len(seeds), DRAWN_TOGETHER)
            ]
        return ours.from_model(torch.cat(drawn))

    return Trained(draw, seen, flow.parameters_of(module), learning_rate)
