"""Snapping: the nearest codeword by trying them all, and buckets that near codes share."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

import numpy as np
import pytest

from mindseye.errors import BadInput
from mindseye.recall.bits import unpack
from mindseye.recall.hashers import Pairs, encode_pictures, fit_cca_itq, fit_ecc_snap, fit_ecc_snap_bch
from mindseye.recall.hashers.ecc_snap import BCH_OF, BoundedBch, HammingGroups

ALL_OF_7 = np.array(list(product((0, 1), repeat=7)), np.uint8)


def test_every_word_of_seven_bits_goes_to_the_one_codeword_that_is_at_most_a_bit_away() -> None:
    decoder = HammingGroups()
    codewords = decoder.code.encode(np.array(list(product((0, 1), repeat=4)), np.uint8))
    padded = np.concatenate([ALL_OF_7, np.ones((128, 1), np.uint8)], axis=1)
    snap = decoder.snap(padded)
    apart = (ALL_OF_7[:, None] != codewords).sum(2)
    assert (apart.min(1) <= 1).all()
    assert np.array_equal(snap.bits[:, :7], codewords[apart.argmin(1)])
    assert np.array_equal(snap.bits[:, 7], padded[:, 7])
    assert not snap.failed.any()
    sizes = np.unique(snap.message, axis=0, return_counts=True)[1]
    assert sizes.tolist() == [8] * 16  # a perfect code: the balls fill the space


def test_bch_draws_what_is_within_t_bits_and_leaves_the_rest() -> None:
    decoder = BoundedBch(4, 2)
    codewords = np.array([decoder.code.encode(np.array(data, np.uint8)) for data in product((0, 1), repeat=7)])
    rng = np.random.default_rng(0)
    words = rng.integers(0, 2, (1500, 16)).astype(np.uint8)
    snap = decoder.snap(words)
    apart = (words[:, None, :15] != codewords).sum(2)
    near = apart.min(1) <= 2
    assert np.array_equal(snap.failed, ~near)
    assert np.array_equal(snap.bits[near, :15], codewords[apart.argmin(1)][near])
    assert np.array_equal(snap.bits[~near], words[~near])
    assert near.mean() == pytest.approx(121 / 256, abs=0.05)  # 2^7 balls of 1 + 15 + 105 words among 2^15


@pytest.mark.parametrize("bits", BCH_OF)
def test_codes_within_t_bits_of_one_codeword_share_its_bucket(bits: int) -> None:
    decoder = BoundedBch(*BCH_OF[bits])
    code, rng = decoder.code, np.random.default_rng(0)
    assert code.n == bits - 1
    word = code.encode(rng.integers(0, 2, code.k).astype(np.uint8))
    rows = np.tile(np.append(word, 0), (20, 1)).astype(np.uint8)
    for row in rows:
        row[rng.permutation(code.n)[: rng.integers(0, code.t + 1)]] ^= 1
    snap = decoder.snap(rows)
    assert (snap.message == word[: code.k]).all()
    assert not snap.failed.any()


def test_a_snapped_hasher_gives_the_snapped_codes_of_cca_itq(labelled: Callable[..., Pairs]) -> None:
    pairs = labelled(200)
    raw = unpack(encode_pictures(fit_cca_itq(pairs, 16), pairs.pictures))
    for fit, decoder in ((fit_ecc_snap, HammingGroups()), (fit_ecc_snap_bch, BoundedBch(4, 2))):
        hasher = fit(pairs, 16)
        assert np.array_equal(unpack(encode_pictures(hasher, pairs.pictures)), decoder.snap(raw).bits)
        assert hasher.name == decoder.name
    with pytest.raises(BadInput, match="BCH"):
        fit_ecc_snap_bch(pairs, 24)
