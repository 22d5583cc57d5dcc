"""Hashers: what each promises, on features whose structure is known."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from mindseye.errors import BadInput
from mindseye.recall.bits import distances, unpack
from mindseye.recall.hashers import (
    FITS,
    Hasher,
    Pairs,
    encode_pictures,
    encode_words,
    fit_cca_itq,
    fit_random_codes,
    fit_sign_projection,
    load_hasher,
    save_hasher,
)
from mindseye.recall.hashers.cca_itq import canonical_directions, itq_rotation


def pairs_of(count: int, seed: int = 0, noise: float = 0.3, shared: int = 24) -> Pairs:
    """Pictures and captions that are two noisy views, by two fixed matrices, of the same hidden numbers."""
    views = np.random.default_rng(42)
    rng = np.random.default_rng(seed)
    to_pictures, to_words = views.standard_normal((shared, 80)), views.standard_normal((shared, 48))
    hidden = rng.standard_normal((count, shared))
    return Pairs(
        (hidden @ to_pictures + noise * rng.standard_normal((count, 80))).astype(np.float32),
        (hidden @ to_words + noise * rng.standard_normal((count, 48))).astype(np.float32),
        np.arange(count),
        hidden > 1,
    )


def first_places(hasher: Hasher, pairs: Pairs) -> float:
    """The share of captions whose nearest picture, by codes, is their own; ties count as wrong."""
    apart = distances(encode_words(hasher, pairs.words), encode_pictures(hasher, pairs.pictures))
    own = np.diag(apart)
    return float(((apart <= own[:, None]).sum(1) == 1).mean())


@pytest.mark.parametrize("name", FITS)
def test_codes_have_the_width_asked_for_and_are_the_same_alone_or_in_company(name: str) -> None:
    pairs = pairs_of(200)
    hasher = FITS[name](pairs, 32)
    together = encode_pictures(hasher, pairs.pictures)
    assert together.shape == (200, 4)
    assert together.dtype == np.uint8
    assert np.array_equal(encode_pictures(hasher, pairs.pictures[7:8]), together[7:8])


@pytest.mark.parametrize("name", ["random", "sign_projection", "cca_itq", "lemon", "ecc_snap", "ecc_snap_bch"])
def test_the_same_pairs_and_seed_give_the_same_codes(name: str) -> None:
    pairs = pairs_of(200)
    one, other = FITS[name](pairs, 32, 1), FITS[name](pairs, 32, 1)
    assert one.version == other.version
    assert np.array_equal(encode_words(one, pairs.words), encode_words(other, pairs.words))


@pytest.mark.parametrize("name", ["sign_projection", "cca_itq"])
def test_bits_are_balanced(name: str) -> None:
    pairs = pairs_of(2000)
    bits = unpack(encode_pictures(FITS[name](pairs, 32), pairs.pictures))
    assert abs(bits.mean(0) - 0.5).max() < 0.1


def test_cca_itq_finds_pairs_that_it_never_saw_and_the_floors_do_not() -> None:
    seen, unseen = pairs_of(1000), pairs_of(200, seed=1)
    assert first_places(fit_cca_itq(seen, 24), unseen) > 0.6
    assert first_places(fit_sign_projection(seen, 24), unseen) < 0.05
    assert first_places(fit_random_codes(seen, 24), unseen) < 0.05


def test_captions_of_other_pictures_teach_nothing() -> None:
    seen, unseen = pairs_of(1000), pairs_of(200, seed=1)
    shuffled = Pairs(seen.pictures, np.random.default_rng(3).permutation(seen.words), seen.picture_of)
    assert first_places(fit_cca_itq(shuffled, 24), unseen) < 0.05


def test_a_picture_counts_once_however_many_captions_it_has() -> None:
    pairs = pairs_of(300)
    twice = np.concatenate([np.arange(300), np.arange(100)])
    repeated = Pairs(pairs.pictures, pairs.words[twice], twice)
    one, other = fit_cca_itq(pairs, 16), fit_cca_itq(repeated, 16)
    assert np.allclose(one.words.mean, other.words.mean, atol=1e-6)
    assert np.array_equal(encode_pictures(one, pairs.pictures), encode_pictures(other, pairs.pictures))


def test_a_picture_without_a_caption_changes_nothing() -> None:
    pairs = pairs_of(300)
    more = Pairs(np.concatenate([pairs.pictures, pairs.pictures[:5] * 9 + 1]), pairs.words, pairs.picture_of)
    assert fit_cca_itq(more, 16).version == fit_cca_itq(pairs, 16).version


def test_canonical_directions_are_uncorrelated_and_as_correlated_across_as_they_say() -> None:
    rng = np.random.default_rng(0)
    x = rng.standard_normal((5000, 6))
    y = np.concatenate([x[:, :3] + 0.5 * rng.standard_normal((5000, 3)), rng.standard_normal((5000, 2))], axis=1)
    x, y = x - x.mean(0), y - y.mean(0)
    a, b, correlation = canonical_directions(x.T @ x / 5000, y.T @ y / 5000, x.T @ y / 5000, 5)
    assert np.allclose(a.T @ (x.T @ x / 5000) @ a, np.eye(5), atol=1e-9)
    assert np.allclose(b.T @ (y.T @ y / 5000) @ b, np.eye(5), atol=1e-9)
    assert np.allclose(a.T @ (x.T @ y / 5000) @ b, np.diag(correlation), atol=1e-9)
    assert np.allclose(correlation[:3], 1 / np.sqrt(1.25), atol=0.02)  # corr(x, x + 0.5 e)
    assert correlation[3:].max() < 0.06


def test_every_turn_of_itq_brings_the_points_nearer_to_corners_and_only_turns_them() -> None:
    rng = np.random.default_rng(0)
    corners = np.where(rng.standard_normal((500, 6)) >= 0, 1.0, -1.0)
    points = corners @ np.linalg.qr(rng.standard_normal((6, 6)))[0] + 0.1 * rng.standard_normal((500, 6))
    losses = []
    for turns in range(12):
        rotation = itq_rotation(points, seed=0, turns=turns)
        assert np.allclose(rotation @ rotation.T, np.eye(6), atol=1e-9)
        losses.append(np.square(np.where(points @ rotation >= 0, 1, -1) - points @ rotation).sum())
    assert all(after <= before + 1e-9 for before, after in pairwise(losses))
    assert losses[-1] < 0.7 * losses[0]


def test_the_version_changes_with_everything_that_a_code_depends_on() -> None:
    pairs = pairs_of(100)
    versions = {
        fit_cca_itq(pairs, 16).version,
        fit_cca_itq(pairs, 24).version,
        fit_cca_itq(pairs, 16, seed=1).version,
        fit_cca_itq(pairs_of(100, seed=5), 16).version,
        fit_sign_projection(pairs, 16).version,
    }
    assert len(versions) == 5
    assert fit_cca_itq(pairs, 16).version in versions


def test_a_saved_hasher_gives_the_same_codes(tmp_path: Path) -> None:
    pairs = pairs_of(100)
    hasher = fit_cca_itq(pairs, 32)
    save_hasher(hasher, tmp_path / "hasher")
    again = load_hasher(tmp_path / "hasher")
    assert (again.name, again.bits, again.version) == ("cca_itq", 32, hasher.version)
    assert np.array_equal(encode_words(again, pairs.words), encode_words(hasher, pairs.words))


def test_a_damaged_hasher_is_refused(tmp_path: Path) -> None:
    save_hasher(fit_cca_itq(pairs_of(100), 32), tmp_path / "hasher")
    weights = bytearray((tmp_path / "hasher" / "hasher.safetensors").read_bytes())
    weights[-1] ^= 1
    (tmp_path / "hasher" / "hasher.safetensors").write_bytes(weights)
    with pytest.raises(BadInput, match="cannot be opened"):
        load_hasher(tmp_path / "hasher")
    with pytest.raises(BadInput, match="cannot be opened"):
        load_hasher(tmp_path / "absent")


def test_more_bits_than_directions_and_features_of_another_encoder_are_refused() -> None:
    pairs = pairs_of(100)
    with pytest.raises(BadInput, match="56 bits"):
        fit_cca_itq(pairs, 56)
    with pytest.raises(BadInput, match="do not fit this hasher"):
        encode_pictures(fit_cca_itq(pairs, 16), pairs.words)
    with pytest.raises(BadInput, match="too few"):
        fit_cca_itq(Pairs(pairs.pictures, pairs.words[:3], np.zeros(3, int)), 16)
