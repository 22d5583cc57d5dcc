"""A hasher on disk: `hasher.json` and `hasher.safetensors`."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from mindseye.errors import BadInput
from mindseye.files import written_aside
from mindseye.recall.hashers.hasher import LinearHasher, Projection

ABOUT, WEIGHTS = "hasher.json", "hasher.safetensors"


def save_hasher(hasher: LinearHasher, folder: Path) -> None:
    """Writes the hasher's folder, whole or not at all.

    Raises:
        Unavailable: the disk is full or refuses.
    """
    with written_aside(folder) as aside:
        aside.mkdir()
        about = {"name": hasher.name, "bits": hasher.bits, "version": hasher.version}
        (aside / ABOUT).write_text(json.dumps(about, indent=1) + "\n", encoding="utf-8")
        weights = {
            f"{kind}.{part}": np.ascontiguousarray(getattr(projection, part))
            for kind, projection in (("pictures", hasher.pictures), ("words", hasher.words))
            for part in ("mean", "weight")
        }
        save_file(weights, aside / WEIGHTS)
        (aside / WEIGHTS).chmod(0o644)


def load_hasher(folder: Path) -> LinearHasher:
    """The hasher in `folder`.

    Raises:
        BadInput: a file is missing or damaged, or the weights are not those that `hasher.json` names.
    """
    try:
        about = json.loads((folder / ABOUT).read_text(encoding="utf-8"))
        weights = load_file(folder / WEIGHTS)
        hasher = LinearHasher(
            about["name"],
            *(Projection(weights[f"{kind}.mean"], weights[f"{kind}.weight"]) for kind in ("pictures", "words")),
        )
        if hasher.version != about["version"]:
            raise ValueError("the weights are of another version")
    except (OSError, ValueError, KeyError, TypeError, SafetensorError) as error:
        raise BadInput(
            f"the hasher in {folder} cannot be opened",
            why=f"{ABOUT} or {WEIGHTS} is missing, damaged or does not fit the other",
            next_step="delete the folder and search again",
        ) from error
    return hasher
