"""Figures of rankings, worked out by hand on six items."""

from __future__ import annotations

import numpy as np
import pytest

from mindseye.randomness import rng_at
from mindseye.recall.ranking import average_precision, by_radius, found_within, ranked, reranked

#                            place:  1     2      3      4     5      6
RELEVANT = np.array([[True, False, True, False, False, True]])
ORDER = np.arange(6)[None]


def test_average_precision_of_all_places() -> None:
    # 1/1 at place 1, 2/3 at place 3, 3/6 at place 6
    assert average_precision(RELEVANT, ORDER) == pytest.approx([(1 + 2 / 3 + 3 / 6) / 3])


@pytest.mark.parametrize(
    ("at", "expected"), [(1, 1.0), (2, 1 / 2), (3, (1 + 2 / 3) / 3), (4, (1 + 2 / 3) / 3), (6, (1 + 2 / 3 + 1 / 2) / 3)]
)
def test_average_precision_of_the_first_places_is_over_all_that_could_be_there(at: int, expected: float) -> None:
    assert average_precision(RELEVANT, ORDER, at) == pytest.approx([expected])


def test_a_query_without_anything_relevant_counts_nowhere() -> None:
    values = average_precision(np.array([[False, False], [False, True]]), np.array([[0, 1], [1, 0]]))
    assert np.isnan(values[0])
    assert np.nanmean(values) == 1


def test_recall_at_k_asks_for_one() -> None:
    relevant = np.array([[False, False, True], [True, False, False], [False, False, False]])
    order = np.array([[0, 1, 2]] * 3)
    assert [found_within(relevant, order, k).mean() for k in (1, 2, 3)] == pytest.approx([1 / 3, 1 / 3, 2 / 3])


def test_ties_are_settled_by_one_permutation_that_the_seed_gives() -> None:
    distances = np.array([[1, 0, 1, 1, 0, 1], [0, 0, 0, 0, 0, 0]])
    shuffled = rng_at(5, "ties").permutation(6).tolist()
    order = ranked(distances, seed=5)
    assert order[1].tolist() == shuffled
    nearest = [item for item in shuffled if distances[0, item] == 0]
    assert order[0].tolist() == nearest + [item for item in shuffled if distances[0, item] == 1]
    assert {tuple(ranked(distances, seed)[1]) for seed in range(20)} != {tuple(shuffled)}


def test_without_ties_the_order_of_the_database_changes_nothing() -> None:
    rng = np.random.default_rng(0)
    distances, relevant = rng.random((8, 50)), rng.random((8, 50)) < 0.2
    moved = rng.permutation(50)
    before = average_precision(relevant, ranked(distances))
    assert np.allclose(average_precision(relevant[:, moved], ranked(distances[:, moved])), before)


def test_random_distances_have_the_precision_of_chance() -> None:
    """The expected precision of a random order is the share of relevant items; AP is near it from above."""
    rng = np.random.default_rng(0)
    relevant = rng.random((300, 1000)) < 0.3
    assert average_precision(relevant, ranked(rng.integers(0, 33, (300, 1000)))).mean() == pytest.approx(0.3, abs=0.01)


def test_reranking_orders_the_first_candidates_and_leaves_the_rest() -> None:
    coarse = np.array([[3, 1, 0, 2]])
    fine = np.array([[0.1, 0.5, 0.0, 0.9]])
    assert reranked(coarse, fine, 3).tolist() == [[0, 1, 3, 2]]
    assert reranked(coarse, fine, 4).tolist() == [[2, 0, 1, 3]]


def test_precision_and_recall_by_radius_of_a_hand_made_ball() -> None:
    apart = np.array([[0, 1, 1, 3], [2, 2, 3, 3], [0, 0, 0, 0]])
    relevant = np.array([[True, False, True, False], [False, True, True, False], [False] * 4])
    precision, recall = by_radius(relevant, apart, 3)
    # the third query has nothing to find; the second finds nothing within 0 or 1: an empty ball has precision 0
    assert precision.tolist() == pytest.approx([(1 + 0) / 2, (2 / 3 + 0) / 2, (2 / 3 + 1 / 2) / 2, (2 / 4 + 2 / 4) / 2])
    assert recall.tolist() == pytest.approx([1 / 4, 1 / 2, (1 + 1 / 2) / 2, 1])
