"""SECDED: what is corrected, what is noticed, and what is missed, counted."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from mindseye.recall.codes.secded import Secded


def flipped(words: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """Each word with `count` of its bits turned."""
    places = rng.random(words.shape).argsort(1)[:, :count]
    errors = np.zeros_like(words)
    np.put_along_axis(errors, places, 1, axis=1)
    return words ^ errors


@pytest.mark.parametrize(("k", "n"), [(4, 8), (8, 13), (16, 22), (32, 39), (64, 72)])
def test_the_widths_are_those_of_memory(k: int, n: int) -> None:
    assert (Secded(k).n, Secded(k).k) == (n, k)


@pytest.mark.parametrize("k", [4, 8, 64])
def test_every_single_error_is_corrected_and_every_double_error_noticed(k: int) -> None:
    code = Secded(k)
    data = np.random.default_rng(0).integers(0, 2, (1, k), dtype=np.uint8)
    word = code.encode(data)
    whole = code.decode(word)
    assert np.array_equal(whole.data, data)
    assert not whole.was_corrected.any()
    assert not whole.failed.any()
    for count in (1, 2):
        choices = list(combinations(range(code.n), count))
        errors = np.zeros((len(choices), code.n), np.uint8)
        errors[np.arange(len(choices))[:, None], choices] = 1
        decoded = code.decode(word ^ errors)
        assert decoded.was_corrected.all() == (count == 1)
        assert decoded.failed.all() == (count == 2)
        if count == 1:
            assert (decoded.data == data).all()


def test_ten_thousand_random_errors_are_all_corrected_or_noticed_and_three_may_pass() -> None:
    rng = np.random.default_rng(1)
    code = Secded(64)
    data = rng.integers(0, 2, (10_000, 64), dtype=np.uint8)
    words = code.encode(data)
    one, two, three = (code.decode(flipped(words, count, rng)) for count in (1, 2, 3))
    assert one.was_corrected.all()
    assert np.array_equal(one.data, data)
    assert two.failed.all()
    silent = three.was_corrected & (three.data != data).any(1)
    assert 0.4 < silent.mean() < 0.9  # which is why a checksum stands beside it
    assert (silent | three.failed).all()


def test_what_could_not_be_corrected_is_left_as_it_came() -> None:
    code = Secded(8)
    word = code.encode(np.ones((1, 8), np.uint8))
    word[0, :2] ^= 1
    assert code.decode(word).data.tolist() == [[0, 0, 1, 1, 1, 1, 1, 1]]
