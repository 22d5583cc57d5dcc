"""The ledger of a model: which edits there are, which contradict each other, how one is passed on or taken back.

Taking an edit back deletes its file, and nothing else: the model's own files were never written.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

from jaxtyping import Float
from torch import Tensor

from mindseye.errors import BadInput
from mindseye.files import storage_errors, written_aside
from mindseye.imagine.edits import Edit, Layer, check_fits, edit_names, edit_path, edits_folder, read_edit
from mindseye.imagine.imaginer import Imaginer

DISTURBED = 0.7  # an edit that changes what another is about by this much of what that one does is in its way


@dataclass(frozen=True)
class Conflict:
    """Two edits that do not get along.

    Attributes:
        one, other: their names.
        why: in words.
    """

    one: str
    other: str
    why: str

    def __str__(self) -> str:
        return f"{self.one} and {self.other}: {self.why}"


def edits(imaginer: Imaginer) -> list[Edit]:
    """All edits of a model, in or out of force.

    Raises:
        BadInput: one is damaged.
    """
    folder = edits_folder(imaginer.path, imaginer.sha256)
    return [read_edit(edit_path(folder, name)) for name in edit_names(folder)]


def remove(imaginer: Imaginer, name: str) -> Path:
    """Takes an edit back, and gives the path of its file, which is gone.

    Raises:
        BadInput: there is none of this name.
        Unavailable: the disk refuses.
    """
    folder = edits_folder(imaginer.path, imaginer.sha256)
    path = edit_path(folder, name)
    if not path.is_file():
        read_edit(path)  # says which there are
    with storage_errors(path):
        path.unlink()
        if not any(folder.iterdir()):
            folder.rmdir()
    return path


def export(imaginer: Imaginer, name: str, destination: Path) -> Path:
    """Copies an edit's file for someone who has the same model.

    Raises:
        BadInput: there is no such edit, or it is damaged.
        Unavailable: the disk refuses.
    """
    path = edit_path(edits_folder(imaginer.path, imaginer.sha256), name)
    read_edit(path)
    return _copied(path, destination)


def add(imaginer: Imaginer, source: Path) -> Edit:
    """Takes in an edit's file that was made elsewhere for the same weights.

    Raises:
        BadInput: it is damaged, made for other weights, or there is one of its name already.
        Unavailable: the disk refuses.
    """
    edit = read_edit(source)
    check_fits(edit, imaginer.sha256, imaginer.painter.encoder_sha256)
    _copied(source, free_path(imaginer, edit.name))
    return edit


def free_path(imaginer: Imaginer, name: str) -> Path:
    """Where an edit of this name is to lie.

    Raises:
        BadInput: the name cannot be a file's, or is taken.
    """
    path = edit_path(edits_folder(imaginer.path, imaginer.sha256), name)
    if path.exists():
        raise BadInput(
            f"there is an edit {name!r} already",
            next_step=f"choose another name, or take it back first: mindseye correct MODEL --remove {name}",
        )
    return path


def conflicts(every: Sequence[Edit]) -> list[Conflict]:
    """The pairs that contradict each other: that give one source two meanings, or one of which changes what the other
    was made for by 70 % of what that one does, or more."""
    found = []
    for one, other in combinations(every, 2):
        shared = {source.casefold() for source, _ in one.record.pairs} & {
            source.casefold() for source, _ in other.record.pairs
        }
        if shared:
            found.append(Conflict(one.name, other.name, f"both say what {', '.join(map(repr, sorted(shared)))} is"))
            continue
        for first, second in ((one, other), (other, one)):
            part = disturbance(first, second)
            if part >= DISTURBED:
                prompts = ", ".join(repr(source) for source, _ in first.record.pairs)
                why = f"{second.name} changes {prompts}, too, by {part:.0%} of what {first.name} does"
                found.append(Conflict(first.name, second.name, why))
                break
    return found


def disturbance(edit: Edit, other: Edit) -> float:
    """How much `other` changes what the matrices give for the input that `edit` changes most, as a share of how much
    `edit` does: |dW_other k| / |dW_edit k|, over all matrices that both change; 0 where there is none."""
    by_other = by_itself = 0.0
    for matrix in edit.layers.keys() & other.layers.keys():
        keys = edit.layers[matrix].keys.double()
        own = _changes(edit.layers[matrix], keys)
        most = int(own.argmax())  # the word that it is about; marks of begin and end move a little with every edit
        by_itself += float(own[most])
        by_other += float(_changes(other.layers[matrix], keys[most : most + 1])[0])
    return (by_other / by_itself) ** 0.5 if by_itself else 0.0


def _changes(layer: Layer, keys: Float[Tensor, "key in"]) -> Float[Tensor, "key"]:
    """|dW k|^2 for each input."""
    return ((keys @ layer.right.double().T) @ layer.left.double().T).square().sum(1)


def _copied(path: Path, destination: Path) -> Path:
    with written_aside(destination) as aside:
        shutil.copyfile(path, aside)
    return destination
