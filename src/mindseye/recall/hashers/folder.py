"""A hasher on disk: `hasher.json` and `hasher.safetensors`."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from mindseye.errors import BadInput
from mindseye.files import written_aside
from mindseye.recall.hashers.hasher import Encoder, JointHasher, Projection, arrays_of
from mindseye.recall.hashers.towers import Tower

ABOUT, WEIGHTS = "hasher.json", "hasher.safetensors"
ENCODERS: dict[str, type[Projection] | type[Tower]] = {"Projection": Projection, "Tower": Tower}


def save_hasher(hasher: JointHasher, folder: Path) -> None:
    """Writes the hasher's folder, whole or not at all.

    Raises:
        Unavailable: the disk is full or refuses.
    """
    with written_aside(folder) as aside:
        aside.mkdir()
        encoders = {"pictures": hasher.pictures, "words": hasher.words}
        about = {
            "name": hasher.name,
            "bits": hasher.bits,
            "version": hasher.version,
            "encoders": {kind: type(encoder).__name__ for kind, encoder in encoders.items()},
        }
        (aside / ABOUT).write_text(json.dumps(about, indent=1) + "\n", encoding="utf-8")
        weights = {
            f"{kind}.{part}": np.ascontiguousarray(array)
            for kind, encoder in encoders.items()
            for part, array in arrays_of(encoder).items()
        }
        save_file(weights, aside / WEIGHTS)
        (aside / WEIGHTS).chmod(0o644)


def load_hasher(folder: Path) -> JointHasher:
    """The hasher in `folder`.

    Raises:
        BadInput: a file is missing or damaged, or the weights are not those that `hasher.json` names.
    """
    try:
        about = json.loads((folder / ABOUT).read_text(encoding="utf-8"))
        weights = load_file(folder / WEIGHTS)
        encoders = (_encoder(about["encoders"][kind], kind, weights) for kind in ("pictures", "words"))
        hasher = JointHasher(about["name"], *encoders)
        if hasher.version != about["version"]:
            raise ValueError("the weights are of another version")
    except (OSError, ValueError, KeyError, TypeError, SafetensorError) as error:
        raise BadInput(
            f"the hasher in {folder} cannot be opened",
            why=f"{ABOUT} or {WEIGHTS} is missing, damaged or does not fit the other",
            next_step="delete the folder and search again",
        ) from error
    return hasher


def _encoder(kind_of_encoder: str, kind: str, weights: dict[str, NDArray[np.float32]]) -> Encoder:
    parts = {name.split(".", 1)[1]: array for name, array in weights.items() if name.startswith(f"{kind}.")}
    return ENCODERS[kind_of_encoder](**parts)
