"""mindseye's own diffusion family, through its public names alone."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

import mindseye
from peers.trained import Trained
from record import say

LEARNING_RATE = 1e-3  # the default


def train(
    collection: mindseye.Collection, minutes: float, folder: Path, seed: int, learning_rate: float = LEARNING_RATE
) -> Trained:
    """Trains with every default; see `peers`. Sample sheets and the held-out loss are left out: no peer draws any."""
    settings = {
        "seed": str(seed),
        "learning_rate": str(learning_rate),
        "preview_pictures": "0",
        "held_out_pictures": "0",
    }
    run = mindseye.train("diffusion", collection, folder / "run", minutes=minutes, settings=settings, log=say)
    imaginer = mindseye.load(run.model)

    def draw(prompts: Sequence[str], seeds: Sequence[int]) -> Any:
        requests = [mindseye.Request(prompt=prompt, seed=seed) for prompt, seed in zip(prompts, seeds, strict=True)]
        return np.stack([imaginer.imagine(request)[0].pixels for request in requests])

    built = next(event for event in run.events.read() if event["event"] == "build")
    return Trained(draw, imaginer.about.training.pictures_seen, built["parameters"], learning_rate)
