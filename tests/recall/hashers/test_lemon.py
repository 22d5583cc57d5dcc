"""LEMON: its constraints hold, and what it knows of many chunks is what it would know of one."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from mindseye.errors import BadInput
from mindseye.recall.bits import distances
from mindseye.recall.hashers import Pairs, encode_pictures, encode_words, fit_lemon
from mindseye.recall.hashers.hasher import unit
from mindseye.recall.hashers.lemon import RIDGE, Moments, Sums, chunk_codes, orthogonal
from mindseye.recall.ranking import average_precision, ranked

Drawn = Callable[..., Pairs]


@pytest.mark.parametrize(("rows", "bits", "rank"), [(50, 16, 16), (50, 16, 3), (50, 16, 0), (10, 16, 9)])
def test_the_latent_is_orthogonal_and_balanced_whatever_it_is_made_from(rows: int, bits: int, rank: int) -> None:
    rng = np.random.default_rng(0)
    V = orthogonal(rng.standard_normal((rows, rank)) @ rng.standard_normal((rank, bits)) + 3)
    assert np.allclose(V.sum(0), 0, atol=1e-9)
    if rows > bits:
        assert np.allclose(V.T @ V, rows * np.eye(bits), atol=1e-8)
    else:
        assert np.allclose(np.linalg.svd(V)[1][: rows - 1] ** 2, rows, atol=1e-8)


def test_the_latent_is_the_nearest_of_all_that_are_allowed() -> None:
    """It has the greatest trace(V'Z) under V'V = n I and V'1 = 0."""
    rng = np.random.default_rng(0)
    Z = rng.standard_normal((40, 6))
    best = np.trace(orthogonal(Z).T @ Z)
    assert all(np.trace(orthogonal(rng.standard_normal((40, 6)) + 0.1 * Z).T @ Z) < best for _ in range(50))


def test_regressions_of_many_chunks_are_the_regression_of_all() -> None:
    rng = np.random.default_rng(0)
    x, b, share = (
        rng.standard_normal((90, 7)) + 1,
        np.where(rng.standard_normal((90, 5)) > 0.2, 1.0, -1.0),
        rng.random(90),
    )
    moments = Moments.none(7, 5)
    for part in np.array_split(np.arange(90), 4):
        moments = moments.plus(x[part], b[part], share[part])
    mean, middle = share @ x / share.sum(), share @ b / share.sum()
    covariance = (share[:, None] * (x - mean)).T @ (x - mean) / share.sum()
    ridge = np.eye(7) * RIDGE * np.trace(covariance) / 7
    weight = np.linalg.solve(covariance + ridge, (share[:, None] * (x - mean)).T @ (b - middle) / share.sum())
    assert np.allclose(moments.regression().weight, weight, atol=1e-5)
    assert np.allclose(moments.regression().mean, mean, atol=1e-6)


def test_codes_of_a_chunk_are_alike_where_labels_are(labelled: Drawn) -> None:
    L = labelled(300).labelled().astype(float)
    B, _ = chunk_codes(L, Sums.none(16).for_labels(L.shape[1]), 16, np.random.default_rng(0))
    cosine, alike = B @ B.T / 16, unit(L) @ unit(L).T
    assert cosine[alike > 0.99].mean() > 0.8
    assert cosine[alike == 0].mean() < 0.1


def test_updates_learn_new_labels_and_keep_the_old(labelled: Drawn) -> None:
    """The chunks bring kinds 0 to 5, then 6 to 11; the second has six more columns of labels."""
    pairs, unseen = labelled(1200), labelled(300, seed=1)
    early = ~pairs.labelled()[:, 6:].any(1)
    first = pairs.rows(np.flatnonzero(early))
    first = Pairs(first.pictures, first.words, first.picture_of, first.labelled()[:, :6])
    second = pairs.rows(np.flatnonzero(~early))
    before = fit_lemon(first, 32)
    after = before.update(second)
    assert after.version != before.version
    old, new = (unseen.labelled()[:, part].any(1) for part in (slice(0, 6), slice(6, 12)))
    assert found(after, unseen, new) > found(before, unseen, new) + 0.1
    assert found(after, unseen, old) > found(before, unseen, old) - 0.1
    assert np.array_equal(
        encode_pictures(before, unseen.pictures), encode_pictures(fit_lemon(first, 32), unseen.pictures)
    )


def found(hasher, pairs: Pairs, queries: np.ndarray) -> float:  # type: ignore[no-untyped-def]
    apart = distances(encode_words(hasher, pairs.words[queries]), encode_pictures(hasher, pairs.pictures))
    relevant = pairs.labelled()[queries].astype(int) @ pairs.labelled().T > 0
    return float(average_precision(relevant, ranked(apart)).mean())


def test_pairs_without_labels_are_refused(labelled: Drawn) -> None:
    pairs = labelled(30)
    with pytest.raises(BadInput, match="no labels"):
        fit_lemon(Pairs(pairs.pictures, pairs.words, pairs.picture_of), 16)
