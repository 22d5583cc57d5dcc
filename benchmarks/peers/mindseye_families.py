"""mindseye's own families, through its public names alone, with every default."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import mindseye
from peers.trained import Trained
from record import say


def trains(family: str) -> Callable[..., Trained]:
    """The `train` of a family: "diffusion", or "dfgan", a text-to-picture GAN in one stage (Tao et al. 2022)."""

    def train(
        collection: mindseye.Collection, minutes: float, folder: Path, seed: int, learning_rate: float | None = None
    ) -> Trained:
        """Trains it; see `peers`. Sample sheets and the held-out loss are left out: no peer draws any."""
        settings = {"seed": str(seed), "preview_pictures": "0", "held_out_pictures": "0"}
        if learning_rate is not None:
            settings["learning_rate"] = str(learning_rate)
        run = mindseye.train(family, collection, folder / "run", minutes=minutes, settings=settings, log=say)
        imaginer, plan = mindseye.load(run.model), run.read_plan()
        built = next(event for event in run.events.read() if event["event"] == "build")
        seen, rate = imaginer.about.training.pictures_seen, plan.train["learning_rate"]
        return Trained(imaginer.imagine_each, seen, built["parameters"], rate)

    return train
