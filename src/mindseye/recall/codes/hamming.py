"""Hamming codes (Hamming 1950): n = 2^r - 1 bits, of which r check the others; one wrong bit is corrected.

A code has a check matrix H whose columns are the n non-zero words of r bits, each once. A codeword c has H c = 0 over
GF(2); if one bit of it is wrong, H c is that bit's own column, which says where it is. Two wrong bits look like one
elsewhere, and are made three: whoever must notice two needs `secded.py`.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import UInt8

Bits = UInt8[np.ndarray, "word bit"]


class Hamming:
    """Hamming(2^r - 1, 2^r - 1 - r), systematic: the data bits come first, the r check bits after them.

    Attributes:
        n: bits of a codeword.
        k: bits of data in it.
        checks: P, k rows of r bits; the generator is G = [I | P], the check matrix H = [P' | I].
    """

    def __init__(self, r: int) -> None:
        words = np.arange(1, 2**r, dtype=np.uint32)
        heavy = words[np.bitwise_count(words) >= 2]  # those of weight 1 belong to the check bits
        self.n, self.k = 2**r - 1, len(heavy)
        self.checks: Bits = ((heavy[:, None] >> np.arange(r)) & 1).astype(np.uint8)
        self._r = r
        columns = np.concatenate([heavy, 1 << np.arange(r)])
        self._place = np.full(2**r, -1)
        self._place[columns] = np.arange(self.n)

    def encode(self, data: Bits) -> Bits:
        """Codewords [word, n] of `data` [word, k]."""
        return np.concatenate([data, parity(data, self.checks)], axis=1)

    def syndrome(self, received: Bits) -> np.ndarray:
        """H c of each word as a number: 0 for a codeword, else the column of the bit that is wrong, if it is one."""
        bits = parity(received[:, : self.k], self.checks) ^ received[:, self.k :]
        return np.asarray(bits @ (1 << np.arange(self._r)))

    def place(self, syndrome: np.ndarray) -> np.ndarray:
        """Which bit of the codeword has the column `syndrome`; -1 for 0."""
        places: np.ndarray = self._place[syndrome]
        return places

    def decode(self, received: Bits) -> Bits:
        """The data [word, k] of the codeword that differs from `received` in at most one bit: there is always one."""
        return corrected(received, self.place(self.syndrome(received)))[:, : self.k]


def parity(data: Bits, checks: Bits) -> Bits:
    """data P over GF(2)."""
    return np.asarray(data.astype(np.int64) @ checks % 2, np.uint8)


def corrected(received: Bits, place: np.ndarray) -> Bits:
    """`received` with one bit of each word turned, at `place`; none where that is -1."""
    words = received.copy()
    wrong = np.flatnonzero(place >= 0)
    words[wrong, place[wrong]] ^= 1
    return words
