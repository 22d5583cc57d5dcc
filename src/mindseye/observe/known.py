"""The training pictures of a model, small enough to lie beside it: which of them looks most like another picture.

Of each picture's direction d (its features, of length 1) what differs from the mean m of all, x = d - m, is mixed by a
fixed rotation, after which all numbers are alike, and each is kept as -1, 0 or 1: five to a byte, 256 bytes a picture.
Two numbers for each picture make up for it: m.d as it is, and a factor s that makes s t.x = |x|^2 for what is kept, t.
So a copy of a training picture has the cosine 1; others are off by 0.008 on average (docs/imagining.md).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float, Int8, UInt8
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from mindseye.errors import BadInput
from mindseye.files import written_aside
from mindseye.observe.efficientnet import POOLED_WIDTH
from mindseye.observe.pictures import PictureEncoder
from mindseye.pictures.story import NearPicture
from mindseye.randomness import rng_at

KEY = "known"
BLOCK = 256  # numbers that are mixed with one another; five blocks
IN_A_BYTE = 5  # numbers of three values: 3^5 = 243
SMALL = 0.612  # of the root mean square: what is nearer to 0 is kept as 0; the best for numbers that are normal
AT_ONCE = 8192  # pictures compared in one pass


@dataclass(frozen=True)
class KnownPictures:
    """Training pictures as a frozen picture encoder sees them.

    Attributes:
        file_names: of each, as its collection names it.
        collection: fingerprint of that collection.
        encoder: SHA-256 of the encoder's weights.
        mean: m.
        along: m.d of each picture.
        factors: s of each.
        steps: t of each.
    """

    file_names: tuple[str, ...]
    collection: str
    encoder: str
    mean: Float[Tensor, "width"]
    along: Float[Tensor, "picture"]
    factors: Float[Tensor, "picture"]
    steps: Int8[Tensor, "picture width"]

    @classmethod
    def of(
        cls, directions: Float[Tensor, "picture width"], file_names: Sequence[str], collection: str, encoder: str
    ) -> KnownPictures:
        """Of pictures whose features, of length 1, are known.

        Args:
            directions: the features, one picture a row.
            file_names, collection, encoder: as the attributes.
        """
        mean = directions.mean(0)
        mixed = _mixed(directions - mean)
        steps = mixed.sign() * (mixed.abs() > SMALL * mixed.square().mean(1, keepdim=True).sqrt())
        kept = (steps * mixed).sum(1)
        factors = torch.where(kept > 0, mixed.square().sum(1) / kept.clamp(min=1e-12), 0.0)
        return cls(tuple(file_names), collection, encoder, mean, directions @ mean, factors, steps.to(torch.int8))

    def save(self, path: Path) -> None:
        """Writes one file, whole or not at all.

        Raises:
            Unavailable: the disk is full or refuses.
        """
        tensors = {"mean": self.mean, "along": self.along, "factors": self.factors, "steps": _packed(self.steps)}
        about = {"collection": self.collection, "encoder": self.encoder, "file_names": self.file_names}
        with written_aside(path) as aside:
            save_file(tensors, aside, {KEY: json.dumps(about)})  # several texts would come in any order
            aside.chmod(0o644)  # that library makes it readable for its owner only

    @classmethod
    def read(cls, path: Path, collection: str, encoder: str) -> KnownPictures:
        """What was saved, if it is of this collection (a fingerprint), seen by this encoder (a SHA-256).

        Raises:
            BadInput: the file is missing or damaged, or of something else.
        """
        try:
            with safe_open(path, "pt") as file:
                about = json.loads((file.metadata() or {})[KEY])
                mean, along, factors, packed = map(file.get_tensor, ("mean", "along", "factors", "steps"))
            found = cls(
                tuple(about["file_names"]), about["collection"], about["encoder"], mean, along, factors,
                _unpacked(packed),
            )  # fmt: skip
            found._check()
        except (OSError, SafetensorError, KeyError, TypeError, ValueError) as error:
            raise BadInput(
                f"{path.name} is damaged", next_step="make it anew: mindseye imagine PROMPT --nearest"
            ) from error
        if (found.collection, found.encoder) != (collection, encoder):
            raise BadInput(
                f"{path.name} is of other training pictures, or was made by another picture encoder",
                next_step="make it anew: mindseye imagine PROMPT --nearest",
            )
        return found

    def _check(self) -> None:
        count = len(self.file_names)
        shapes = [tuple(each.shape) for each in (self.mean, self.along, self.factors, self.steps)]
        kinds = {each.dtype for each in (self.mean, self.along, self.factors)}
        if shapes != [(POOLED_WIDTH,), (count,), (count,), (count, POOLED_WIDTH)] or kinds != {torch.float32}:
            raise ValueError(f"shapes {shapes}, types {kinds}")
        if not all(isinstance(name, str) for name in self.file_names):
            raise ValueError("a file name is no text")
        if not all(bool(each.isfinite().all()) for each in (self.mean, self.along, self.factors)):
            raise ValueError("not all numbers are finite")

    def nearest(
        self, encoder: PictureEncoder, pixels: UInt8[np.ndarray, "size size channel"], count: int
    ) -> tuple[NearPicture, ...]:
        """The training pictures that look most like a picture, upright or mirrored, the most similar first.

        The picture is seen alone, so the answer depends on nothing else that is drawn.

        Args:
            encoder: the one that saw the training pictures.
            pixels: a square, RGB or RGBA with straight alpha.
            count: how many at most.
        """
        views = np.stack([pixels, pixels[:, ::-1]])
        seen = F.normalize(encoder.encode(views, at_once=1).pooled, dim=1)
        cosines = self.cosines(seen).amax(0).clamp(-1, 1)
        rows = cosines.argsort(descending=True, stable=True)[:count].tolist()
        return tuple(NearPicture(file_name=self.file_names[r], cosine=round(float(cosines[r]), 3)) for r in rows)

    def cosines(self, directions: Float[Tensor, "view width"]) -> Float[Tensor, "view picture"]:
        """About what the cosines of features, of length 1, with those of each training picture are."""
        others = directions - self.mean
        mixed = _mixed(others)
        alike = torch.cat([mixed @ some.float().T for some in self.steps.split(AT_ONCE)], dim=1)
        return self.along + (others @ self.mean)[:, None] + self.factors * alike


def _mixed(rows: Float[Tensor, "row width"]) -> Float[Tensor, "row width"]:
    """Rotated: signs and places are changed by chance, always the same, and a Hadamard matrix mixes each block."""
    rng = rng_at(0, "known pictures")
    signs = torch.from_numpy(rng.choice(np.array([-1, 1], np.float32), rows.shape[1]))
    places = torch.from_numpy(rng.permutation(rows.shape[1]))
    blocks = (rows * signs)[:, places].unflatten(1, (-1, BLOCK))
    return (blocks @ _hadamard(BLOCK)).flatten(1)


def _hadamard(edge: int) -> Float[Tensor, "edge edge"]:
    matrix = torch.ones(1, 1)
    while len(matrix) < edge:
        matrix = torch.cat([torch.cat([matrix, matrix], 1), torch.cat([matrix, -matrix], 1)]) / 2**0.5
    return matrix


def _packed(steps: Int8[Tensor, "picture width"]) -> UInt8[Tensor, "picture byte"]:
    digits = (steps + 1).to(torch.uint8).unflatten(1, (-1, IN_A_BYTE))
    return (digits * _places_of_digits()).sum(2).to(torch.uint8)


def _unpacked(packed: UInt8[Tensor, "picture byte"]) -> Int8[Tensor, "picture width"]:
    digits = torch.arange(256)[:, None] // _places_of_digits() % 3  # of each byte
    return (digits - 1).to(torch.int8)[packed.int()].flatten(1)


def _places_of_digits() -> UInt8[Tensor, "digit"]:
    return torch.tensor([3**place for place in range(IN_A_BYTE)], dtype=torch.uint8)
