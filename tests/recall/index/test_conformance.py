"""One suite for every index: each gives the answers that are read off the bits, ties in the order of ids."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path

import numpy as np
import pytest

from mindseye.errors import BadInput
from mindseye.recall.bits import unpack
from mindseye.recall.index import FaissIndex, HammingIndex, MilvusIndex, NumpyIndex, load_index, save_index

Make = Callable[[int], HammingIndex]
WIDTHS = [64, 128, 256]


@pytest.fixture(params=["numpy", "faiss", "milvus"])
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Make:
    """Makes an empty index of one backend; milvus-lite is installed by its own extra only."""
    if request.param == "numpy":
        return NumpyIndex
    pytest.importorskip("faiss" if request.param == "faiss" else "milvus_lite")
    if request.param == "faiss":
        return FaissIndex
    names = (f"codes{number}" for number in count())
    return lambda bits: MilvusIndex(bits, str(tmp_path / "milvus.db"), next(names))


def codes_with_duplicates(rows: int, bits: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Ids in no order, and codes of which every third is a copy of another."""
    rng = np.random.default_rng(seed)
    codes = rng.integers(0, 256, (rows, bits // 8), dtype=np.uint8)
    codes[::3] = codes[rng.integers(0, rows, len(codes[::3]))]
    return rng.permutation(10 * rows)[:rows], codes


def expected(ids: np.ndarray, codes: np.ndarray, query: np.ndarray) -> list[tuple[int, int]]:
    """(distance, id) of every code, sorted; counted bit by bit."""
    apart = (unpack(codes) != unpack(query[None])).sum(1)
    return sorted(zip(apart.tolist(), ids.tolist(), strict=True))


def found(index: HammingIndex, query: np.ndarray, k: int) -> list[tuple[int, int]]:
    nearest = index.search(query[None], k)
    return list(zip(nearest.distances[0].tolist(), nearest.ids[0].tolist(), strict=True))


def test_ties_by_the_hundred_go_by_id_in_whatever_order_they_came(make: Make) -> None:
    rng = np.random.default_rng(0)
    ids, codes = rng.permutation(2000)[:600], rng.integers(0, 2, (600, 8), dtype=np.uint8)
    codes[:, 1:] = 0  # two different codes in all
    index = make(64)
    for part in np.array_split(np.arange(600), 3):
        index.add(ids[part], codes[part])
    assert index.remove(ids[100:150]) == 50
    kept = np.r_[0:100, 150:600]
    for k in (1, 10, 300, 550):
        assert found(index, codes[0], k) == expected(ids[kept], codes[kept], codes[0])[:k]


@pytest.mark.parametrize("bits", WIDTHS)
def test_the_nearest_are_the_nearest_and_ties_go_by_id(make: Make, bits: int) -> None:
    ids, codes = codes_with_duplicates(300, bits)
    index = make(bits)
    index.add(ids, codes)
    for query in [*codes[:20], *codes_with_duplicates(20, bits, seed=1)[1]]:
        for k in (1, 2, 10, 299, 300):
            assert found(index, query, k) == expected(ids, codes, query)[:k]


def test_a_tie_at_the_last_place_is_settled_by_id_whatever_was_added_first(make: Make) -> None:
    index = make(64)
    index.add(np.array([50, 3, 9, 1, 70]), np.zeros((5, 8), np.uint8))
    index.add(np.array([2]), np.zeros((1, 8), np.uint8))
    for k in range(1, 7):
        assert found(index, np.zeros(8, np.uint8), k) == [(0, i) for i in (1, 2, 3, 9, 50, 70)[:k]]


@pytest.mark.parametrize("bits", WIDTHS)
def test_within_a_radius_is_everything_up_to_and_at_it(make: Make, bits: int) -> None:
    ids, codes = codes_with_duplicates(300, bits)
    index = make(bits)
    index.add(ids, codes)
    for radius in (0, 1, bits // 2, bits):
        for query, within in zip(codes[:10], index.within(codes[:10], radius), strict=True):
            pairs = list(zip(within.distances.tolist(), within.ids.tolist(), strict=True))
            assert pairs == [pair for pair in expected(ids, codes, query) if pair[0] <= radius]


def test_radius_zero_finds_equal_codes_and_a_negative_one_nothing(make: Make) -> None:
    index = make(64)
    codes = np.zeros((3, 8), np.uint8)
    codes[1, 7] = 1
    index.add(np.array([5, 4, 3]), codes)
    assert index.within(codes[:1], 0)[0].ids.tolist() == [3, 5]
    assert index.within(codes[:1], -1)[0].ids.tolist() == []


def test_where_less_is_held_than_asked_for_the_rest_is_marked(make: Make) -> None:
    index = make(64)
    index.add(np.array([7]), np.zeros((1, 8), np.uint8))
    nearest = index.search(np.zeros((2, 8), np.uint8), 3)
    assert nearest.ids.tolist() == [[7, -1, -1]] * 2
    assert nearest.distances.tolist() == [[0, 65, 65]] * 2


def test_an_empty_index_answers_too(make: Make) -> None:
    index = make(64)
    assert len(index) == 0
    assert index.search(np.zeros((1, 8), np.uint8), 2).ids.tolist() == [[-1, -1]]
    assert index.within(np.zeros((1, 8), np.uint8), 64)[0].ids.tolist() == []
    assert index.contents()[1].shape == (0, 8)


def test_what_is_removed_is_found_no_more_and_can_be_added_again(make: Make) -> None:
    ids, codes = codes_with_duplicates(100, 128)
    index = make(128)
    index.add(ids, codes)
    gone = ids[::4]
    assert index.remove(np.concatenate([gone, [10**9]])) == len(gone)
    kept = ~np.isin(ids, gone)
    assert len(index) == kept.sum()
    assert found(index, codes[0], 75) == expected(ids[kept], codes[kept], codes[0])
    index.add(gone, codes[::4])
    assert found(index, codes[0], 100) == expected(ids, codes, codes[0])


@pytest.mark.parametrize("bits", WIDTHS)
def test_a_file_holds_the_index_for_every_backend(make: Make, bits: int, tmp_path: Path) -> None:
    ids, codes = codes_with_duplicates(50, bits)
    index = make(bits)
    index.add(ids, codes)
    save_index(index, tmp_path / "index.safetensors", "v1")
    for backend in (make, NumpyIndex):
        again = load_index(tmp_path / "index.safetensors", "v1", backend)
        assert found(again, codes[3], 50) == expected(ids, codes, codes[3])
        again.add(np.array([10**6]), codes[:1])
        again.remove(ids[:10])
        assert len(again) == 41


def test_many_readers_at_once_get_what_one_gets(make: Make) -> None:
    ids, codes = codes_with_duplicates(500, 128)
    index = make(128)
    index.add(ids, codes)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda row: found(index, codes[row], 20), range(200)))
    assert answers == [expected(ids, codes, codes[row])[:20] for row in range(200)]


@pytest.mark.parametrize("ids", [[1, 1], [-1, 2], [5, 6], [1], [1, 2, 3]])
def test_ids_that_are_negative_taken_repeated_or_too_few_are_refused(make: Make, ids: list[int]) -> None:
    index = make(64)
    index.add(np.array([5]), np.zeros((1, 8), np.uint8))
    with pytest.raises(BadInput):
        index.add(np.array(ids), np.zeros((2, 8), np.uint8))
    assert len(index) == 1


def test_codes_of_another_width_are_refused(make: Make) -> None:
    with pytest.raises(BadInput, match="128 bits"):
        make(128).add(np.array([1]), np.zeros((1, 8), np.uint8))
    with pytest.raises(BadInput, match="128 bits"):
        make(128).search(np.zeros((1, 8), np.uint8), 1)
    with pytest.raises(BadInput, match="0 results"):
        make(64).search(np.zeros((1, 8), np.uint8), 0)
