"""mindseye's own diffusion family, through its public names alone."""

from __future__ import annotations

from pathlib import Path

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

    built = next(event for event in run.events.read() if event["event"] == "build")
    return Trained(imaginer.imagine_each, imaginer.about.training.pictures_seen, built["parameters"], learning_rate)
