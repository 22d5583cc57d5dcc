"""What a model was trained on, where it is at hand: the run it lies in names it, or it is built in."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from mindseye.collection.builtin import BUILTIN
from mindseye.collection.collection import Collection, is_prepared
from mindseye.collection.opening import open_collection
from mindseye.imagine.imaginer import Imaginer
from mindseye.learn.folder import find_ours, read_about
from mindseye.train.run import RunFolder


def training_collection(imaginer: Imaginer) -> Collection | None:
    """The pictures that a model learnt from; None where they are not at hand, or have changed since."""
    origin = _origin(imaginer.path) if imaginer.about else None
    if imaginer.about is None or origin is None:
        return None
    found = open_collection(origin)
    return found if found.fingerprint == imaginer.about.collection.fingerprint else None


def collections_of(models: Sequence[str]) -> list[str]:
    """The collections that models learnt from, as `open_collection` takes them, each once: those that are at hand.

    Raises:
        BadInput: a model does not say what it is.
    """
    found = [_origin(folder) for folder in map(find_ours, models) if folder]
    return list(dict.fromkeys(origin for origin in found if origin))


def _origin(model: Path) -> str | None:
    plan = RunFolder(model.parent).read_plan()
    if plan is not None and is_prepared(Path(plan.collection_path)):
        return plan.collection_path
    name = read_about(model).collection.name
    return name if name in BUILTIN else None
