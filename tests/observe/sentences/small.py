"""Small models of sentences: untrained ones, and one that has learnt four captions by heart."""

from __future__ import annotations

import math
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch

from mindseye.learn.about import About, CollectionReference, EncoderReference, Training
from mindseye.learn.batch import Batch
from mindseye.learn.folder import save_model
from mindseye.learn.learner import PictureFormat
from mindseye.observe.sentences import LEARNER, SentencesConfig, SentenceVae, Writer
from mindseye.observe.sentences.network import build
from mindseye.observe.sentences.objective import draw, scheduled
from mindseye.observe.sentences.words import Reader
from mindseye.randomness import rng_at

SENTENCES = ("a smiling cat", "a red car", "the green frog sleeps", "a red cat")
WORDS = ("a", "red", "cat", "car", "frog", "green", "sleeps", "smiling", "the")


def config(**changes: Any) -> SentencesConfig:
    made = SentencesConfig.for_pictures(PictureFormat(16, 4), "tiny")
    return made.model_copy(update={"vocabulary": WORDS, "most_words": 6, **changes})


def model(**changes: Any) -> SentenceVae:
    return build(config(**changes), seed=0).eval()


def batch(*sentences: str, of: SentencesConfig) -> Batch:
    words = Reader.of(of).encode_together(sentences)
    return Batch(torch.zeros(len(sentences), 4, 8, 8), words, torch.arange(len(sentences)))


def draws(of: SentencesConfig, count: int, first: int = 0) -> dict[str, torch.Tensor]:
    finished = scheduled(math.inf, of)
    samples = [{**draw(rng_at(0, "loss", first + index), of), **finished} for index in range(count)]
    return {name: torch.from_numpy(np.stack([sample[name] for sample in samples])) for name in samples[0]}


@cache
def learnt(kind: str = "vae") -> SentenceVae:
    """It has seen the four captions 150 times."""
    of = config(kind=kind, word_dropout=0.2, free_nats=8.0)
    made, shown = build(of, seed=0), batch(*SENTENCES, of=of)
    [objective] = made.objectives()
    optimiser = torch.optim.Adam(made.parameters(), lr=2e-2)
    for step in range(150):
        optimiser.zero_grad()
        objective.loss(made, shown, draws(of, len(SENTENCES), 4 * step)).backward()
        optimiser.step()
    LEARNER.finish(made, [shown])
    return made.eval().requires_grad_(False)


def writer(kind: str = "vae") -> Writer:
    return Writer("small", learnt(kind))


def folder(path: Path, kind: str = "vae") -> Path:
    """The folder of the model that has learnt."""
    made = learnt(kind)
    about = About(
        name=path.name,
        family="sentences",
        config=made.config.model_dump(),
        pixel_art=False,
        text_encoder=EncoderReference(name="its own vocabulary", sha256=Reader.of(made.config).sha256, token_limit=7),
        collection=CollectionReference(name="test", fingerprint="0" * 64, pictures=4, captions=4),
        training=Training(pictures_seen=0, hours=0, machine="a test", seed=0, settings={}),
        versions={},
    )
    save_model(path, LEARNER, made, about, ["cat"], sheet=None)
    return path
