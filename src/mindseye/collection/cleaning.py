"""Which pictures are the same, or nearly the same.

Exactly the same: the SHA-256 of their decoded pixels is equal.

Nearly the same, or mirrored so: either their pixels hardly differ at all, or their structure agrees by PDQ (Facebook's
perceptual hash, 2019: 256 bits from the signs of a picture's low frequencies, up to 31 of which may differ) and their
pixels confirm it. PDQ alone sees no colour and little detail: of 32 px sprites it takes every potion for every other,
of playing cards the six for the eight. So it is asked only about pictures large and structured enough for it, and it
is never believed alone.

"Hardly differ" is measured on the picture in a square of 32 px, RGBA premultiplied: the root mean square of the
difference, 0 to 255, over the area of the picture that is visible, so that a small figure on a wide transparent ground
is not drowned by the ground.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pdqhash
from numpy.typing import NDArray
from PIL import Image

from mindseye.pictures.tensors import fit, on_matte

PDQ_BITS = 31  # of 256 may differ: the threshold PDQ's authors recommend
PDQ_QUALITY = 50  # of 100; below it PDQ's bits are noise (its authors' gate)
PDQ_EDGE_PX = 64  # PDQ works on 64x64 luminances; a smaller picture has less structure than it looks for
SAME_RMS = 4.0  # differs less than the eye sees
CONFIRMING_RMS = 10.0  # re-encoded, resized or a little cropped, where PDQ agrees
GAIN = (0.8, 1.25)  # how much darker or brighter a copy may be, where PDQ agrees

_EDGE = 32
_BLOCK = 1024
_MID_GREY = (128, 128, 128)


@dataclass(frozen=True)
class Looks:
    """What a picture is compared by.

    Attributes:
        digest: SHA-256 of the decoded pixels, hexadecimal.
        pdq: PDQ's 256 bits upright and mirrored, uint64 [2, 4].
        pdq_usable: whether the picture is large and structured enough for them to mean anything.
        small: the picture in a square of 32 px, uint8 [32, 32, 4], premultiplied.
    """

    digest: str
    pdq: NDArray[np.uint64]
    pdq_usable: bool
    small: NDArray[np.uint8]


def looks(image: Image.Image) -> Looks:
    """What an RGB or RGBA picture is compared by; transparent ground is taken as mid-grey by PDQ."""
    digest = hashlib.sha256(f"{image.mode} {image.size}".encode() + image.tobytes()).hexdigest()
    opaque = np.asarray(on_matte(image, _MID_GREY))
    upright, quality = pdqhash.compute(opaque)
    mirrored, _ = pdqhash.compute(np.ascontiguousarray(opaque[:, ::-1]))
    bits = np.packbits(np.array([upright, mirrored], dtype=bool), axis=1).view(np.uint64)
    usable = quality >= PDQ_QUALITY and max(image.size) >= PDQ_EDGE_PX
    small = fit(image, _EDGE, 4, pixel_art=False)
    alpha = small[..., 3:].astype(np.uint16)
    small[..., :3] = (small[..., :3] * alpha + 127) // 255
    return Looks(digest, bits, usable, small)


def near_duplicates(pictures: Sequence[Looks]) -> list[int]:
    """Groups pictures that are nearly the same, or linked by a chain of such.

    Returns:
        for each picture the index of the first one of its group (its own if it is alone).
    """
    parents = list(range(len(pictures)))

    def root(index: int) -> int:
        while parents[index] != index:
            parents[index] = parents[parents[index]]
            index = parents[index]
        return index

    blocks = [_Block(pictures, start) for start in range(0, len(pictures), _BLOCK)]
    for at, rows in enumerate(blocks):
        for columns in blocks[at:]:
            for one, other in np.argwhere(_compare(rows, columns).near):
                first, second = sorted((root(rows.start + int(one)), root(columns.start + int(other))))
                parents[second] = first
    return [root(index) for index in range(len(pictures))]


@dataclass(frozen=True)
class Comparison:
    """Pictures of one list beside pictures of another, upright or mirrored, whichever is nearer.

    Attributes:
        distance: root mean square of the difference over the whole square of 32 px, 0 to 255, float32 [one, other].
        near: whether they are nearly the same, bool [one, other].
    """

    distance: NDArray[np.float32]
    near: NDArray[np.bool_]


class _Block:
    """A run of pictures as matrices; `_BLOCK` at a time, so that memory stays bounded however many there are."""

    def __init__(self, pictures: Sequence[Looks], start: int) -> None:
        part = pictures[start : start + _BLOCK]
        self.start = start
        self.small = np.stack([picture.small for picture in part])
        self.pdq = np.stack([picture.pdq for picture in part])
        self.pdq_usable = np.array([picture.pdq_usable for picture in part])
        self.visible = np.maximum((self.small[..., 3] > 0).sum((1, 2)), 1).astype(np.float32)
        self.colour_square, self.alpha_square = (np.square(rows).sum(1) for rows in self.colour_and_alpha())

    def colour_and_alpha(self, *, mirrored: bool = False) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """The small pictures as rows of numbers, [picture, 3072] and [picture, 1024]."""
        pixels = (self.small[:, :, ::-1] if mirrored else self.small).astype(np.float32)
        return pixels[..., :3].reshape(len(pixels), -1), pixels[..., 3].reshape(len(pixels), -1)


def compare(ones: Sequence[Looks], others: Sequence[Looks]) -> Comparison:
    """Every picture of one list beside every picture of another."""
    distance = np.zeros((len(ones), len(others)), dtype=np.float32)
    near = np.zeros(distance.shape, dtype=bool)
    columns = [_Block(others, start) for start in range(0, len(others), _BLOCK)]
    for rows in (_Block(ones, start) for start in range(0, len(ones), _BLOCK)):
        for column in columns:
            part = _compare(rows, column)
            down, across = part.near.shape
            distance[rows.start : rows.start + down, column.start : column.start + across] = part.distance
            near[rows.start : rows.start + down, column.start : column.start + across] = part.near
    return Comparison(distance, near)


def _compare(rows: _Block, columns: _Block) -> Comparison:
    near = np.zeros((len(rows.small), len(columns.small)), dtype=bool)
    least = np.full(near.shape, np.inf, dtype=np.float32)
    area = 4 * np.maximum(rows.visible[:, None], columns.visible)
    a2, b2 = rows.colour_square[:, None], columns.colour_square
    colour, alpha = rows.colour_and_alpha()
    for side, mirrored in enumerate((False, True)):
        other_colour, other_alpha = columns.colour_and_alpha(mirrored=mirrored)
        ab = colour @ other_colour.T
        difference = rows.alpha_square[:, None] + columns.alpha_square - 2 * (alpha @ other_alpha.T)
        squared = difference + a2 + b2 - 2 * ab
        least = np.minimum(least, squared)
        near |= squared <= SAME_RMS**2 * area
        gain = np.clip(ab / np.maximum(b2, 1), *GAIN)  # the brightness that brings the two nearest to each other
        confirmed = difference + a2 + gain**2 * b2 - 2 * gain * ab <= CONFIRMING_RMS**2 * area
        confirmed &= rows.pdq_usable[:, None] & columns.pdq_usable
        at = np.nonzero(confirmed)
        differing = np.bitwise_count(rows.pdq[at[0], 0] ^ columns.pdq[at[1], side]).sum(1)
        near[at] |= differing <= PDQ_BITS
    return Comparison(np.sqrt(np.maximum(least, 0) / (4 * _EDGE**2)), near)
