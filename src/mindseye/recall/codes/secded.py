"""SECDED: single error correction, double error detection (Hsiao 1970 for the name; Hamming 1950 for the code).

A Hamming code, shortened, with one more bit that makes the number of ones even. The (72, 64) code is what memory with
error correction uses: a word of 64 bits and 8 that guard it. It is here to be read, for teaching only: nothing else in
mindseye calls it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool

from mindseye.recall.codes.hamming import Bits, Hamming, corrected


@dataclass(frozen=True)
class Decoded:
    """What became of each word.

    Attributes:
        data: the data bits; of a word that could not be corrected, as they were received.
        was_corrected: one bit was wrong and is right again.
        failed: an even number of bits is wrong, and which ones cannot be said. Three and more may pass for one, so
            whatever must be right has a checksum as well.
    """

    data: Bits
    was_corrected: Bool[np.ndarray, "word"]
    failed: Bool[np.ndarray, "word"]


class Secded:
    """The extended Hamming code for k data bits: (72, 64), (39, 32), (22, 16), (13, 8), (8, 4).

    Attributes:
        k: bits of data.
        n: bits of a codeword: the data, the check bits, and the parity of all.
    """

    def __init__(self, k: int = 64) -> None:
        r = next(r for r in range(2, 32) if 2**r - 1 - r >= k)
        self.k, self.n = k, k + r + 1
        self._hamming = Hamming(r)
        self._absent = self._hamming.k - k  # data bits that the full code has, always 0 here

    def encode(self, data: Bits) -> Bits:
        """Codewords [word, n] of `data` [word, k]."""
        word = np.delete(self._hamming.encode(self._full(data)), np.s_[self.k : self._hamming.k], axis=1)
        return np.concatenate([word, word.sum(1, keepdims=True, dtype=np.int64).astype(np.uint8) % 2], axis=1)

    def decode(self, received: Bits) -> Decoded:
        """The data of every word that has at most one wrong bit; any two wrong bits are noticed.

        With s the syndrome of the Hamming code and p the parity of all bits: p = 1 is one error, in the parity bit
        itself if s = 0; p = 0 with s != 0 is two.
        """
        full = np.concatenate([self._full(received[:, : self.k]), received[:, self.k : -1]], axis=1)
        syndrome = self._hamming.syndrome(full)
        odd = received.sum(1, dtype=np.int64) % 2 == 1
        place = self._hamming.place(syndrome)
        outside = (place >= self.k) & (place < self._hamming.k)  # a bit that is not there: three or more are wrong
        single = odd & ~outside
        return Decoded(
            data=corrected(full, np.where(single, place, -1))[:, : self.k],
            was_corrected=single,
            failed=(~odd & (syndrome != 0)) | (odd & outside),
        )

    def _full(self, data: Bits) -> Bits:
        return np.pad(data, ((0, 0), (0, self._absent)))
