"""Hashers of two towers: where they begin, what their objectives want, and that they learn it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from mindseye.errors import BadInput
from mindseye.recall.bits import distances, unpack
from mindseye.recall.codes.centres import class_centres
from mindseye.recall.hashers import (
    FITS,
    Hasher,
    Pairs,
    encode_pictures,
    encode_words,
    fit_cca_itq,
    fit_csq,
    fit_dsph,
    fit_multigrain,
    fit_orthohash,
    fit_ucch,
    load_hasher,
    save_hasher,
)
from mindseye.recall.hashers.csq import targets
from mindseye.recall.hashers.dsph import Dsph, margin
from mindseye.recall.hashers.multigrain import RHO, similarity, updated
from mindseye.recall.hashers.orthohash import OrthoHash
from mindseye.recall.hashers.towers import Settings, fit_towers
from mindseye.recall.hashers.ucch import MARGIN, Ucch, ranking
from mindseye.recall.ranking import average_precision, ranked

Drawn = Callable[..., Pairs]
SHORT = Settings(steps=64, batch=64, units=32)
FIT = {
    "csq": fit_csq,
    "orthohash": fit_orthohash,
    "dsph": fit_dsph,
    "ucch": fit_ucch,
    "multigrain": fit_multigrain,
}


@pytest.fixture(scope="module")
def fitted(labelled: Drawn) -> dict[str, Hasher]:
    return {name: fit(labelled(500), 16, settings=SHORT) for name, fit in FIT.items()}


def found(hasher: Hasher, pairs: Pairs) -> float:
    apart = distances(encode_words(hasher, pairs.words), encode_pictures(hasher, pairs.pictures))
    relevant = pairs.labelled().astype(int) @ pairs.labelled().T > 0
    return float(average_precision(relevant, ranked(apart)).mean())


@pytest.mark.parametrize("name", FIT)
def test_unseen_pictures_are_found_far_above_chance(name: str, fitted: dict[str, Hasher], labelled: Drawn) -> None:
    unseen = labelled(200, seed=1)
    chance = found(FITS["random"](unseen, 16), unseen)
    assert found(fitted[name], unseen) > chance + 0.3


def test_labels_teach_what_matters_where_pictures_and_captions_agree_in_much_else(labelled: Drawn) -> None:
    pairs, unseen = labelled(500, noise=1.5), labelled(200, seed=1, noise=1.5)
    captions_alone = found(fit_cca_itq(pairs, 16), unseen)
    assert found(fit_dsph(pairs, 16, settings=SHORT), unseen) > captions_alone + 0.04
    assert found(FITS["lemon"](pairs, 16), unseen) > captions_alone


@pytest.mark.parametrize("name", FIT)
def test_bits_are_balanced(name: str, fitted: dict[str, Hasher], labelled: Drawn) -> None:
    bits = unpack(encode_pictures(fitted[name], labelled(500).pictures))
    assert abs(bits.mean(0) - 0.5).mean() < 0.2


def test_without_a_step_the_towers_are_cca_itq(labelled: Drawn) -> None:
    pairs = labelled(300)
    begun = fit_towers("none", pairs, 16, lambda own: Ucch(300, 16, 0), Settings(steps=0), seed=3)
    reference = fit_cca_itq(pairs, 16, seed=3)
    assert np.array_equal(encode_pictures(begun, pairs.pictures), encode_pictures(reference, pairs.pictures))
    assert np.array_equal(encode_words(begun, pairs.words), encode_words(reference, pairs.words))


def test_the_seed_is_all_that_a_fit_depends_on_besides_the_pairs(labelled: Drawn) -> None:
    pairs = labelled(100)
    short = Settings(steps=8, batch=32, units=8)
    torch.rand(3)
    one, other, third = (fit_dsph(pairs, 16, seed, short).version for seed in (1, 1, 2))
    assert one == other != third


def test_a_tower_is_saved_and_gives_the_same_codes(tmp_path: Path, fitted: dict[str, Hasher], labelled: Drawn) -> None:
    hasher, pairs = fitted["csq"], labelled(50, seed=2)
    save_hasher(hasher, tmp_path / "hasher")
    again = load_hasher(tmp_path / "hasher")
    assert (again.name, again.version) == ("csq", hasher.version)
    assert np.array_equal(encode_words(again, pairs.words), encode_words(hasher, pairs.words))


@pytest.mark.parametrize("name", ["csq", "orthohash", "dsph"])
def test_supervised_hashers_ask_for_labels(name: str, labelled: Drawn) -> None:
    pairs = labelled(30)
    with pytest.raises(BadInput, match="no labels"):
        FITS[name](Pairs(pairs.pictures, pairs.words, pairs.picture_of), 16)


def test_a_csq_target_is_the_sign_of_the_sum_of_centres() -> None:
    centres = class_centres(5, 16, 0)
    labels = np.array([[1, 0, 0, 0, 0], [1, 1, 0, 0, 0], [1, 1, 1, 0, 0], [0, 0, 0, 0, 0]], bool)
    wanted = targets(labels, 16, 0)
    assert set(np.unique(wanted)) == {-1, 1}
    assert np.array_equal(wanted[0], centres[0])
    agree = centres[0] == centres[1]
    assert np.array_equal(wanted[1][agree], centres[0][agree])
    assert np.array_equal(wanted[2], np.sign(centres[:3].sum(0)))
    assert np.array_equal(wanted[3][~agree], wanted[1][~agree])  # one vector decides wherever centres cancel out


def test_the_margin_is_of_codes_that_the_bound_promises() -> None:
    # 2^4 = 16 = C (1 + K) at d = 2 for C = 3, K = 4: 3 * 5 = 15; a ball of radius 2 would need 33
    assert margin(3, 4) == 1 - 2 * 2 / 4
    assert margin(1, 16) == 0
    assert margin(80, 64) < margin(80, 32) < margin(80, 16)
    assert margin(1600, 32) >= margin(80, 32)


def test_proxies_at_their_rows_and_far_from_others_cost_nothing() -> None:
    labels = np.eye(4, dtype=bool)
    objective = Dsph(labels, 8, 0)
    codes = torch.from_numpy(class_centres(4, 8, 0).astype(np.float32))
    objective.proxies = codes.clone()
    assert float(objective(9 * codes, 9 * codes, torch.arange(4))) == pytest.approx(0, abs=1e-6)
    assert float(objective(9 * codes.roll(1, 0), 9 * codes, torch.arange(4))) > 0.5


def test_orthohash_of_values_that_say_nothing_is_the_logarithm_of_the_classes() -> None:
    objective = OrthoHash(np.eye(4, dtype=bool), class_centres(4, 8, 0).astype(np.float32))
    objective.codes = torch.zeros(4, 8)
    loss = objective(torch.randn(4, 8, generator=torch.Generator()), torch.ones(4, 8), torch.arange(4))
    # logits are -s m at the own class: log(3 + e^-1.6) + 1.6, twice
    assert float(loss) == pytest.approx(2 * (np.log(3 + np.exp(-1.6)) + 1.6), abs=1e-4)


def test_the_ranking_loss_forgives_what_is_no_danger() -> None:
    own = torch.eye(3) * 0.9
    risky = own.clone()
    risky[0, 1] = 0.8
    # all others are below 0.9 - 0.2 and are lowered by 1
    assert float(ranking(own)) == pytest.approx(2 * (MARGIN + np.log(np.exp(0.9) + 2 * np.exp(-1)) - 0.9), abs=1e-5)
    assert float(ranking(risky)) > float(ranking(own))


def test_the_bank_keeps_rows_of_length_one_and_only_those_it_saw_change() -> None:
    objective = Ucch(10, 8, 0)
    before = objective.bank.clone()
    rows = torch.tensor([2, 5])
    objective(torch.ones(2, 8), torch.ones(2, 8), rows)
    assert torch.allclose(objective.bank.norm(dim=1), torch.ones(10))
    changed = (objective.bank != before).any(1)
    assert changed.nonzero().flatten().tolist() == [2, 5]


def test_similarity_is_symmetric_and_moves_only_where_both_are_sure(labelled: Drawn) -> None:
    pairs = labelled(80)
    S = torch.from_numpy(similarity(pairs))
    assert torch.allclose(S, S.T, atol=1e-5)
    assert torch.equal(S.diagonal(), torch.ones(80))
    assert float(S.abs().max()) <= 1
    same = pairs.labelled().astype(int) @ pairs.labelled().T > 0
    np.fill_diagonal(same, False)
    assert S.numpy()[same].mean() > S.numpy()[~same].mean() + 0.1
    toward = torch.sign(S)
    moved = updated(S, toward) - S
    assert torch.equal(updated(S, -S), S)  # never where signs differ
    where = moved.abs() > 0
    assert 0 < float(where.float().mean()) <= 0.12
    assert torch.allclose(moved[where], (RHO * (toward - S))[where], atol=1e-6)
