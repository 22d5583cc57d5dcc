"""The models of a server, opened once."""

from __future__ import annotations

from collections.abc import Sequence

from mindseye.errors import BadInput
from mindseye.imagine.imaginer import Imaginer, load


def open_models(models: Sequence[str]) -> dict[str, Imaginer]:
    """Opens models by their names or folders, ready to read prompts.

    Raises:
        BadInput: there is no such model, or two have the same name.
    """
    imaginers: dict[str, Imaginer] = {}
    for model in models:
        imaginer = load(model)
        if imaginer.name in imaginers:
            raise BadInput(
                f"two models are called {imaginer.name!r}",
                why="requests name the model that they want",
                next_step="serve one of them, or change the name in its mindseye.json",
            )
        imaginer.painter.tokens("ready")  # opens what reads prompts now, not in the first request
        imaginers[imaginer.name] = imaginer
    return imaginers
