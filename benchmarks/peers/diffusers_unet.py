"""diffusers' `UNet2DConditionModel` on our caption features: the shape of Stable Diffusion's network, at our size.

Attention at a quarter of the resolution and below, as in ADM; 7.4 M parameters at any size. Training as in that
library's text-to-image script: AdamW, clipping at 1, its `EMAModel` with warm-up.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from diffusers import UNet2DConditionModel
from diffusers.training_utils import EMAModel
from torch import Tensor

import ours
from mindseye.collection.collection import Collection
from mindseye.learn.batch import Batch, Words
from peers import flow
from peers.diffusers_speed import drawing_runner, training_runner
from peers.practice import practise
from peers.trained import Trained
from race import Runner

# The authors' text-to-image script has 1e-4, which is for finetuning; for training from nothing tune it:
# `quality.py --arms diffusers-unet:1e-4 diffusers-unet:3e-4 diffusers-unet:1e-3 --minutes 10`.
LEARNING_RATE = 3e-4
NAME = "diffusers UNet2DConditionModel"
BATCH_SIZE = 64
NETWORK_CALLS = 23  # of our default sampler
DRAWN_TOGETHER = 16


def make_unet(size_px: int, channels: int) -> UNet2DConditionModel:
    return UNet2DConditionModel(
        sample_size=size_px,
        in_channels=channels,
        out_channels=channels,
        block_out_channels=(64, 64, 96, 144),
        norm_num_groups=16,
        layers_per_block=1,
        cross_attention_dim=ours.TEXT_WIDTH,
        down_block_types=("DownBlock2D", "DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D", "UpBlock2D"),
    )


def as_network(unet: UNet2DConditionModel) -> flow.Network:
    def network(noisy: Tensor, timestep: Tensor, words: Words) -> Tensor:
        predicted: Tensor = unet(
            noisy, timestep, encoder_hidden_states=words.tokens, encoder_attention_mask=words.mask
        ).sample
        return predicted

    return network


def training(*, size_px: int, channels: int, batch_size: int, tuned: bool) -> Runner:
    """Its training step; see `diffusers_speed`."""
    unet = make_unet(size_px, channels).train()
    return training_runner(
        "diffusers UNet2DConditionModel", unet, as_network(unet), size_px, channels, batch_size, tuned
    )


def drawing(*, size_px: int, channels: int, count: int, calls: int) -> Runner:
    """Its drawing; see `diffusers_speed`."""
    unet = make_unet(size_px, channels).eval()
    return drawing_runner(NAME, unet, as_network(unet), size_px, channels, count, calls)


def train(
    collection: Collection, minutes: float, folder: Path, seed: int, learning_rate: float = LEARNING_RATE
) -> Trained:
    """Trains it on a collection; see `peers`."""
    form = ours.picture_format(collection)
    torch.manual_seed(seed)
    unet = make_unet(form.size_px, form.channels).train()
    optimiser = torch.optim.AdamW(unet.parameters(), lr=learning_rate, fused=True)
    average = EMAModel(unet.parameters(), decay=0.9999, use_ema_warmup=True, power=0.75)
    empty = ours.encode([""])
    network = as_network(unet)

    def plain(pictures: Tensor, words: Words, sigma: Tensor, noise: Tensor) -> Tensor:
        return flow.loss(network, pictures, words, sigma, noise)

    loss = torch.compile(plain, dynamic=False)

    def step(batch: Batch, generator: torch.Generator) -> float:
        words = flow.drop_captions(batch.words, empty, generator)
        with ours.fast_arithmetic():
            value = loss(batch.pictures, words, *flow.noise_for(batch.pictures, generator))
        value.backward()
        torch.nn.utils.clip_grad_norm_(unet.parameters(), 1.0)
        optimiser.step()
        optimiser.zero_grad()
        average.step(unet.parameters())
        return float(value.detach())

    state = {"unet": unet, "optimiser": optimiser, "average": average}
    seen = practise(step, state, collection, minutes=minutes, folder=folder, seed=seed, batch_size=BATCH_SIZE)
    average.copy_to(unet.parameters())
    unet.eval()
    shape = (form.channels, form.size_px, form.size_px)

    def draw(prompts: Sequence[str], seeds: Sequence[int]) -> Any:
        with ours.fast_arithmetic():
            words, noise = ours.encode(prompts), flow.noise_of(seeds, shape)
            drawn = [
                flow.sample(network, words.rows(rows), empty, noise[list(rows)], NETWORK_CALLS)
                for rows in flow.in_groups(len(seeds), DRAWN_TOGETHER)
            ]
        return ours.from_model(torch.cat(drawn))

    return Trained(draw, seen, flow.parameters_of(unet), learning_rate)
