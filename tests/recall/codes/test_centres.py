"""Hash centres: as far apart as the theory says."""

from __future__ import annotations

import numpy as np
import pytest

from mindseye.errors import BadInput
from mindseye.recall.bits import distances, pack
from mindseye.recall.codes.centres import class_centres, hadamard, hash_centres


@pytest.mark.parametrize("order", [1, 2, 8, 128])
def test_the_rows_of_a_hadamard_matrix_are_orthogonal(order: int) -> None:
    matrix = hadamard(order).astype(int)
    assert np.array_equal(matrix @ matrix.T, order * np.eye(order, dtype=int))


@pytest.mark.parametrize("bits", [16, 32, 64, 128])
def test_all_centres_are_half_of_their_bits_apart_or_all(bits: int) -> None:
    codes = pack(hash_centres(2 * bits, bits))
    apart = distances(codes, codes)[~np.eye(2 * bits, dtype=bool)]
    assert set(apart.tolist()) == {bits // 2, bits}
    assert (apart == bits).sum() == 2 * bits


def test_a_code_with_less_than_a_quarter_wrong_is_nearest_to_its_own_centre() -> None:
    centres = hash_centres(100, 64)
    rng = np.random.default_rng(0)
    noisy = centres.copy()
    for row in noisy:
        row[rng.permutation(64)[:15]] *= -1
    assert np.array_equal(distances(pack(noisy), pack(centres)).argmin(1), np.arange(100))


def test_what_does_not_exist_is_refused() -> None:
    with pytest.raises(BadInput, match="order 24"):
        hash_centres(3, 24)
    with pytest.raises(BadInput, match="33 centres of 16 bits"):
        hash_centres(33, 16)


def test_centres_for_more_classes_than_hadamard_has_are_hash_centres_first_and_balanced_after() -> None:
    centres = class_centres(40, 16, seed=0)
    assert np.array_equal(centres[:32], hash_centres(32, 16))
    assert (centres[32:].sum(1) == 0).all()
    assert np.array_equal(class_centres(40, 16, seed=0), centres)
    assert not np.array_equal(class_centres(40, 16, seed=1)[32:], centres[32:])
    assert np.array_equal(class_centres(5, 16, seed=0), hash_centres(5, 16))
