"""A file as stripes of ten blocks: eight of data, two of parity; any eight of the ten give the other two.

The parity is Reed and Solomon's (1960) over GF(256) in Rizzo's form (1997), by zfec. It rebuilds blocks that are known
to be missing; that one is wrong, its digest says.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from mindseye.recall.optional import optional

DATA, TOTAL = 8, 10  # blocks of a stripe
SPARE = TOTAL - DATA
BLOCK_BYTES = 2**20  # of a whole stripe; the last one of a file has smaller blocks


@dataclass(frozen=True)
class Stripe:
    """A stretch of a file.

    Attributes:
        offset, length: where it lies, in bytes.
        block_bytes: an eighth of it, rounded up; the last block of data ends in zeros where it falls short.
    """

    offset: int
    length: int

    @property
    def block_bytes(self) -> int:
        return -(-self.length // DATA)

    def blocks(self, data: bytes) -> list[bytes]:
        """The eight blocks of this stripe's bytes."""
        size = self.block_bytes
        padded = data.ljust(DATA * size, b"\0")
        return [padded[at * size : (at + 1) * size] for at in range(DATA)]


def stripes(size: int) -> Iterator[Stripe]:
    """Those of a file of `size` bytes."""
    for offset in range(0, size, DATA * BLOCK_BYTES):
        yield Stripe(offset, min(DATA * BLOCK_BYTES, size - offset))


def parity(blocks: Sequence[bytes]) -> list[bytes]:
    """The two blocks that guard eight.

    Raises:
        Unavailable: zfec is not installed.
    """
    made: list[bytes] = optional("zfec").Encoder(DATA, TOTAL).encode(list(blocks), list(range(DATA, TOTAL)))
    return made


def rebuilt(blocks: Sequence[bytes | None]) -> list[bytes]:
    """All ten blocks from those that are there, of which there are eight at least.

    Raises:
        Unavailable: zfec is not installed.
    """
    there = [(number, block) for number, block in enumerate(blocks) if block is not None][:DATA]
    # zfec wants each block of data that is there at its own place, and parity in the gaps.
    spares = [pair for pair in there if pair[0] >= DATA]
    held = dict(there)
    pairs = [(number, held[number]) if number in held else spares.pop(0) for number in range(DATA)]
    data: list[bytes] = (
        optional("zfec").Decoder(DATA, TOTAL).decode([block for _, block in pairs], [number for number, _ in pairs])
    )
    return [*data, *parity(data)]


def digest(block: bytes) -> str:
    return hashlib.sha256(block).hexdigest()
