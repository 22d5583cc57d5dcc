"""denoising-diffusion-pytorch: the most used small diffusion code; unconditional, so its prompts are not heard.

Its own `Unet`, `GaussianDiffusion` and `ema_pytorch.EMA` with the settings of its README and `Trainer` (Adam, clipping
at 1, an average every tenth step), in our loop, since its `Trainer` reads folders only and stops to draw.
"""

from __future__ import annotations

import importlib.machinery
import sys
import types
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

import ours
from mindseye.collection.collection import Collection
from mindseye.learn.batch import Batch
from peers import flow
from peers.practice import practise
from peers.trained import Trained
from race import AS_IT_COMES, Runner

LEARNING_RATE = 8e-5  # its README's
BATCH_SIZE = 16  # half its README's, for twice the steps
AVERAGE, AVERAGE_EVERY = 0.995, 10  # its Trainer's
SAMPLING_STEPS = 50  # of DDIM
DRAWN_TOGETHER = 16


def package() -> Any:
    """The library. It imports torchvision for its folder reader, which we do not use and cannot import.

    torchvision does not import beside the CPU build of torch, so a module of that name with nothing in it stands in.
    """
    if "torchvision" not in sys.modules:
        for name in ("torchvision", "torchvision.transforms", "torchvision.utils"):
            stub = types.ModuleType(name)
            stub.__spec__ = importlib.machinery.ModuleSpec(name, None)
            sys.modules[name] = stub
        for part in ("transforms", "utils"):
            setattr(sys.modules["torchvision"], part, sys.modules[f"torchvision.{part}"])
    from denoising_diffusion_pytorch import denoising_diffusion_pytorch as module

    module.tqdm = lambda steps, **_: steps  # no progress bars among the figures
    return module


def make_unet(channels: int) -> Any:
    """11.1 M parameters; without attention kernels for GPUs."""
    return package().Unet(dim=50, dim_mults=(1, 2, 4, 4), channels=channels, flash_attn=False)


def make_diffusion(size_px: int, channels: int, sampling_steps: int) -> Any:
    unet = make_unet(channels)
    return package().GaussianDiffusion(unet, image_size=size_px, timesteps=1000, sampling_timesteps=sampling_steps)


def training(*, size_px: int, channels: int, batch_size: int) -> Runner:
    """Its training step as it comes, on one batch that lies ready."""
    diffusion = make_diffusion(size_px, channels, SAMPLING_STEPS).train()
    optimiser = torch.optim.Adam(diffusion.parameters(), lr=LEARNING_RATE, betas=(0.9, 0.99))
    pictures = torch.rand(batch_size, channels, size_px, size_px)

    def step() -> None:
        diffusion(pictures).backward()
        torch.nn.utils.clip_grad_norm_(diffusion.parameters(), 1.0)
        optimiser.step()
        optimiser.zero_grad()

    name = f"denoising-diffusion-pytorch Unet, {AS_IT_COMES}"
    return Runner(name, flow.parameters_of(diffusion), batch_size, step)


def drawing(*, size_px: int, channels: int, count: int, calls: int) -> Runner:
    """Drawing one batch with DDIM in so many network calls; without a prompt, so without guidance."""
    diffusion = make_diffusion(size_px, channels, calls).eval()

    def draw() -> None:
        with ours.fast_arithmetic():
            diffusion.sample(batch_size=count)

    name = "denoising-diffusion-pytorch Unet, DDIM, unconditional (no guidance: less work a call)"
    return Runner(name, flow.parameters_of(diffusion), count, draw)


def train(
    collection: Collection, minutes: float, folder: Path, seed: int, learning_rate: float = LEARNING_RATE
) -> Trained:
    """Trains it on the pictures of a collection; see `peers`."""
    from ema_pytorch import EMA

    form = ours.picture_format(collection)
    torch.manual_seed(seed)
    diffusion = make_diffusion(form.size_px, form.channels, SAMPLING_STEPS).train()
    optimiser = torch.optim.Adam(diffusion.parameters(), lr=learning_rate, betas=(0.9, 0.99))
    average = EMA(diffusion, beta=AVERAGE, update_every=AVERAGE_EVERY)

    def step(batch: Batch, generator: torch.Generator, share: float) -> float:
        torch.manual_seed(generator.initial_seed())  # it draws its noise from the global generator
        with ours.fast_arithmetic():
            loss = diffusion((batch.pictures + 1) / 2)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(diffusion.parameters(), 1.0)
        optimiser.step()
        optimiser.zero_grad()
        average.update()
        return float(loss.detach())

    state = {"diffusion": diffusion, "optimiser": optimiser, "average": average}
    seen = practise(step, state, collection, minutes=minutes, folder=folder, seed=seed, batch_size=BATCH_SIZE)

    def draw(prompts: Sequence[str], seeds: Sequence[int]) -> Any:
        """A group of pictures is drawn from the seed of its first: the library has one generator for all."""
        drawn = []
        for rows in flow.in_groups(len(seeds), DRAWN_TOGETHER):
            torch.manual_seed(seeds[rows[0]])
            with ours.fast_arithmetic():
                drawn.append(average.ema_model.sample(batch_size=len(rows)) * 2 - 1)
        return ours.from_model(torch.cat(drawn))

    return Trained(draw, seen, flow.parameters_of(diffusion), learning_rate)
