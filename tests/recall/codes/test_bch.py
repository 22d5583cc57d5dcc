"""BCH codes: parameters from the literature, every error of the small ones, and another implementation of the large."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from mindseye.errors import BadInput
from mindseye.recall.codes.bch import Bch
from mindseye.recall.codes.field import PRIMITIVE, Field


@pytest.mark.parametrize("m", PRIMITIVE)
def test_the_powers_of_one_number_are_all_numbers_but_zero(m: int) -> None:
    field = Field(m)
    assert sorted(field.power) == list(range(1, 2**m))
    for x, y in ((1, 2**m - 1), (2, 3), (2**m - 1, 2**m - 2)):
        assert field.over(field.times(x, y), y) == x


@pytest.mark.parametrize(("m", "t", "k"), [(3, 1, 4), (4, 1, 11), (4, 2, 7), (4, 3, 5), (5, 3, 16), (6, 3, 45),
                                           (6, 4, 39), (7, 10, 64), (8, 18, 131)])  # fmt: skip
def test_codes_are_as_long_as_the_tables_say(m: int, t: int, k: int) -> None:
    assert (Bch(m, t).n, Bch(m, t).k) == (2**m - 1, k)


def test_generators_are_those_of_the_textbook() -> None:
    """Lin and Costello, section 6.1: x^8 + x^7 + x^6 + x^4 + 1, and x^10 + x^8 + x^5 + x^4 + x^2 + x + 1."""
    assert Bch(4, 2).generator == 0b111010001
    assert Bch(4, 3).generator == 0b10100110111


@pytest.mark.parametrize(("m", "t"), [(3, 1), (4, 2), (4, 3)])
def test_every_error_up_to_t_in_every_codeword_is_corrected(m: int, t: int) -> None:
    code = Bch(m, t)
    choices = [places for count in range(t + 1) for places in combinations(range(code.n), count)]
    for number in range(2**code.k):
        data = np.array([int(bit) for bit in f"{number:0{code.k}b}"], np.uint8)
        word = code.encode(data)
        assert np.array_equal(word[: code.k], data)
        for places in choices:
            received = word.copy()
            received[list(places)] ^= 1
            decoded = code.decode(received)
            assert decoded is not None
            assert np.array_equal(decoded, data)


def test_codewords_are_two_t_and_one_apart() -> None:
    code = Bch(4, 2)
    words = np.stack([code.encode(np.array([int(b) for b in f"{n:07b}"], np.uint8)) for n in range(128)])
    weights = words.sum(1)
    assert weights[weights > 0].min() == 5  # linear: the least distance is the least weight


def test_more_errors_are_either_noticed_or_end_in_another_codeword_never_in_none() -> None:
    code = Bch(5, 3)
    rng = np.random.default_rng(0)
    noticed = 0
    for _ in range(200):
        data = rng.integers(0, 2, code.k, dtype=np.uint8)
        received = code.encode(data)
        received[rng.permutation(code.n)[:5]] ^= 1
        decoded = code.decode(received)
        noticed += decoded is None
        if decoded is not None:
            assert not np.array_equal(decoded, data)
            assert (code.encode(decoded) != received).sum() <= 3
    assert noticed > 50


def test_impossible_codes_are_refused() -> None:
    for m, t in ((9, 2), (4, 0), (1, 1)):
        with pytest.raises(BadInput):
            Bch(m, t)


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize(("m", "t"), [(5, 3), (6, 4), (7, 10)])
def test_another_implementation_gives_the_same_codewords_and_corrects_the_same(m: int, t: int) -> None:
    galois = pytest.importorskip("galois")
    code = Bch(m, t)
    peer = galois.BCH(code.n, code.k)
    assert peer.t == t
    rng = np.random.default_rng(0)
    data = rng.integers(0, 2, (20, code.k), dtype=np.uint8)
    words = np.stack([code.encode(row) for row in data])
    assert np.array_equal(words, np.asarray(peer.encode(data)))
    for word in words:
        word[rng.permutation(code.n)[:t]] ^= 1
    assert np.array_equal(np.stack([code.decode(word) for word in words]), np.asarray(peer.decode(words)))
