"""The speed of a network from diffusers, in training and in drawing."""

from __future__ import annotations

import torch
from torch import Tensor, nn

import ours
from peers import flow
from race import AS_IT_COMES, Runner


def training_runner(
    name: str, module: nn.Module, network: flow.Network, size_px: int, channels: int, batch_size: int, tuned: bool
) -> Runner:
    """A training step on one batch that lies ready: noise, loss, gradient, clipping, AdamW.

    Args:
        name: for people.
        module, network: the network, and how it is called.
        size_px, channels, batch_size: of the pictures.
        tuned: in our precision, compiled and with the fused AdamW; else as it comes, in float32 and uncompiled.
    """
    pictures = torch.rand(batch_size, channels, size_px, size_px) * 2 - 1
    words = ours.made_up_words(batch_size)
    optimiser = torch.optim.AdamW(module.parameters(), lr=1e-4, fused=tuned or None)

    def plain(sigma: Tensor, noise: Tensor) -> Tensor:
        return flow.loss(network, pictures, words, sigma, noise)

    loss = torch.compile(plain, dynamic=False) if tuned else plain

    def step() -> None:
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=tuned and ours.has_bfloat16("cpu")):
            value = loss(*flow.noise_for(pictures))
        value.backward()
        torch.nn.utils.clip_grad_norm_(module.parameters(), 1.0)
        optimiser.step()
        optimiser.zero_grad()

    precision = str(ours.fast_precision()).removeprefix("torch.")
    how = f"{precision}, compiled" if tuned else AS_IT_COMES
    return Runner(f"{name}, {how}", flow.parameters_of(module), batch_size, step)


def drawing_runner(
    name: str, module: nn.Module, network: flow.Network, size_px: int, channels: int, count: int, calls: int
) -> Runner:
    """Drawing one batch with guidance, in so many network calls and in our precision."""
    words, empty = ours.made_up_words(count), ours.made_up_words(1)

    def draw() -> None:
        with ours.fast_arithmetic():
            flow.sample(network, words, empty, flow.noise_of(range(count), (channels, size_px, size_px)), calls)

    return Runner(f"{name}, Euler", flow.parameters_of(module), count, draw)
