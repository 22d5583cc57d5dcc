"""A taught word is read as what stands in for it, with a change; nothing else is read otherwise, to the byte."""

from __future__ import annotations

import pytest
import torch

from mindseye.learn.batch import Words
from mindseye.observe.taught import TaughtWord
from mindseye.observe.text import TextEncoder, load_text_encoder

CHANGE = torch.linspace(-1, 1, 2 * 384).reshape(2, 384)  # of the two tokens of "cat face"


@pytest.fixture(scope="module")
def encoder() -> TextEncoder:
    return load_text_encoder(token_limit=16)


@pytest.fixture(scope="module")
def knowing(encoder: TextEncoder) -> TextEncoder:
    return encoder.knowing([TaughtWord("zorble", "cat face", CHANGE)])


def same(one: Words, other: Words) -> bool:
    return all(torch.equal(getattr(one, part), getattr(other, part)) for part in ("tokens", "mask", "sentence"))


def test_prompts_without_the_word_are_read_as_before_to_the_byte(encoder: TextEncoder, knowing: TextEncoder) -> None:
    others = ["a cat face", "zorbles", "a unzorble", "", "a red house on a hill"]
    assert same(knowing.encode(others), encoder.encode(others))
    assert encoder.taught == {}, "the encoder itself has learnt nothing"


def test_the_change_is_added_where_the_word_stands_and_to_the_mean(encoder: TextEncoder, knowing: TextEncoder) -> None:
    read, plain = knowing.encode(["a ZORBLE, red"]), encoder.encode(["a cat face, red"])
    expected = plain.tokens.clone()
    expected[0, 2:4] += CHANGE  # begin, a, cat, face
    assert torch.equal(read.tokens, expected) and torch.equal(read.mask, plain.mask)
    assert torch.allclose(read.sentence, plain.sentence + CHANGE.sum(0) / 7, atol=1e-6)
    together = knowing.encode_together(["a zorble, red", "a longer caption with a hat"])
    assert torch.allclose(together.tokens[0, :7], expected[0, :7], atol=1e-5)


def test_a_word_is_read_wherever_it_is_met(encoder: TextEncoder, knowing: TextEncoder) -> None:
    difference = knowing.encode(["zorble and zorble"]).tokens - encoder.encode(["cat face and cat face"]).tokens
    assert torch.allclose(difference[0, 1:3], CHANGE, atol=1e-6) and torch.allclose(
        difference[0, 4:6], CHANGE, atol=1e-6
    )
    assert difference[0, [0, 3, 6]].abs().max() == 0


def test_at_strength_zero_it_says_what_stands_in_for_it(encoder: TextEncoder) -> None:
    word = TaughtWord("zorble", "cat face", CHANGE)
    weak = encoder.knowing([word.at_strength(0.0)])
    assert same(weak.encode(["two zorble hats"]), encoder.encode(["two cat face hats"]))
    assert torch.equal(word.at_strength(0.5).change, CHANGE / 2)


def test_a_word_beyond_the_last_token_that_is_read_changes_nothing(encoder: TextEncoder, knowing: TextEncoder) -> None:
    long = "a very long caption about a house that stands on a hill with a "
    assert same(knowing.encode([long + "zorble"]), encoder.encode([long + "cat face"]))
    assert knowing.too_long(long + "zorble")


def test_it_is_one_word_of_a_prompt_with_the_places_of_what_stands_in_for_it(knowing: TextEncoder) -> None:
    assert knowing.words("a zorble hat") == [("a", [1]), ("zorble", [2, 3]), ("hat", [4])]
    assert TaughtWord("zorble", "cat", CHANGE).is_in("Zorble!") and not TaughtWord("zorble", "cat", CHANGE).is_in(
        "zorbles"
    )
