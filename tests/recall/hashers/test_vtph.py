"""VTPH: its losses by hand, what its tokens say, and that the text-only arm ignores a caption's own picture."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from math import e, exp, log
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file, save_file
from tests.recall.hashers.test_update import found, parts_of
from torch import Tensor

from mindseye.errors import BadInput
from mindseye.recall.bits import distances
from mindseye.recall.companions import with_companions
from mindseye.recall.hashers import (
    FITS,
    READS,
    Hasher,
    Pairs,
    Vtph,
    encode_pictures,
    encode_words,
    fit_vtph,
    load_hasher,
    save_hasher,
)
from mindseye.recall.hashers.cca_itq import canonical
from mindseye.recall.hashers.memory import joined
from mindseye.recall.hashers.towers import turned_to_bits
from mindseye.recall.hashers.vtph import VtphObjective, VtphSettings
from mindseye.recall.hashers.vtph_losses import affinity, contrast, distillation, likelihood, quantisation, triplet
from mindseye.recall.hashers.vtph_network import VtphNetwork, gathered, positions
from mindseye.recall.hashers.vtph_rows import Layout
from mindseye.recall.ranking import average_precision, ranked

Drawn = Callable[..., Pairs]
LAYOUT = Layout(picture=60, patch=6, word=40, tokens=3)
SHORT = VtphSettings(steps=40, batch=64, width=32)


def with_parts(pairs: Pairs) -> Pairs:
    """Four patches of every picture, and three tokens of every caption, the last of which is missing in every other."""
    rng = np.random.default_rng(5)
    patches = pairs.pictures @ rng.standard_normal((60, 24))
    tokens = np.repeat(pairs.words[:, None], 3, axis=1) + rng.standard_normal((len(pairs.words), 3, 40))
    tokens[::2, 2] = 0
    return Pairs(
        np.concatenate([pairs.pictures, patches], axis=1).astype(np.float16),
        np.concatenate([pairs.words, tokens.reshape(len(tokens), -1)], axis=1).astype(np.float16),
        pairs.picture_of,
        pairs.labels,
    )


@pytest.fixture(scope="module")
def splits(labelled: Drawn) -> dict[str, Pairs]:
    return {"train": with_parts(labelled(200)), "test": with_parts(labelled(60, seed=1))}


@pytest.fixture(scope="module")
def completed(splits: dict[str, Pairs]) -> dict[str, Pairs]:
    return with_companions(splits, LAYOUT)


@pytest.fixture(scope="module")
def fitted(completed: dict[str, Pairs]) -> Hasher:
    return fit_vtph(completed["train"], 16, settings=SHORT, layout=LAYOUT)


def rows(*values: list[float]) -> Tensor:
    return torch.tensor(values)


def test_the_likelihood_is_that_of_sharing_a_label() -> None:
    A, B, S = rows([1, 1]), rows([1, -1], [1, 1]), rows([0, 1])  # s: 0 and 1
    assert likelihood(S, A, B).item() == pytest.approx((log(2) + log(1 + e) - 1) / 2)
    assert likelihood(rows([0]), rows([100.0]), rows([100.0])).item() == pytest.approx(32, abs=1e-4)  # clamped


def test_values_are_drawn_to_one_sign_which_parts_decide_where_wholes_cancel_out() -> None:
    one = rows([1, -1])
    assert quantisation(one, one, torch.zeros(1, 2), one).item() == pytest.approx(0.25)  # H_x is (1/2, -1/2)
    parts = rows([-0.5])
    assert quantisation(rows([1.0]), rows([-1.0]), parts, parts).item() == pytest.approx(1.25**2 + 0.25**2)


def test_affinity_is_the_divergence_of_two_captions_and_softens_the_contrast_of_a_pair() -> None:
    p, q = rows([log(3), 0]), rows([0.0, 0])  # (3/4, 1/4) and (1/2, 1/2)
    both = 0.75 * log(1.5) + 0.25 * log(0.5) + 0.5 * log(2 / 3) + 0.5 * log(2)
    assert affinity(p, q).item() == pytest.approx(both / 2 / 2)
    assert affinity(p, p).item() == pytest.approx(0)
    apart = torch.eye(2)
    assert contrast(apart, 5 * apart, torch.zeros(2)).item() == pytest.approx(log(1 + exp(-1 / 0.07)), abs=1e-7)
    softer = torch.full((2,), 0.93 / 500)  # tau = 1
    assert contrast(apart, apart, softer).item() == pytest.approx(log(1 + exp(-1)))


def test_parts_learn_from_the_whole_ten_times_as_much_as_it_from_them() -> None:
    whole, parts = rows([1.0, 0]).requires_grad_(), rows([0.0, 0]).requires_grad_()
    loss = distillation(whole, parts)
    loss.backward()
    assert loss.item() == pytest.approx(1.1)
    assert parts.grad is not None and whole.grad is not None
    assert parts.grad.tolist() == [[-2, 0]]
    assert whole.grad.tolist() == [[pytest.approx(0.2), 0]]


def test_the_triplet_counts_every_caption_that_is_no_further_from_anothers() -> None:
    own = torch.eye(2)
    assert triplet(own, 3 * own).item() == pytest.approx(0)  # the margin is just kept
    assert triplet(own, own.flip(0)).item() == pytest.approx(2 * 2 * 2)  # 1 + 1 - 0, two rows, two directions


def test_a_bit_gathers_the_tokens_that_speak_of_it() -> None:
    tokens, there = rows([1.0, 0], [0, 1], [5, 5])[None], torch.tensor([[True, True, False]])
    scores = rows([0.5, 0.2, -0.1], [0.5, -0.3, -0.1], [0.9, 0.9, 0.9])[None]
    assert torch.allclose(gathered(tokens, scores, there), rows([0.5, 0.5], [1, 0], [0, 0])[None])
    many = torch.arange(1, 11).float()[None, None] / 10  # of ten bits the eight highest count
    spoken = gathered(torch.ones(1, 1, 1), many, torch.ones(1, 1, dtype=torch.bool))
    assert spoken.flatten().tolist() == [0] * 2 + [1] * 8
    assert torch.allclose(positions(3, 4)[0], torch.tensor([0.0, 1, 0, 1]))


def test_a_gradient_reaches_everything_that_is_trained(completed: dict[str, Pairs], splits: dict[str, Pairs]) -> None:
    train = completed["train"].rows(np.arange(32))
    looks, said = LAYOUT.looks(train.pictures.astype(np.float32)), LAYOUT.said(train.words.astype(np.float32))
    found = canonical(Pairs(looks.whole.numpy(), said.whole.numpy(), train.picture_of), 32)
    network = VtphNetwork(found, turned_to_bits(found, 16, 0), LAYOUT.patch, heads=4, layers=1)
    labels = torch.from_numpy(train.labelled()).float()
    VtphObjective(network, 32, 16)(looks, said, torch.arange(32), (labels @ labels.T > 0).float()).backward()
    without = [n for n, p in network.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0]
    assert not without


def test_unseen_pictures_are_found_far_above_chance(fitted: Hasher, completed: dict[str, Pairs]) -> None:
    unseen = completed["test"]
    relevant = unseen.labelled().astype(int) @ unseen.labelled().T > 0

    def found(hasher: Hasher) -> float:
        apart = distances(encode_words(hasher, unseen.words), encode_pictures(hasher, unseen.pictures))
        return float(average_precision(relevant, ranked(apart)).mean())

    assert found(fitted) > found(FITS["random"](unseen, 16)) + 0.3


def test_what_a_captions_own_picture_shows_changes_nothing_in_the_text_only_arm(
    fitted: Hasher, splits: dict[str, Pairs], completed: dict[str, Pairs]
) -> None:
    train = splits["train"]
    published = with_companions(splits, LAYOUT, paired=True)["train"].words
    for picture in range(0, 200, 20):
        other = train.pictures.copy()
        other[picture] = -other[(picture + 7) % 200]
        changed = splits | {"train": replace(train, pictures=other)}
        row = train.picture_of == picture
        again = with_companions(changed, LAYOUT)["train"].words
        assert again[row].tobytes() == completed["train"].words[row].tobytes()
        assert np.array_equal(fitted.word_values(again[row]), fitted.word_values(completed["train"].words[row]))
        assert with_companions(changed, LAYOUT, paired=True)["train"].words[row].tobytes() != published[row].tobytes()


def test_a_companion_is_of_the_nearest_caption_and_what_is_told_of_it_is_of_the_picture_that_looks_nearest() -> None:
    layout = Layout(picture=2, patch=1, word=2, tokens=1)
    angles = np.array([0, 10, 25, 90]) / 57.3  # of pictures: 1 is nearest to 0, then 2
    said = np.array([0, 60, 5, 90]) / 57.3  # of captions: 2 is nearest to 0
    looks, words = (np.stack([np.cos(turn), np.sin(turn)], axis=1) for turn in (angles, said))
    train = Pairs(looks, np.concatenate([words, words], axis=1), np.arange(4))
    query = Pairs(looks[:1], np.concatenate([words, words], axis=1)[1:2], np.array([0]))
    for paired, beside, told in ((False, 2, 1), (True, 0, 1)):
        of = with_companions({"train": train, "test": query}, layout, paired=paired)
        row = layout.said(of["train"].words)
        assert np.allclose(row.look[0].numpy(), looks[beside])
        assert np.allclose(row.told[0].numpy(), words[told])
        asked = layout.said(of["test"].words)  # a query is beside what its words find, in both arms
        assert np.allclose(asked.look[0].numpy(), looks[1])
        assert np.allclose(asked.told[0].numpy(), words[0])


def test_what_is_not_there_does_not_count(fitted: Hasher, completed: dict[str, Pairs]) -> None:
    some = completed["test"].words[:2].copy()  # the first one's last token is zeros, the second's is not
    other = some.copy()
    other[:, 3 * 40 : 4 * 40] = 0
    before, after = fitted.word_values(some), fitted.word_values(other)
    assert np.array_equal(before[0], after[0])
    assert not np.array_equal(before[1], after[1])


def test_the_seed_is_all_that_a_fit_depends_on_besides_the_pairs(completed: dict[str, Pairs]) -> None:
    brief = replace(SHORT, steps=2, batch=32)
    state = torch.random.get_rng_state()
    one, other, third = (fit_vtph(completed["train"], 16, seed, brief, LAYOUT).version for seed in (1, 1, 2))
    assert one == other != third
    assert torch.equal(torch.random.get_rng_state(), state)


def test_the_arm_without_pictures_in_texts_is_the_one_that_is_called_vtph() -> None:
    assert (READS["vtph"], READS["vtph_published"]) == ("companions", "own pictures")


def test_it_is_written_and_read_with_the_same_codes(
    fitted: Hasher, completed: dict[str, Pairs], tmp_path: Path
) -> None:
    assert isinstance(fitted, Vtph)
    save_hasher(fitted, tmp_path / "hasher")
    state = torch.random.get_rng_state()
    again = load_hasher(tmp_path / "hasher")
    assert torch.equal(torch.random.get_rng_state(), state)
    assert (again.name, again.bits, again.version) == ("vtph", 16, fitted.version)
    unseen = completed["test"]
    assert np.array_equal(again.word_values(unseen.words), fitted.word_values(unseen.words))
    assert np.array_equal(again.picture_values(unseen.pictures), fitted.picture_values(unseen.pictures))


@pytest.mark.parametrize("damage", ["a bit", "heads", "no heads", "layout", "a weight"])
def test_a_damaged_one_is_refused(fitted: Hasher, tmp_path: Path, damage: str) -> None:
    assert isinstance(fitted, Vtph)
    save_hasher(fitted, tmp_path / "hasher")
    about, weights = tmp_path / "hasher" / "hasher.json", tmp_path / "hasher" / "hasher.safetensors"
    said = json.loads(about.read_text())
    if damage == "a bit":
        data = bytearray(weights.read_bytes())
        data[-1] ^= 1
        weights.write_bytes(data)
    elif damage == "a weight":
        save_file({name: array for name, array in load_file(weights).items() if name != "vap.weight"}, weights)
    else:
        change = {"heads": {"heads": 5}, "no heads": {"heads": 0}, "layout": {"layout": {"picture": 1, "more": 2}}}
        about.write_text(json.dumps(said | change[damage]))
    with pytest.raises(BadInput, match="cannot be opened"):
        load_hasher(tmp_path / "hasher")


def test_rows_that_it_cannot_read_are_refused(fitted: Hasher, splits: dict[str, Pairs], labelled: Drawn) -> None:
    train = splits["train"]
    with pytest.raises(BadInput, match="companion"):
        fit_vtph(train, 16, layout=LAYOUT)
    with pytest.raises(BadInput, match="patches"):
        fit_vtph(replace(train, pictures=train.pictures[:, :-1]), 16, layout=LAYOUT)
    with pytest.raises(BadInput, match="do not fit this hasher"):
        encode_words(fitted, train.words)
    with pytest.raises(BadInput, match="no labels"):
        fit_vtph(replace(train, labels=None), 16, layout=LAYOUT)
    with pytest.raises(BadInput, match="too few"):
        with_companions({"train": train.rows(np.arange(2))}, LAYOUT)


def test_an_update_learns_new_labels_and_keeps_the_old(labelled: Drawn) -> None:
    first, second = parts_of(labelled(240))
    train = {"train": with_parts(joined(first, second)), "test": with_parts(labelled(120, seed=1))}
    completed = with_companions(train, LAYOUT)
    early, late = (completed["train"].rows(rows) for rows in np.split(np.arange(240), [len(first.pictures)]))
    unseen = completed["test"]
    before = fit_vtph(replace(early, labels=early.labelled()[:, :6]), 16, settings=SHORT, layout=LAYOUT)
    after = before.update(late)
    new = unseen.labelled()[:, 6:].any(1)
    assert found(after, unseen, new) > found(before, unseen, new) + 0.05
    assert found(after, unseen, ~new) > found(before, unseen, ~new) - 0.1


def test_an_update_makes_another_hasher_and_leaves_the_first_as_it_was(
    fitted: Hasher, completed: dict[str, Pairs], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mindseye.recall.hashers.vtph.MORE_STEPS", 2)
    version = fitted.version
    after = fitted.update(completed["test"])
    assert after.version == fitted.update(completed["test"]).version != version == fitted.version
    assert after.update(completed["test"]).version != after.version  # it goes on and on


def test_an_update_refuses_what_does_not_fit(fitted: Hasher, completed: dict[str, Pairs], tmp_path: Path) -> None:
    train = completed["train"]
    with pytest.raises(BadInput, match="do not fit this hasher"):
        fitted.update(replace(train, words=train.words[:, :40]))
    with pytest.raises(BadInput, match="no labels"):
        fitted.update(replace(train, labels=None))
    with pytest.raises(BadInput, match="5 labels do not go on from 12"):
        fitted.update(replace(train, labels=train.labelled()[:, :5]))
    save_hasher(fitted, tmp_path / "hasher")
    with pytest.raises(BadInput, match="cannot go on learning"):
        load_hasher(tmp_path / "hasher").update(train)
