"""A finished model reads and writes: the same alone and among others, and every odd sentence has its answer."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from tests.observe.sentences.small import SENTENCES, folder, learnt, model, writer

from mindseye.errors import BadInput
from mindseye.observe.sentences import Writer, is_of_sentences, open_writer
from mindseye.observe.sentences.words import MARKS


def test_what_was_learnt_is_written_again_from_its_code() -> None:
    assert writer().decode(writer().encode(SENTENCES)) == list(SENTENCES)


def test_a_sentence_does_not_depend_on_what_else_is_read_and_written() -> None:
    made = Writer("untrained", model())
    many = np.random.default_rng(0).standard_normal((40, 8), "f4")
    for temperature in (0.0, 1.0):
        together = made.decode(many, temperature)
        assert together[17] == made.decode(many[17:18], temperature, [17])[0]
    codes = made.encode([*SENTENCES] * 9)
    assert np.array_equal(codes[6], made.encode([SENTENCES[2]])[0])


def test_nothing_that_is_no_word_is_ever_written_and_no_sentence_is_empty() -> None:
    made = Writer("untrained", model())
    said = made.imagined(50, temperature=2.0)
    assert len(set(said)) > 10
    assert all(said) and not any(mark in sentence for sentence in said for mark in MARKS)
    assert max(len(sentence.split()) for sentence in said) <= 7


def test_the_seed_decides_what_is_imagined() -> None:
    made = writer()
    assert made.imagined(3, 1.0, seed=5)[1:] == made.imagined(2, 1.0, seed=6)
    assert made.imagined(20, 1.0, seed=1) != made.imagined(20, 1.0, seed=100)


@pytest.mark.parametrize("empty", ["", "  ", "?!", "🙂"])
def test_a_sentence_without_words_cannot_be_read(empty: str) -> None:
    with pytest.raises(BadInput, match="without words"):
        writer().encode(["a red cat", empty])


def test_a_sentence_of_unknown_words_is_refused_and_a_few_of_them_are_told() -> None:
    with pytest.raises(BadInput, match="knows no word of") as raised:
        writer().encode(["zorblax quux"])
    assert "e.g. a, red, cat" in str(raised.value)
    assert np.isfinite(writer().encode(["a zorblax cat"])).all()
    assert writer().notes("a zorblax cat") == ["not in the vocabulary, read as an unknown word: zorblax"]
    assert writer().notes("a red cat") == []


def test_a_very_long_sentence_is_cut_and_that_is_told() -> None:
    long = "a red cat " * 1000
    assert writer().notes(long) == ["only the first 6 words are read"]
    assert np.array_equal(writer().encode([long]), writer().encode(["a red cat a red cat a"]))


def test_a_temperature_below_zero_is_refused() -> None:
    with pytest.raises(BadInput, match="temperature"):
        writer().decode(np.zeros((1, 8), "f4"), -1.0)


def test_a_language_model_writes_and_has_no_codes() -> None:
    made = Writer("plain", model(kind="language-model"))
    with pytest.raises(BadInput, match="no codes"):
        made.encode(["a red cat"])
    assert len(set(made.imagined(3))) == 1  # without a code and without chance there is one sentence
    assert len(set(made.imagined(9, temperature=1.0))) > 1


def test_a_folder_opens_as_it_was_saved(tmp_path: Path) -> None:
    opened = open_writer(folder(tmp_path / "small"))
    assert opened.name == "small" and opened.kind == "vae"
    assert opened.decode(opened.encode(SENTENCES)) == list(SENTENCES)
    assert opened.active == writer().active > 0
    assert opened.model.kl.equal(learnt().kl)
    card = (tmp_path / "small" / "README.md").read_text()
    assert "its own vocabulary stands in `mindseye.json`" in card and "mindseye explore" in card


def test_a_damaged_folder_is_told(tmp_path: Path) -> None:
    path = folder(tmp_path / "small")
    shutil.rmtree(path / "sentences")
    with pytest.raises(BadInput, match="cannot be opened"):
        open_writer(path)


def test_a_model_of_another_kind_is_told(tiny_folder: Path, tmp_path: Path) -> None:
    assert not is_of_sentences(tiny_folder) and not is_of_sentences("emoji") and not is_of_sentences("nowhere")
    assert is_of_sentences(folder(tmp_path / "small"))
    with pytest.raises(BadInput, match="of the kind diffusion"):
        open_writer(tiny_folder)
