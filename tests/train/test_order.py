"""Which sample comes when."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from mindseye.train.order import Order, order_digest

CONCEPTS = ["cat", "cat", "cat", "dog", "sun", "sun"]
CAPTIONS = [2, 1, 3, 4, 1, 2]


@pytest.fixture
def order() -> Order:
    return Order(CONCEPTS, CAPTIONS, seed=7)


def test_an_epoch_shows_every_concept_once(order: Order) -> None:
    for epoch in range(20):
        pictures = order.samples(3 * epoch, 3).pictures
        assert sorted(CONCEPTS[row] for row in pictures) == ["cat", "dog", "sun"]


def test_pictures_of_a_concept_and_captions_of_a_picture_come_equally_often(order: Order) -> None:
    samples = order.samples(0, 3 * 6000)
    pairs = Counter(zip(samples.pictures.tolist(), samples.captions.tolist(), strict=True))
    expected = {
        (row, caption): 6000 / CONCEPTS.count(CONCEPTS[row]) / CAPTIONS[row]
        for row in range(6)
        for caption in range(CAPTIONS[row])
    }
    assert pairs.keys() == expected.keys()
    assert all(abs(pairs[pair] - count) < 5 * np.sqrt(count) for pair, count in expected.items())


def test_the_order_does_not_depend_on_how_it_is_asked_for(order: Order) -> None:
    whole = order.samples(0, 100)
    again = Order(CONCEPTS, CAPTIONS, seed=7)
    pieces = [again.samples(first, 10) for first in reversed(range(0, 100, 10))][::-1]
    assert np.array_equal(whole.pictures, np.concatenate([piece.pictures for piece in pieces]))
    assert np.array_equal(whole.captions, np.concatenate([piece.captions for piece in pieces]))


def test_another_seed_gives_another_order(order: Order) -> None:
    other = Order(CONCEPTS, CAPTIONS, seed=8)
    assert not np.array_equal(order.samples(0, 100).pictures, other.samples(0, 100).pictures)


def test_the_digest_rolls_over_all_samples_in_order(order: Order) -> None:
    first, second = order.samples(0, 8), order.samples(8, 8)
    assert order_digest(order_digest("", first), second) == order_digest(order_digest("", first), second)
    assert order_digest(order_digest("", first), second) != order_digest(order_digest("", second), first)
