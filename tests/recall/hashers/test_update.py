"""Going on learning: what every hasher's update promises, what CCA-ITQ's is, and that towers learn and remember."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.recall.hashers.conftest import drawn

from mindseye.errors import BadInput
from mindseye.recall.bits import distances
from mindseye.recall.codes.centres import class_centres
from mindseye.recall.hashers import (
    FITS,
    SLOW,
    SUPERVISED,
    Hasher,
    Pairs,
    encode_pictures,
    encode_words,
    fit_cca_itq,
    fit_dsph,
    load_hasher,
    save_hasher,
)
from mindseye.recall.hashers.hasher import Projection
from mindseye.recall.hashers.memory import Memory
from mindseye.recall.hashers.towers import Settings
from mindseye.recall.ranking import average_precision, ranked

Drawn = Callable[..., Pairs]
UNTAUGHT = ("random", "sign_projection")
LEARNING = [name for name in FITS if name not in (*UNTAUGHT, *SLOW)]


def found(hasher: Hasher, pairs: Pairs, queries: np.ndarray) -> float:
    """mAP of words to pictures by codes."""
    apart = distances(encode_words(hasher, pairs.words[queries]), encode_pictures(hasher, pairs.pictures))
    relevant = pairs.labelled()[queries].astype(int) @ pairs.labelled().T > 0
    return float(average_precision(relevant, ranked(apart)).mean())


def parts_of(pairs: Pairs) -> tuple[Pairs, Pairs]:
    """Kinds 0 to 5, with their six columns of labels, and the rest with all twelve."""
    early = ~pairs.labelled()[:, 6:].any(1)
    first, second = pairs.rows(np.flatnonzero(early)), pairs.rows(np.flatnonzero(~early))
    return Pairs(first.pictures, first.words, first.picture_of, first.labelled()[:, :6]), second


# Towers are alike but for their losses: one stands for all, and the others are with the slow tests.
OTHER_TOWERS = {"csq", "orthohash", "ucch", "multigrain", "fusion"}


def one_for_all(names: Iterable[str]) -> list[Any]:
    return [pytest.param(name, marks=pytest.mark.slow) if name in OTHER_TOWERS else name for name in names]


@pytest.mark.parametrize("name", one_for_all(LEARNING))
def test_an_update_makes_another_hasher_and_leaves_the_first_as_it_was(name: str, labelled: Drawn) -> None:
    first, second = parts_of(labelled(240))
    before = FITS[name](first, 32)
    version, codes = before.version, encode_pictures(before, second.pictures)
    after, again = before.update(second), before.update(second)
    assert (after.name, after.bits) == (name, 32)
    assert after.version == again.version != version == before.version
    assert np.array_equal(encode_pictures(before, second.pictures), codes)
    assert after.update(second).version != after.version  # it goes on and on


@pytest.mark.parametrize("name", UNTAUGHT)
def test_what_learns_nothing_stays_as_it_is(name: str, labelled: Drawn) -> None:
    hasher = FITS[name](labelled(50), 16)
    assert hasher.update(labelled(30, seed=1)) is hasher


@settings(max_examples=20, deadline=None)
@given(cuts=st.lists(st.integers(2, 198), max_size=4), bits=st.sampled_from([8, 16, 24]))
def test_cca_of_any_chunks_is_that_of_all_pairs_but_for_a_rotation(cuts: list[int], bits: int) -> None:
    pairs = drawn(200)
    chunks = [part for part in np.split(np.arange(200), sorted(set(cuts))) if len(part) > 1]
    seen = pairs.rows(np.concatenate(chunks))
    whole = fit_cca_itq(seen, bits)
    hasher = fit_cca_itq(pairs.rows(chunks[0]), bits)
    for chunk in chunks[1:]:
        hasher = hasher.update(pairs.rows(chunk))
    for one, other in ((hasher.pictures, whole.pictures), (hasher.words, whole.words)):
        assert isinstance(one, Projection) and isinstance(other, Projection)
        assert np.allclose(one.mean, other.mean, atol=1e-6)
        alike = [encoder.weight.astype(float) @ encoder.weight.T.astype(float) for encoder in (one, other)]
        assert np.allclose(*alike, atol=1e-6 * np.abs(alike[1]).max())


def test_cca_itq_changes_few_bits_where_it_learns_nothing_new(labelled: Drawn) -> None:
    pairs, more = labelled(600), labelled(60, seed=1)
    before = fit_cca_itq(pairs, 16)
    codes = encode_pictures(before, pairs.pictures)

    def changed(hasher: Hasher) -> float:
        return float(np.bitwise_count(codes ^ encode_pictures(hasher, pairs.pictures)).sum()) / (8 * codes.size)

    assert changed(before.update(pairs)) == 0  # the same moments
    assert changed(before.update(more)) < 0.1
    assert changed(fit_cca_itq(pairs, 16, seed=1)) > 0.3


@pytest.mark.parametrize("name", one_for_all(["csq", "orthohash", "dsph", "ucch", "multigrain"]))
def test_towers_learn_new_labels_and_keep_the_old(name: str, labelled: Drawn) -> None:
    first, second = parts_of(labelled(600))
    unseen = labelled(200, seed=1)
    before = FITS[name](first, 32)
    after = before.update(second)
    old, new = (unseen.labelled()[:, part].any(1) for part in (slice(0, 6), slice(6, 12)))
    assert found(after, unseen, new) > found(before, unseen, new) + 0.05
    assert found(after, unseen, old) > found(before, unseen, old) - 0.1


def test_centres_of_labels_stay_when_there_are_more() -> None:
    assert np.array_equal(class_centres(40, 16, 3)[:35], class_centres(35, 16, 3))


def test_a_memory_is_a_sample_of_all_that_came(labelled: Drawn) -> None:
    memory = Memory.of(labelled(100), 0).at_most(40)
    for chunk in range(1, 5):
        memory = memory.plus(labelled(100, seed=chunk), 0, chunk).at_most(40)
    assert len(memory.pairs.pictures) == len(memory.drawn) == 40
    shares = [
        (memory.pairs.pictures[:, None] == labelled(100, seed=seed).pictures).all(2).any(1).sum() for seed in range(5)
    ]
    assert sum(shares) == 40
    assert min(shares) >= 2


@pytest.mark.parametrize("name", ["cca_itq", "lemon", "dsph"])
def test_pairs_that_do_not_fit_are_refused(name: str, labelled: Drawn) -> None:
    pairs = labelled(80)
    hasher = FITS[name](pairs, 16)
    with pytest.raises(BadInput, match="do not fit this hasher"):
        hasher.update(Pairs(pairs.words, pairs.pictures, pairs.picture_of, pairs.labels))
    with pytest.raises(BadInput, match="too few"):
        hasher.update(Pairs(pairs.pictures, pairs.words[:3], np.zeros(3, int), pairs.labels))
    if name in SUPERVISED:
        with pytest.raises(BadInput, match="no labels"):
            hasher.update(Pairs(pairs.pictures, pairs.words, pairs.picture_of))
        with pytest.raises(BadInput, match="5 labels do not go on from 12"):
            hasher.update(Pairs(pairs.pictures, pairs.words, pairs.picture_of, pairs.labelled()[:, :5]))


def test_a_hasher_from_disk_says_that_it_cannot_go_on(tmp_path: Path, labelled: Drawn) -> None:
    pairs = labelled(60)
    for hasher in (fit_cca_itq(pairs, 16), fit_dsph(pairs, 16, settings=Settings(steps=2))):
        save_hasher(hasher, tmp_path / hasher.name)
        with pytest.raises(BadInput, match=f"this {hasher.name} cannot go on learning"):
            load_hasher(tmp_path / hasher.name).update(pairs)
