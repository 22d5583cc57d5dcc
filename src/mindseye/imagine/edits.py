"""Edits: corrections of what a model believes. Each is a low-rank layer in a file of its own, W' = W + left right, and
is added to a twin of the model where a request names it. The model itself, in memory and on disk, is never touched.

A word that a model was taught is an edit, too. It changes no matrix but how the word is read, and is always in force:
prompts without it are read as they were.

    edits/NAME.safetensors    in the model's folder; for a model that comes with the package and for a pipeline of the
                              diffusers library, in the person's own data folder, under the digest of the weights

Layers of several edits add up, so their order says nothing. How they are made stands in the room `correct/`.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jaxtyping import Float
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from mindseye.errors import BadInput
from mindseye.files import data_folder, written_aside
from mindseye.learn.folder import ABOUT, EDITS, MODELS
from mindseye.learn.overlay import with_parameters
from mindseye.observe.taught import TaughtWord
from mindseye.observe.text import TextEncoder

KEY = "mindseye"  # of the record in the file's metadata
MODEL, ENCODER = "model", "encoder"  # whose matrix a layer changes
SUFFIX = ".safetensors"
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
TEACHING = "teaching"  # the method of an edit that is a taught word
STRENGTH = "strength"  # among its settings: the share of what was learnt that is in force
CHANGE, SEEN = "word/change", "word/seen"  # its tensors


class EditRecord(BaseModel):
    """What an edit says of itself besides its numbers."""

    model_config = ConfigDict(frozen=True, extra="ignore")  # a later version may say more

    name: str
    method: str = Field(description="TIME, UCE or ReFACT, or teaching")
    pairs: tuple[tuple[str, str], ...] = Field(
        description="source and destination prompts; a taught word, and what stands in for it"
    )
    preserve: tuple[str, ...] = Field((), description="prompts whose meaning was to stay")
    settings: dict[str, float] = Field({}, description="lambda, scales and the like")
    model: str
    model_sha256: str
    encoder_sha256: str = Field(
        description='of the frozen text encoder; "" of a pipeline, whose own are in its weights'
    )
    layers: dict[str, str] = Field(description="changed matrix to the input whose right factor it has")
    share_of_weights: float = Field(description="numbers in those matrices, of all of model and text encoder")
    seconds: float = Field(description="what making it took")
    figures: tuple[dict[str, Any], ...] = Field((), description="before and after")
    mindseye_version: str = ""


@dataclass(frozen=True)
class Layer:
    """The change of one matrix, left @ right.

    Attributes:
        left, right: its two factors.
        keys: the inputs that it was made for; it hardly changes what the matrix makes of inputs unlike them.
    """

    left: Float[Tensor, "out key"]
    right: Float[Tensor, "key in"]
    keys: Float[Tensor, "key in"]

    def added_to(self, weight: Float[Tensor, "out in"]) -> Float[Tensor, "out in"]:
        """In float64, so that layers that are added one after another lose nothing."""
        return weight.double() + self.left.double() @ self.right.double()


@dataclass(frozen=True)
class Lesson:
    """What was learnt of a taught word.

    Attributes:
        change: as in `TaughtWord`, at full strength.
        seen: features of the pictures that it was taught from, by the frozen picture encoder.
    """

    change: Float[Tensor, "token width"]
    seen: Float[Tensor, "picture feature"]


@dataclass(frozen=True)
class Edit:
    """An edit that was read.

    Attributes:
        record: what it says of itself.
        layers: by the matrix that they change, "model/..." or "encoder/..."; of a pipeline by component, "unet/...".
        sha256: of its file.
        lesson: of a taught word; None for a correction.
    """

    record: EditRecord
    layers: Mapping[str, Layer]
    sha256: str
    lesson: Lesson | None = None

    @property
    def word(self) -> TaughtWord | None:
        """The word that it teaches, None for a correction."""
        if self.lesson is None:
            return None
        [(word, stands_in)] = self.record.pairs
        return TaughtWord(word, stands_in, self.lesson.change).at_strength(self.record.settings[STRENGTH])

    def concerns(self, *prompts: str) -> bool:
        """Whether pictures of these prompts are drawn with it: a correction's always are."""
        return self.word is None or any(self.word.is_in(prompt) for prompt in prompts)

    @property
    def name(self) -> str:
        return self.record.name

    @property
    def label(self) -> str:
        """What a picture's story calls it."""
        return f"{self.name}@{self.sha256[:12]}"


