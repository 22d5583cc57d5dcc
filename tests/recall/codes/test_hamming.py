"""Hamming codes: every word, every error."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from mindseye.recall.codes.hamming import Hamming


def all_words(bits: int) -> np.ndarray:
    return ((np.arange(2**bits)[:, None] >> np.arange(bits)) & 1).astype(np.uint8)


def with_errors(words: np.ndarray, errors: int) -> np.ndarray:
    """Every word with every choice of so many wrong bits, [word x choice, bit]."""
    choices = np.zeros((0, words.shape[1]), np.uint8)
    for places in combinations(range(words.shape[1]), errors):
        row = np.zeros((1, words.shape[1]), np.uint8)
        row[0, list(places)] = 1
        choices = np.concatenate([choices, row])
    return (words[:, None] ^ choices[None]).reshape(-1, words.shape[1])


def test_the_code_of_seven_bits_has_the_weights_that_it_must_have() -> None:
    code = Hamming(3)
    words = code.encode(all_words(4))
    assert (code.n, code.k, len(np.unique(words, axis=0))) == (7, 4, 16)
    assert np.bincount(words.sum(1)).tolist() == [1, 0, 0, 7, 7, 0, 0, 1]
    assert np.array_equal(words[:, :4], all_words(4))  # the data can be read off


def test_every_single_error_is_corrected_and_every_double_error_is_not() -> None:
    code, data = Hamming(3), all_words(4)
    words = code.encode(data)
    assert np.array_equal(code.decode(words), data)
    assert np.array_equal(code.decode(with_errors(words, 1)), np.repeat(data, 7, axis=0))
    wrong = (code.decode(with_errors(words, 2)) != np.repeat(data, 21, axis=0)).any(1)
    assert (wrong.sum(), len(wrong)) == (336, 336)


def test_every_word_of_seven_bits_is_within_one_of_a_codeword() -> None:
    """The code is perfect: 16 balls of 8 words are all 128 words."""
    code, received = Hamming(3), all_words(7)
    assert (code.encode(code.decode(received)) != received).sum(1).max() == 1


@pytest.mark.parametrize("r", [2, 4, 5])
def test_longer_and_shorter_codes_correct_any_single_error_too(r: int) -> None:
    code = Hamming(r)
    assert (code.n, code.k) == (2**r - 1, 2**r - 1 - r)
    data = np.random.default_rng(0).integers(0, 2, (20, code.k), dtype=np.uint8)
    received = with_errors(code.encode(data), 1)
    assert np.array_equal(code.decode(received), np.repeat(data, code.n, axis=0))
