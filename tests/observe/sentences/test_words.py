"""Sentences as numbers of words: a vocabulary found in the captions, and what is done with all that is not in it."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from tests.observe.sentences.small import config

from mindseye.errors import BadInput
from mindseye.observe.features import caption_features
from mindseye.observe.sentences.words import BOS, DIGIT, EOS, PAD, UNK, Reader, find_vocabulary, token_ids

READER = Reader(("a", "cat", "red"), most_words=4)


def test_a_sentence_is_its_words_and_its_end() -> None:
    assert READER.ids("A red, RED cat!") == [4, 6, 6, 5, EOS]
    assert READER.sentence(READER.ids("A red, RED cat!")) == "a red red cat"


def test_a_word_outside_the_vocabulary_is_unknown_and_told() -> None:
    assert READER.ids("a blue cat") == [4, UNK, 5, EOS]
    assert READER.unknown("a blue cat, a blue dog") == ["blue", "dog"]
    assert READER.sentence([4, UNK, EOS, 5]) == "a <unk>"


def test_a_long_sentence_is_cut_and_does_not_seem_to_end_there() -> None:
    assert READER.ids("a red cat a cat") == [4, 6, 5, 4]
    assert READER.ids("cat " * 10_000) == [5] * 4


@pytest.mark.parametrize("empty", ["", "   ", "...", "🙂"])
def test_an_empty_sentence_has_no_token_at_all(empty: str) -> None:
    assert READER.ids(empty) == []
    ids, mask = READER.padded([empty])
    assert (ids == PAD).all() and not mask.any()
    assert READER.encode_together([empty]).absent.all()


def test_numbers_of_words_survive_the_half_precision_of_the_feature_cache(tmp_path: Path) -> None:
    """Half precision holds whole numbers up to 2,048 only; the last word here is number 5,003."""
    reader = Reader(tuple(f"w{number}" for number in range(5000)), most_words=5)
    captions = ["w0 w4999 w3001 w2045", "", "w1023 w1024 w1020", "w1 " * 9]
    features = caption_features(reader, captions, tmp_path)
    words = features.words(range(4))
    ids, mask = reader.padded(captions)
    assert torch.equal(token_ids(words), ids) and torch.equal(words.mask, mask)
    assert ids.max() == 5003 > DIGIT


def test_the_vocabulary_is_the_words_met_often_enough_the_most_frequent_first() -> None:
    said: list[str] = []
    captions = ["a red cat", "a cat", "a blue dog", "red"]
    assert find_vocabulary(config(vocabulary=()), captions, said.append).vocabulary == ("a", "cat", "red")
    assert said == ["a vocabulary of 3 words, 77.8% of all that is said in 4 captions"]
    few = find_vocabulary(config(vocabulary=(), least_count=1, most_vocabulary=4), captions)
    assert few.vocabulary == ("a", "cat", "red", "blue")


def test_a_vocabulary_that_is_there_stays() -> None:
    assert find_vocabulary(config(vocabulary=("x",)), ["a a"]).vocabulary == ("x",)


def test_captions_without_a_word_met_twice_are_told_with_the_way_out() -> None:
    with pytest.raises(BadInput, match="nothing to learn sentences from") as raised:
        find_vocabulary(config(vocabulary=()), ["", "one", "two"])
    assert "model.least_count=1" in str(raised.value)


def test_another_vocabulary_has_another_digest() -> None:
    assert Reader(("a", "b"), 4).sha256 != Reader(("b", "a"), 4).sha256
    assert BOS not in READER.ids("a red cat")