def edits_folder(model_folder: Path, model_sha256: str) -> Path:
    """Where the edits of a model lie: in its folder, or in the person's data folder if it came with the package or is a
    pipeline that was made elsewhere, whose files are not ours to add to."""
    if MODELS in model_folder.resolve().parents or not (model_folder / ABOUT).is_file():
        return data_folder() / EDITS / model_sha256[:24]
    return model_folder / EDITS


def edit_path(folder: Path, name: str) -> Path:
    """The file of an edit.

    Raises:
        BadInput: the name cannot be a file's.
    """
    if not NAME.fullmatch(name):
        raise BadInput(
            f"an edit cannot be called {name!r}",
            next_step="use letters, digits, '.', '_' and '-', 64 at most, the first one a letter or digit",
            field="edits",
        )
    return folder / f"{name}{SUFFIX}"


def edit_names(folder: Path) -> list[str]:
    """The edits in a folder, which need not be there."""
    return sorted(path.name.removesuffix(SUFFIX) for path in folder.glob(f"*{SUFFIX}"))


def write_edit(path: Path, record: EditRecord, layers: Mapping[str, Layer], lesson: Lesson | None = None) -> None:
    """Writes an edit's file, whole or not at all; layers with one input share its right factor and keys.

    Raises:
        Unavailable: the disk refuses.
    """
    tensors = {f"{matrix}/left": layer.left.float().contiguous() for matrix, layer in layers.items()}
    for matrix, source in record.layers.items():
        tensors[f"{source}/right"] = layers[matrix].right.float().contiguous()
        tensors[f"{source}/keys"] = layers[matrix].keys.float().contiguous()
    if lesson:
        tensors |= {CHANGE: lesson.change.float().contiguous(), SEEN: lesson.seen.float().contiguous()}
    with written_aside(path) as aside:
        save_file(tensors, aside, {KEY: record.model_dump_json()})
        aside.chmod(0o644)


