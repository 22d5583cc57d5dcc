"""Binary codes: how they are packed, and how far apart two of them are.

One convention everywhere. A code of K bits, a multiple of 8, is K/8 bytes; its first bit is the highest bit of its
first byte; a bit is 1 where the value that it stands for is at least 0.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int, UInt8
from numpy.typing import NDArray

from mindseye.errors import BadInput

MOST_BITS = 4096


def pack(values: Float[np.ndarray, "code bit"]) -> UInt8[np.ndarray, "code byte"]:
    """The codes of `values`: 1 where a value is at least 0; what is not a number gives 0."""
    return np.packbits(np.asarray(values) >= 0, axis=-1)


def unpack(codes: UInt8[np.ndarray, "code byte"]) -> UInt8[np.ndarray, "code bit"]:
    """The bits of `codes`, each 0 or 1."""
    return np.unpackbits(codes, axis=-1)


def distances(
    queries: UInt8[np.ndarray, "query byte"], codes: UInt8[np.ndarray, "code byte"]
) -> Int[np.ndarray, "query code"]:
    """In how many bits each query differs from each code: the Hamming distance, int32.

    Eight bytes are compared at a time where the width allows it.
    """
    word = np.uint64 if codes.shape[1] % 8 == 0 else np.uint8
    wide = np.ascontiguousarray(codes).view(word)
    out = np.empty((len(queries), len(codes)), np.int32)
    for row, query in enumerate(np.ascontiguousarray(queries).view(word)):  # one at a time: memory for one only
        out[row] = np.bitwise_count(wide ^ query).sum(axis=1, dtype=np.int32)
    return out


def checked_bits(bits: int) -> int:
    """`bits`, if a code can have so many.

    Raises:
        BadInput: it is no multiple of 8, or not 8 to 4096.
    """
    if bits % 8 or not 8 <= bits <= MOST_BITS:
        raise BadInput(
            f"a code cannot have {bits} bits",
            why=f"codes are stored as whole bytes, 8 to {MOST_BITS} bits",
            next_step="use 32, 64, 128 or 256",
        )
    return bits


def checked_codes(codes: NDArray[np.uint8], bits: int) -> UInt8[np.ndarray, "code byte"]:
    """`codes`, if they are packed codes of so many bits.

    Raises:
        BadInput: they have another type or shape.
    """
    if codes.dtype != np.uint8 or codes.ndim != 2 or codes.shape[1] * 8 != bits:
        raise BadInput(
            f"codes of type {codes.dtype} and shape {list(codes.shape)} are not packed codes of {bits} bits",
            why=f"uint8 is needed, [code, {bits // 8}]",
            next_step="encode with the hasher that the index was made with",
        )
    return np.ascontiguousarray(codes)
