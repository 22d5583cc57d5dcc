"""diffusers' `PixArtTransformer2DModel`: the nearest relative of our network, at the same tokens.

Six blocks of our width: what they have more, by cross-attention and a wider MLP, is about what our levels have.
"""

from __future__ import annotations

from pathlib import Path

from diffusers import PixArtTransformer2DModel
from torch import Tensor

import ours
from mindseye.collection.collection import Collection
from mindseye.learn.batch import Words
from peers import flow
from peers.diffusers_speed import drawing_runner, training_runner
from peers.diffusers_training import train_network
from peers.trained import Trained
from race import Runner

WIDTH, HEADS, BLOCKS = 320, 5, 6
TOKENS = 8  # a side
LEARNING_RATE = 3e-4  # as the UNet's
BATCH_SIZE = 32  # as ours on a processor without bfloat16 units


def training(*, size_px: int, channels: int, batch_size: int, tuned: bool, patch_px: int) -> Runner:
    """Its training step; see `diffusers_speed`."""
    network = make_network(size_px, channels, patch_px).train()
    name = f"diffusers PixArtTransformer2DModel, patch {patch_px}"
    return training_runner(name, network, as_network(network), size_px, channels, batch_size, tuned)


def drawing(*, size_px: int, channels: int, count: int, calls: int, patch_px: int) -> Runner:
    """Its drawing; see `diffusers_speed`."""
    network = make_network(size_px, channels, patch_px).eval()
    name = f"diffusers PixArtTransformer2DModel, patch {patch_px}"
    return drawing_runner(name, network, as_network(network), size_px, channels, count, calls)


def train(
    collection: Collection, minutes: float, folder: Path, seed: int, learning_rate: float = LEARNING_RATE
) -> Trained:
    """Trains it on a collection at 64 tokens; see `peers`."""

    def make(size_px: int, channels: int) -> PixArtTransformer2DModel:
        return make_network(size_px, channels, size_px // TOKENS)

    return train_network(make, as_network, collection, minutes, folder, seed, learning_rate, BATCH_SIZE)


def make_network(size_px: int, channels: int, patch_px: int) -> PixArtTransformer2DModel:
    return PixArtTransformer2DModel(
        num_attention_heads=HEADS,
        attention_head_dim=WIDTH // HEADS,
        in_channels=channels,
        out_channels=channels,
        num_layers=BLOCKS,
        cross_attention_dim=WIDTH,
        sample_size=size_px,
        patch_size=patch_px,
        caption_channels=ours.TEXT_WIDTH,
        use_additional_conditions=False,
    )


def as_network(transformer: PixArtTransformer2DModel) -> flow.Network:
    def network(noisy: Tensor, timestep: Tensor, words: Words) -> Tensor:
        predicted: Tensor = transformer(
            noisy,
            encoder_hidden_states=words.tokens,
            encoder_attention_mask=words.mask,
            timestep=timestep,
            added_cond_kwargs={"resolution": None, "aspect_ratio": None},
        ).sample
        return predicted

    return network