def read_edit(path: Path) -> Edit:
    """The edit in a file.

    Raises:
        BadInput: there is no such file, or it is damaged.
    """
    if not path.is_file():
        there = edit_names(path.parent)
        raise BadInput(
            f"there is no edit {path.name.removesuffix(SUFFIX)!r}",
            why=f"those of this model are {', '.join(there)}" if there else "this model has none",
            next_step='make one: mindseye correct MODEL --time "a rose" "a blue rose" --name NAME',
            field="edits",
        )
    try:
        with open(path, "rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        with safe_open(path, "pt") as opened:
            record = EditRecord.model_validate_json((opened.metadata() or {})[KEY])
            layers = {
                matrix: Layer(
                    opened.get_tensor(f"{matrix}/left"),
                    opened.get_tensor(f"{source}/right"),
                    opened.get_tensor(f"{source}/keys"),
                )
                for matrix, source in record.layers.items()
            }
            taught = record.method == TEACHING
            lesson = Lesson(opened.get_tensor(CHANGE), opened.get_tensor(SEEN)) if taught else None
    except (OSError, SafetensorError, KeyError, ValidationError, json.JSONDecodeError) as error:
        raise BadInput(
            f"{path.name} is not an edit that can be read", why="it is damaged, or another kind of file",
            next_step="make it again, or copy it again",
        ) from error  # fmt: skip
    return Edit(record, layers, digest, lesson)


def taught_words(model_folder: Path) -> list[Edit]:
    """The words that the model in a folder was taught.

    Raises:
        BadInput: an edit in the folder is damaged.
    """
    folder = model_folder / EDITS
    edits = [read_edit(edit_path(folder, name)) for name in edit_names(folder)]
    return [edit for edit in edits if edit.lesson]


def read_edits(folder: Path, names: Sequence[str], before: Sequence[Edit] = ()) -> tuple[Edit, ...]:
    """The edits of these names, but for taught words that are in force `before`.

    Raises:
        BadInput: there is no such edit, it is damaged, or one is named twice or is in force `before`.
    """
    taught = {edit.name for edit in before if edit.lesson}
    names = [name for name in names if name not in taught]
    every = [*(edit.name for edit in before), *names]
    if twice := sorted({name for name in every if every.count(name) > 1}):
        raise BadInput(f"edits: {', '.join(twice)} is named twice", next_step="name each once", field="edits")
    return tuple(read_edit(edit_path(folder, name)) for name in names)


def check_fits(edit: Edit, model_sha256: str, encoder_sha256: str) -> None:
    """Raises `BadInput` where an edit was made for other weights: added to these it would say something else."""
    for what, made_for, here in (
        ("model", edit.record.model_sha256, model_sha256),
        ("text encoder", edit.record.encoder_sha256, encoder_sha256),
    ):
        if made_for != here:
            raise BadInput(
                f"the edit {edit.name!r} does not fit this model",
                why=f"it was made for a {what} with SHA-256 {made_for[:12]}, this one has {here[:12]}",
                next_step=f"make it again for this one, from the same prompts: {_prompts(edit.record)}",
            )


def with_edits(model: nn.Module, encoder: TextEncoder, edits: Sequence[Edit]) -> tuple[nn.Module, TextEncoder]:
    """A twin of a model and of its text encoder with edits added, in any order the same bytes; what they do not change
    is shared with the originals, which stay as they are.

    Raises:
        BadInput: an edit changes a matrix that is not there.
    """
    parameters = dict(model.named_parameters())

    def own(matrix: str) -> Tensor:
        whose, _, name = matrix.partition("/")
        return parameters[name].detach() if whose == MODEL else encoder.reader.weight(name)

    by_owner: dict[str, dict[str, Tensor]] = {MODEL: {}, ENCODER: {}}
    for matrix, weight in changed_matrices(edits, own).items():
        whose, _, name = matrix.partition("/")
        by_owner[whose][name] = weight.float()
    twin = with_parameters(model, by_owner[MODEL]) if by_owner[MODEL] else model
    encoder = encoder.changed(by_owner[ENCODER]) if by_owner[ENCODER] else encoder
    return twin, encoder.knowing([edit.word for edit in edits if edit.word])


def changed_matrices(edits: Sequence[Edit], own: Callable[[str], Tensor]) -> dict[str, Float[Tensor, "out in"]]:
    """Every matrix that edits change, with all that they add to it; float64, in any order the same bytes.

    Args:
        edits: those in force.
        own: the matrix of a name as it is; raises LookupError or AttributeError where there is none.

    Raises:
        BadInput: an edit changes a matrix that is not there.
    """
    summed: dict[str, Tensor] = {}
    for edit in sorted(edits, key=lambda edit: edit.sha256):
        for matrix, layer in edit.layers.items():
            try:
                before = summed[matrix] if matrix in summed else own(matrix).cpu()
                summed[matrix] = layer.added_to(before)
            except (LookupError, AttributeError, RuntimeError) as error:
                raise BadInput(
                    f"the edit {edit.name!r} does not fit this model", why=f"it changes {matrix}, which is not there",
                    next_step="make it again for this model",
                ) from error  # fmt: skip
    return summed


def _prompts(record: EditRecord) -> str:
    return ", ".join(f'"{source}" "{destination}"' for source, destination in record.pairs)
