"""Reading the caption: both directions, alignment, and the arms without it."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from mindseye.imagine.aligndraw.language import READERS, BothWays, reversed_words
from mindseye.learn.batch import Words

from .small import config, model, with_captions, words


def test_words_are_reversed_within_their_own_caption_and_padding_stays_behind() -> None:
    states = torch.arange(8.0).reshape(2, 4, 1)
    mask = torch.tensor([[True, True, True, False], [True, True, True, True]])
    assert reversed_words(states, mask).squeeze(2).tolist() == [[2, 1, 0, 3], [7, 6, 5, 4]]
    assert torch.equal(reversed_words(reversed_words(states, mask), mask), states)


def test_the_two_directions_are_those_of_a_bidirectional_lstm_on_each_caption_alone() -> None:
    mine = BothWays(config())
    theirs = nn.LSTM(384, 16, batch_first=True, bidirectional=True)
    weights = dict(mine.forwards.state_dict())
    weights |= {f"{name}_reverse": value for name, value in mine.backwards.state_dict().items()}
    theirs.load_state_dict(weights)
    captions = words(7, 3, 12)
    states = mine(captions.tokens, captions.mask)
    for row, length in enumerate((7, 3, 12)):
        alone, _ = theirs(captions.tokens[row : row + 1, :length])
        assert torch.allclose(states[row, :length], alone[0], atol=1e-5)
        assert (states[row, length:] == 0).all()


def test_permuting_the_batch_permutes_the_word_states_and_nothing_else() -> None:
    """The published code reverses the batch where it means the sentence, so its backward LSTM reads other captions."""
    reader = BothWays(config())
    captions = words(7, 3, 12)
    states = reader(captions.tokens, captions.mask)
    order = [2, 0, 1]
    permuted = captions.rows(order)
    assert torch.allclose(reader(permuted.tokens, permuted.mask), states[order], atol=1e-6)
    changed = captions.tokens.clone()
    changed[1] += 1.0
    assert torch.allclose(reader(changed, captions.mask)[[0, 2]], states[[0, 2]], atol=1e-6)


def test_the_first_word_s_state_knows_the_last_word() -> None:
    reader = BothWays(config())
    captions = words(6)
    changed = captions.tokens.clone()
    changed[0, 5] += 1.0
    first, other = reader(captions.tokens, captions.mask)[0, 0], reader(changed, captions.mask)[0, 0]
    assert torch.equal(first[:16], other[:16]) and not torch.equal(first[16:], other[16:])


def test_alignment_is_a_softmax_over_the_words_that_are_there() -> None:
    reader = model().network.reader
    captions = words(7, 3, 1)
    language = reader.read(captions, with_captions(3))
    look = reader.look(language, torch.randn(3, 32, generator=torch.Generator().manual_seed(0)))
    assert torch.allclose(look.shares.sum(1), torch.ones(3))
    assert (look.shares[~captions.mask] == 0).all() and (look.shares[captions.mask] > 0).all()
    scores = torch.tanh(language.keys + reader.W(torch.zeros(3, 32))[:, None]) @ reader.v.weight[0]
    expected = torch.stack([torch.softmax(scores[row, :length], 0)[0] for row, length in enumerate((7, 3, 1))])
    assert torch.allclose(reader.look(language, torch.zeros(3, 32)).shares[:, 0], expected)
    assert torch.allclose(look.sentence, torch.einsum("bw,bws->bs", look.shares, language.states), atol=1e-6)


def test_only_alignment_depends_on_what_has_been_drawn() -> None:
    captions = words(7, 3)
    early, late = torch.zeros(2, 32), torch.ones(2, 32)
    for name in READERS:
        reader = model(reader=name).network.reader
        language = reader.read(captions, with_captions(2))
        same = torch.equal(reader.look(language, early).sentence, reader.look(language, late).sentence)
        assert same == (name != "align")


def test_without_alignment_every_word_counts_alike() -> None:
    reader = model(reader="noalign").network.reader
    language = reader.read(words(4, 2), with_captions(2))
    look = reader.look(language, torch.zeros(2, 32))
    assert torch.allclose(look.sentence[1], language.states[1, :2].mean(0))


def test_the_sentence_arm_reads_one_vector_and_no_word() -> None:
    network = model(reader="sentence").network
    captions = words(7, 3)
    other_words = Words(captions.tokens + 1.0, captions.mask, captions.sentence)
    looks = [
        network.reader.look(network.language(each, with_captions(2)), torch.zeros(2, 32)).sentence
        for each in (captions, other_words)
    ]
    assert torch.equal(*looks)
    assert not any("lstm" in type(part).__name__.lower() for part in network.reader.modules())


@pytest.mark.parametrize("reader", READERS)
def test_an_absent_caption_is_the_learnt_one_for_every_reader(reader: str) -> None:
    network = model(reader=reader).network
    zeros = torch.zeros(1, 8)
    dropped = network.write(zeros, network.begin(1), network.language(words(5), torch.tensor([True])))
    empty = network.write(zeros, network.begin(1), network.language(words(0), with_captions(1)))
    there = network.write(zeros, network.begin(1), network.language(words(5), with_captions(1)))
    assert torch.equal(dropped.canvas, empty.canvas) and torch.isfinite(empty.canvas).all()
    assert not torch.equal(there.canvas, empty.canvas)
    assert dropped.look is not None and (dropped.look.shares == 0).all()
