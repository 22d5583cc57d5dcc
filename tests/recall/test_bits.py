"""Codes are packed by one convention, and their distances are those of their bits."""

from __future__ import annotations

import numpy as np
import pytest

from mindseye.errors import BadInput
from mindseye.recall.bits import checked_bits, checked_codes, distances, pack, unpack


def test_the_first_bit_is_the_highest_of_the_first_byte_and_zero_counts_as_one() -> None:
    values = np.array([[0.0, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, 2.5]])
    assert pack(values).tolist() == [[0b10000000, 0b00000001]]


def test_negative_zero_is_one_and_what_is_not_a_number_is_zero() -> None:
    assert pack(np.array([[-0.0, np.nan, np.inf, -np.inf, 1, 1, 1, 1]])).tolist() == [[0b10101111]]


def test_what_is_packed_comes_out_again() -> None:
    bits = np.random.default_rng(0).integers(0, 2, (20, 128), dtype=np.uint8)
    assert np.array_equal(unpack(pack(bits - 0.5)), bits)


@pytest.mark.parametrize("bits", [8, 16, 24, 64, 128, 256])
def test_a_distance_is_half_of_what_the_inner_product_of_signs_lacks(bits: int) -> None:
    """d(a, b) = (K - <a, b>) / 2 with bits as -1 and 1."""
    rng = np.random.default_rng(1)
    a, b = rng.standard_normal((5, bits)), rng.standard_normal((7, bits))
    expected = (bits - np.sign(a) @ np.sign(b).T) / 2
    assert np.array_equal(distances(pack(a), pack(b)), expected.astype(int))


def test_nothing_is_far_from_nothing() -> None:
    assert distances(np.empty((0, 8), np.uint8), np.empty((3, 8), np.uint8)).shape == (0, 3)


@pytest.mark.parametrize("bits", [0, 4, 12, 127, 8192, -8])
def test_codes_are_whole_bytes(bits: int) -> None:
    with pytest.raises(BadInput, match=f"{bits} bits"):
        checked_bits(bits)


def test_codes_of_another_width_or_type_are_refused() -> None:
    for wrong in (np.zeros((2, 8), np.uint8), np.zeros((2, 16), np.int64), np.zeros(16, np.uint8)):
        with pytest.raises(BadInput, match="128 bits"):
            checked_codes(wrong, 128)
