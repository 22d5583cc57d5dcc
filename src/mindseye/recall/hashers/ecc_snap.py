"""Codes that are drawn to the nearest word of an error-correcting code, so that near ones may become equal.

In the line of CMH-ECC (2019, arXiv 1902.04139), without its network: the codes are those of CCA-ITQ. What a decoder
says was meant is a bucket, found in one look-up. Two choices:

- Hamming(7, 4) in groups of 7 bits: a perfect code, every word of 7 bits is at most one bit from a codeword.
- BCH over all bits but the last: words further than t bits from every codeword, which are most, stay as they are.

A decoder has borders, too: codes that differ in one bit may be drawn to different codewords, after which they differ in
three or more. So snapping may help where buckets must be equal, and cannot help a ranking of all distances.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np
from jaxtyping import Bool, Float, UInt8

from mindseye.errors import BadInput
from mindseye.recall.codes.bch import Bch
from mindseye.recall.codes.hamming import Hamming
from mindseye.recall.hashers.cca_itq import fit_cca_itq
from mindseye.recall.hashers.hasher import JointHasher, Pairs

Bits = UInt8[np.ndarray, "row bit"]

BCH_OF = {16: (4, 2), 32: (5, 3), 64: (6, 4), 128: (7, 10)}  # bits of a code: m and t


@dataclass(frozen=True)
class Snap:
    """What became of each row.

    Attributes:
        bits: the row with the nearest codewords in place of its words.
        message: what the codewords carry: the name of the bucket.
        failed: no codeword was near enough, and the row is as it was.
    """

    bits: Bits
    message: Bits
    failed: Bool[np.ndarray, "row"]


class Decoder(Protocol):
    """Draws the words in a row of bits to codewords; bits at the end that make up no word are left alone."""

    @property
    def name(self) -> str: ...

    def snap(self, bits: Bits) -> Snap: ...


class HammingGroups:
    """Hamming(7, 4) in groups of 7 bits."""

    name = "ecc_snap"

    def __init__(self) -> None:
        self.code = Hamming(3)

    def snap(self, bits: Bits) -> Snap:
        groups = bits.shape[1] // self.code.n
        width = groups * self.code.n
        data = self.code.decode(bits[:, :width].reshape(-1, self.code.n))
        words = self.code.encode(data).reshape(len(bits), width)
        return Snap(
            np.concatenate([words, bits[:, width:]], axis=1),
            data.reshape(len(bits), groups * self.code.k),
            np.zeros(len(bits), bool),
        )


class BoundedBch:
    """One BCH code over the first 2^m - 1 bits, decoded where a codeword is at most t bits away."""

    name = "ecc_snap_bch"

    def __init__(self, m: int, t: int) -> None:
        self.code = Bch(m, t)

    def snap(self, bits: Bits) -> Snap:
        code, out = self.code, bits.copy()
        message, failed = bits[:, : code.k].copy(), np.zeros(len(bits), bool)
        for row, word in enumerate(bits[:, : code.n]):
            data = code.decode(word)
            failed[row] = data is None
            if data is not None:
                message[row], out[row, : code.n] = data, code.encode(data)
        return Snap(out, message, failed)


@dataclass(frozen=True)
class SnappedHasher:
    """A `Hasher`: the codes of another, drawn to codewords. A value keeps its size and takes the sign of its bit."""

    raw: JointHasher
    decoder: Decoder

    @property
    def name(self) -> str:
        return self.decoder.name

    @property
    def bits(self) -> int:
        return self.raw.bits

    @cached_property
    def version(self) -> str:
        return f"{self.name}-{self.raw.version}"

    def picture_values(self, features: Float[np.ndarray, "picture width"]) -> Float[np.ndarray, "picture bit"]:
        return self._snapped(self.raw.picture_values(features))

    def word_values(self, features: Float[np.ndarray, "caption width"]) -> Float[np.ndarray, "caption bit"]:
        return self._snapped(self.raw.word_values(features))

    def update(self, pairs: Pairs) -> SnappedHasher:
        return SnappedHasher(self.raw.update(pairs), self.decoder)

    def _snapped(self, values: Float[np.ndarray, "row bit"]) -> Float[np.ndarray, "row bit"]:
        bits = self.decoder.snap((values >= 0).astype(np.uint8)).bits
        size = np.maximum(np.abs(values), np.finfo(np.float32).tiny)  # -0 would be at least 0
        return np.asarray(np.where(bits == 1, size, -size), np.float32)


def fit_ecc_snap(pairs: Pairs, bits: int, seed: int = 0) -> SnappedHasher:
    """The hasher with Hamming(7, 4).

    Args:
        pairs: captioned pictures.
        bits: of a code; the last `bits` % 7 are left alone.
        seed: of CCA-ITQ.

    Raises:
        BadInput: as `fit_cca_itq`.
    """
    return SnappedHasher(fit_cca_itq(pairs, bits, seed), HammingGroups())


def fit_ecc_snap_bch(pairs: Pairs, bits: int, seed: int = 0) -> SnappedHasher:
    """The hasher with BCH.

    Args:
        pairs: captioned pictures.
        bits: of a code: 16, 32, 64 or 128; the last is left alone.
        seed: of CCA-ITQ.

    Raises:
        BadInput: there is no BCH code for so many bits; or as `fit_cca_itq`.
    """
    if bits not in BCH_OF:
        raise BadInput(f"there is no BCH code for codes of {bits} bits", next_step=f"use {', '.join(map(str, BCH_OF))}")
    return SnappedHasher(fit_cca_itq(pairs, bits, seed), BoundedBch(*BCH_OF[bits]))
