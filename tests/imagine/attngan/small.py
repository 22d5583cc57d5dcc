"""A tiny AttnGAN, captions and batches for its tests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from mindseye.imagine.attngan import FAMILY, AttnGan, AttnGanConfig
from mindseye.imagine.attngan.model import build
from mindseye.learn.about import About, CollectionReference, EncoderReference, Training
from mindseye.learn.batch import Batch, Words
from mindseye.learn.folder import save_model
from mindseye.learn.learner import Objective, PictureFormat
from mindseye.observe.text import load_text_encoder
from mindseye.randomness import rng_at
from mindseye.train.data import draws_at


def config(size_px: int = 16, channels: int = 4, **fields: Any) -> AttnGanConfig:
    return AttnGanConfig.for_pictures(PictureFormat(size_px, channels), "tiny").model_copy(update=fields)


def model(size_px: int = 16, channels: int = 4, **fields: Any) -> AttnGan:
    return build(config(size_px, channels, **fields), seed=0)


def knowing() -> AttnGan:
    """An untrained model whose batch norms know something."""
    made = model().eval()
    with torch.no_grad():
        for index, (name, buffer) in enumerate(made.named_buffers()):
            if buffer.is_floating_point():
                buffer.copy_(normal(*buffer.shape, seed=index).abs() / 4 + ("var" in name) / 2)
    return made


def folder(path: Path) -> Path:
    """The folder of such a model."""
    made = knowing()
    about = About(
        name=path.name,
        family="attngan",
        config=made.config.model_dump(mode="json"),
        pixel_art=True,
        text_encoder=EncoderReference(name="all-MiniLM-L6-v2", sha256=load_text_encoder().sha256, token_limit=32),
        collection=CollectionReference(name="test", fingerprint="0" * 64, pictures=3, captions=3),
        training=Training(pictures_seen=0, hours=0, machine="a test", seed=0, settings={}),
        versions={},
    )
    save_model(path, FAMILY, made, about, ["cat"], sheet=None)
    return path


def captions(lengths: Sequence[int], tokens: int = 32) -> Words:
    """Captions of so many words each, between their two marks; 0 is an empty one, which has no marks either."""
    counts = torch.tensor([length + 2 if length else 0 for length in lengths])
    mask = torch.arange(tokens) < counts[:, None]
    states = normal(len(lengths), tokens, 384) * mask[..., None]
    return Words(states, mask, states.sum(1) / counts.clamp(min=1)[:, None])


def batch(count: int, size_px: int = 16, channels: int = 4) -> Batch:
    pictures = normal(count, channels, size_px, size_px).clamp(-1, 1)
    return Batch(pictures, captions([3 + row % 3 for row in range(count)]), torch.arange(count))


def draws(objective: Objective, count: int) -> Mapping[str, torch.Tensor]:
    return draws_at(objective, 0, "test", range(count))


def normal(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.from_numpy(rng_at(seed, "test").standard_normal(shape, dtype="float32"))


def named(trained: AttnGan, name: str) -> Objective:
    return next(objective for objective in trained.objectives() if objective.name == name)
