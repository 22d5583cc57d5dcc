"""The ceiling: held-out real pictures, each for its own caption."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

import ours
from mindseye.collection.collection import Collection
from peers.trained import Trained


def train(collection: Collection, minutes: float, folder: Path, seed: int, learning_rate: float = 0.0) -> Trained:
    """Nothing to train; see `peers`. Where several pictures have a caption, the picture's seed chooses."""
    form = ours.picture_format(collection)
    split = collection.splits["validation"]
    pixels = split.arrays(form.size_px, form.channels, form.pixel_art)
    pictures_of: dict[str, list[int]] = {}
    for picture, captions in enumerate(split.captions):
        for caption in captions:
            pictures_of.setdefault(caption, []).append(picture)

    def draw(prompts: Sequence[str], seeds: Sequence[int]) -> Any:
        chosen = [
            pictures_of[prompt][np.random.default_rng(picture_seed).integers(len(pictures_of[prompt]))]
            for prompt, picture_seed in zip(prompts, seeds, strict=True)
        ]
        return pixels[chosen]

    return Trained(draw)
