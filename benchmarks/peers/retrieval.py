"""No imagination at all: the training picture with the nearest caption. Strong on words, and every picture a copy."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from torch.nn import functional as F

import ours
from mindseye.collection.collection import Collection
from peers.trained import Trained


def train(collection: Collection, minutes: float, folder: Path, seed: int, learning_rate: float = 0.0) -> Trained:
    """Reads the captions; see `peers`. Where several captions are equally near, the picture's seed chooses."""
    feed = ours.feed(collection, folder, seed, batch_size=1)
    feed.close()
    captions = F.normalize(feed.features.sentence.float(), dim=1)
    pictures_of: list[list[int]] = [[] for _ in captions]
    for picture, indices in enumerate(feed.pictures.captions):
        for index in indices:
            pictures_of[index].append(picture)

    def draw(prompts: Sequence[str], seeds: Sequence[int]) -> Any:
        cosine = F.normalize(ours.encode(prompts).sentence, dim=1) @ captions.T
        nearest = [pictures_of[row] for row in cosine.argmax(1)]
        chosen = [
            rows[np.random.default_rng(picture_seed).integers(len(rows))]
            for rows, picture_seed in zip(nearest, seeds, strict=True)
        ]
        return feed.pictures.pixels[chosen]

    return Trained(draw)
