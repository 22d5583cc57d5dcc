"""BCH codes (Hocquenghem 1959; Bose and Ray-Chaudhuri 1960): binary codes that correct any t wrong bits.

A word of n = 2^m - 1 bits is a polynomial over GF(2). A codeword is a multiple of the generator, whose roots are a,
a^2, ..., a^2t in GF(2^m); by the BCH bound any two codewords then differ in at least 2t + 1 bits. (15, 7) corrects 2,
(31, 16) 3, (63, 45) 3, (127, 64) 10, (255, 131) 18.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import UInt8

from mindseye.errors import BadInput
from mindseye.recall.codes.field import PRIMITIVE, Field

Word = UInt8[np.ndarray, "bit"]


class Bch:
    """The code of 2^m - 1 bits that corrects `t` wrong ones, systematic: data first, checks after.

    Attributes:
        n, k: bits of a codeword, and of the data in it.
        t: wrong bits that are corrected.
        generator: g(x) as bits, x^0 the lowest.

    Raises:
        BadInput: there is no such code.
    """

    def __init__(self, m: int, t: int) -> None:
        if m not in PRIMITIVE or t < 1:
            raise BadInput(f"there is no BCH code of 2^{m} - 1 bits for {t} errors", next_step="use m from 2 to 8")
        self._field = Field(m)
        self.n, self.t = self._field.order, t
        self.generator = 1
        for factor in {self._field.minimal_polynomial(exponent) for exponent in range(1, 2 * t + 1)}:
            self.generator = _product(self.generator, factor)
        self.k = self.n - self.generator.bit_length() + 1
        if self.k < 1:
            raise BadInput(f"a word of {self.n} bits cannot have {t} wrong ones corrected", next_step="ask for fewer")

    def encode(self, data: Word) -> Word:
        """The codeword: data(x) x^(n-k) and, after it, what is left of that when it is divided by the generator."""
        shifted = _number(data) << self.n - self.k
        return _bits(shifted ^ _remainder(shifted, self.generator), self.n)

    def decode(self, received: Word) -> Word | None:
        """The data of the codeword that differs from `received` in at most t bits, or None where there is none."""
        degrees = [self.n - 1 - place for place in np.flatnonzero(received).tolist()]
        syndromes = []  # S_j = r(a^j): all zero for a codeword
        for j in range(1, 2 * self.t + 1):
            total = 0
            for degree in degrees:
                total ^= self._field.power[j * degree % self.n]
            syndromes.append(total)
        locator = self._locator(syndromes)
        errors = len(locator) - 1
        # Chien 1964: a^-i is a root of the locator where the bit of degree i is wrong.
        wrong = [degree for degree in range(self.n) if self._field.value(locator, -degree) == 0]
        if errors > self.t or len(wrong) != errors:
            return None
        word = received.copy()
        word[[self.n - 1 - degree for degree in wrong]] ^= 1
        return word[: self.k]

    def _locator(self, syndromes: list[int]) -> list[int]:
        """The error locator: the shortest recurrence that the syndromes obey (Berlekamp 1968; Massey 1969)."""
        field = self._field
        locator, before = [1], [1]
        length, gap, discrepancy_before = 0, 1, 1
        for step, syndrome in enumerate(syndromes):
            discrepancy = syndrome
            for i in range(1, min(length, len(locator) - 1) + 1):
                discrepancy ^= field.times(locator[i], syndromes[step - i])
            if discrepancy == 0:
                gap += 1
                continue
            factor = field.over(discrepancy, discrepancy_before)
            correction = [0] * gap + [field.times(factor, value) for value in before]
            width = max(len(locator), len(correction))
            summed = [
                a ^ b for a, b in zip(_padded(locator, width), _padded(correction, width), strict=True)
            ]  # locator(x) - factor x^gap before(x)
            if 2 * length <= step:
                before, discrepancy_before, length, gap = locator, discrepancy, step + 1 - length, 1
            else:
                gap += 1
            locator = summed
        while locator[-1] == 0:
            locator.pop()
        return locator


def _padded(values: list[int], width: int) -> list[int]:
    return values + [0] * (width - len(values))


def _product(x: int, y: int) -> int:
    """Of two polynomials over GF(2), as bits."""
    total = 0
    while y:
        total ^= x if y & 1 else 0
        x, y = x << 1, y >> 1
    return total


def _remainder(x: int, by: int) -> int:
    while x.bit_length() >= by.bit_length():
        x ^= by << x.bit_length() - by.bit_length()
    return x


def _number(word: Word) -> int:
    return int("".join(map(str, word.tolist())), 2)


def _bits(number: int, n: int) -> Word:
    return np.array([int(bit) for bit in f"{number:0{n}b}"], np.uint8)
