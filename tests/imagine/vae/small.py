"""A tiny VAE that no training has touched yet, captions for it, and its random numbers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch

from mindseye.imagine.vae import FAMILY
from mindseye.imagine.vae.config import VaeConfig
from mindseye.imagine.vae.model import Vae, build
from mindseye.imagine.vae.objective import draw
from mindseye.learn.about import About, CollectionReference, EncoderReference, Training
from mindseye.learn.batch import Batch, Words
from mindseye.learn.folder import save_model
from mindseye.learn.learner import PictureFormat
from mindseye.observe.text import load_text_encoder
from mindseye.randomness import rng_at


def config(size_px: int = 16, channels: int = 4, **changes: Any) -> VaeConfig:
    return VaeConfig.for_pictures(PictureFormat(size_px, channels), "tiny").model_copy(update=changes)


def model(size_px: int = 16, channels: int = 4, **changes: Any) -> Vae:
    """No parameter is zero, so that everything has an effect without training."""
    made = build(config(size_px, channels, **changes), seed=0)
    with torch.no_grad():
        for index, parameter in enumerate(made.parameters()):
            if parameter.abs().max() == 0:
                noise = rng_at(0, "wake", index).standard_normal(parameter.shape, dtype="float32")
                parameter.copy_(torch.from_numpy(noise) * 0.1)
    return made.eval()


def words(*numbers: int, tokens: int = 5) -> Words:
    """One caption a number, each of `tokens` tokens; with none it has no words."""
    states = np.stack([rng_at(number, "caption").standard_normal((32, 384), dtype="float32") for number in numbers])
    mask = torch.arange(32).expand(len(numbers), -1) < tokens
    return Words(torch.from_numpy(states), mask, torch.from_numpy(states[:, :tokens].sum(1) / max(tokens, 1)))


def pictures(count: int, size_px: int = 16, channels: int = 4) -> torch.Tensor:
    uniform = rng_at(0, "pictures").random((count, channels, size_px, size_px), dtype="float32")
    return torch.from_numpy(uniform) * 2 - 1


def batch(count: int) -> Batch:
    return Batch(pictures(count), words(*range(count)), torch.arange(count))


def draws(of: VaeConfig, count: int) -> dict[str, torch.Tensor]:
    samples = [draw(rng_at(0, "loss", index), of) for index in range(count)]
    return {name: torch.from_numpy(np.stack([sample[name] for sample in samples])) for name in samples[0]}


def folder(path: Path, trained_on: str = "0" * 64, **changes: Any) -> Path:
    """The folder of such a model; of its codes, dimension 1 carries nothing."""
    made = model(**changes)
    made.sigma.fill_(0.5)
    for codes in (made.with_words, made.without_words):
        codes.kl.copy_(torch.tensor([2.0, 0.01, 3.0, 0.5]))
    about = About(
        name="small",
        family="vae",
        config=made.config.model_dump(),
        pixel_art=True,
        text_encoder=EncoderReference(name="all-MiniLM-L6-v2", sha256=load_text_encoder().sha256, token_limit=32),
        collection=CollectionReference(name="test", fingerprint=trained_on, pictures=3, captions=3),
        training=Training(pictures_seen=0, hours=0, machine="a test", seed=0, settings={}),
        versions={},
    )
    save_model(path, FAMILY, made, about, ["cat"], sheet=None)
    return path
