"""The encoder and the decoder: sentences of a batch never mix, and padding is not there."""

from __future__ import annotations

import pytest
import torch
from tests.observe.sentences.small import config, model

from mindseye.observe.sentences.network import build, reversed_words
from mindseye.observe.sentences.objective import told
from mindseye.observe.sentences.words import Reader

TWO = ("a red car", "the green frog sleeps")


@pytest.mark.parametrize("directions", [1, 2])
@pytest.mark.parametrize("pool", ["last", "max", "mean"])
def test_a_batch_of_two_equals_two_batches_of_one(directions: int, pool: str) -> None:
    made = model(directions=directions, pool=pool)
    ids, mask = Reader.of(made.config).padded(TWO)
    both = made.encode(ids, mask)
    for row in range(2):
        one = made.encode(ids[row : row + 1], mask[row : row + 1])
        torch.testing.assert_close(one.mean[0], both.mean[row])
        torch.testing.assert_close(one.log_variance[0], both.log_variance[row])
    codes = both.mean
    inputs = told(ids, torch.ones_like(mask))
    logits = made.decode(codes, inputs)
    torch.testing.assert_close(made.decode(codes[:1], inputs[:1])[0], logits[0])


@pytest.mark.parametrize("directions", [1, 2])
@pytest.mark.parametrize("pool", ["last", "max", "mean"])
def test_what_is_padded_and_how_much_has_no_part_in_a_code(directions: int, pool: str) -> None:
    made = model(directions=directions, pool=pool)
    ids, mask = Reader.of(made.config).padded(TWO[:1])
    short = made.encode(ids[:, :4], mask[:, :4])
    torch.testing.assert_close(made.encode(ids, mask).mean, short.mean)
    torch.testing.assert_close(made.encode(ids.masked_fill(~mask, 7), mask).mean, short.mean)


def test_words_are_reversed_and_padding_stays_behind_them() -> None:
    words = torch.tensor([[[1.0], [2.0], [3.0], [0.0]], [[4.0], [0.0], [0.0], [0.0]]])
    mask = torch.tensor([[True, True, True, False], [True, False, False, False]])
    assert reversed_words(words, mask)[..., 0].tolist() == [[3, 2, 1, 0], [4, 0, 0, 0]]


def test_a_word_is_foreseen_from_those_before_it_and_from_the_code_alone() -> None:
    made = model()
    ids, _ = Reader.of(made.config).padded(TWO[1:])
    codes = torch.zeros(1, 8)
    one, other = made.decode(codes, ids), made.decode(codes, torch.where(torch.arange(7) == 3, 12, ids))
    torch.testing.assert_close(one[:, :3], other[:, :3])
    assert not torch.allclose(one[:, 3], other[:, 3])
    assert not torch.allclose(one[:, 0], made.decode(codes + 1, ids)[:, 0])


def test_word_by_word_is_the_same_as_all_at_once() -> None:
    made = model()
    ids, _ = Reader.of(made.config).padded(TWO)
    codes = torch.ones(2, 8)
    state, each = made.begin(codes), []
    for place in range(ids.shape[1]):
        logits, state = made.step(codes, ids[:, place : place + 1], state)
        each.append(logits)
    torch.testing.assert_close(torch.cat(each, 1), made.decode(codes, ids))


def test_the_seed_decides_the_weights() -> None:
    one, same, other = (build(config(), seed).state_dict() for seed in (0, 0, 1))
    assert all(torch.equal(one[name], same[name]) for name in one)
    assert not torch.equal(one["to_words.weight"], other["to_words.weight"])
