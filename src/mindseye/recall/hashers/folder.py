"""A hasher on disk: `hasher.json` and `hasher.safetensors`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from mindseye.errors import BadInput
from mindseye.files import written_aside
from mindseye.recall.hashers.hasher import Encoder, JointHasher, Projection, arrays_of
from mindseye.recall.hashers.towers import Tower
from mindseye.recall.hashers.vtph import Vtph

ABOUT, WEIGHTS = "hasher.json", "hasher.safetensors"
Arrays = dict[str, NDArray[np.float32]]
ENCODERS: dict[str, type[Projection] | type[Tower]] = {"Projection": Projection, "Tower": Tower}


def save_hasher(hasher: JointHasher | Vtph, folder: Path) -> None:
    """Writes the hasher's folder, whole or not at all.

    Raises:
        Unavailable: the disk is full or refuses.
    """
    settings, weights = hasher.stored() if isinstance(hasher, Vtph) else _stored(hasher)
    about = {"name": hasher.name, "bits": hasher.bits, "version": hasher.version, **settings}
    with written_aside(folder) as aside:
        aside.mkdir()
        (aside / ABOUT).write_text(json.dumps(about, indent=1) + "\n", encoding="utf-8")
        save_file({name: np.ascontiguousarray(array) for name, array in weights.items()}, aside / WEIGHTS)
        (aside / WEIGHTS).chmod(0o644)


def load_hasher(folder: Path) -> JointHasher | Vtph:
    """The hasher in `folder`.

    Raises:
        BadInput: a file is missing or damaged, or the weights are not those that `hasher.json` names.
    """
    try:
        about = json.loads((folder / ABOUT).read_text(encoding="utf-8"))
        weights = load_file(folder / WEIGHTS)
        hasher = _restored(about, weights) if "encoders" in about else Vtph.restored(about, weights)
        if hasher.version != about["version"]:
            raise ValueError("the weights are of another version")
    except (OSError, ValueError, KeyError, TypeError, RuntimeError, SafetensorError) as error:
        raise BadInput(
            f"the hasher in {folder} cannot be opened",
            why=f"{ABOUT} or {WEIGHTS} is missing, damaged or does not fit the other",
            next_step="delete the folder and search again",
        ) from error
    return hasher


def _stored(hasher: JointHasher) -> tuple[dict[str, Any], Arrays]:
    """The kinds of its encoders, and all that they are made of."""
    encoders = {"pictures": hasher.pictures, "words": hasher.words}
    weights = {
        f"{kind}.{part}": array for kind, encoder in encoders.items() for part, array in arrays_of(encoder).items()
    }
    return {"encoders": {kind: type(encoder).__name__ for kind, encoder in encoders.items()}}, weights


def _restored(about: dict[str, Any], weights: Arrays) -> JointHasher:
    pictures, words = (_encoder(about["encoders"][kind], kind, weights) for kind in ("pictures", "words"))
    return JointHasher(about["name"], pictures, words)


def _encoder(kind_of_encoder: str, kind: str, weights: Arrays) -> Encoder:
    parts = {name.split(".", 1)[1]: array for name, array in weights.items() if name.startswith(f"{kind}.")}
    return ENCODERS[kind_of_encoder](**parts)
