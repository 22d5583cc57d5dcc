"""diffusers' `UNet2DConditionModel` on our caption features: the shape of Stable Diffusion's network, at our size.

Attention at a quarter of the resolution and below, as in ADM; 10.9 M parameters at any size.
"""

from __future__ import annotations

from pathlib import Path

from diffusers import UNet2DConditionModel
from torch import Tensor

import ours
from mindseye.collection.collection import Collection
from mindseye.learn.batch import Words
from peers import flow
from peers.diffusers_speed import drawing_runner, training_runner
from peers.diffusers_training import train_network
from peers.trained import Trained
from race import Runner

# The authors' text-to-image script has 1e-4, which is for finetuning; for training from nothing tune it:
# `quality.py --arms diffusers-unet:1e-4 diffusers-unet:3e-4 diffusers-unet:1e-3 --minutes 10`.
LEARNING_RATE = 3e-4
BATCH_SIZE = 16
NAME = "diffusers UNet2DConditionModel"


def make_unet(size_px: int, channels: int) -> UNet2DConditionModel:
    return UNet2DConditionModel(
        sample_size=size_px,
        in_channels=channels,
        out_channels=channels,
        block_out_channels=(64, 80, 128, 176),
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
    return train_network(make_unet, as_network, collection, minutes, folder, seed, learning_rate, BATCH_SIZE)
