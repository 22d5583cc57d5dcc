from __future__ import annotations

import unicodedata

import pytest

from mindseye.collection.captions import LONGEST, MOST, clean, clean_line, decode, raw_texts


@pytest.mark.parametrize(
    ("raw", "kept"),
    [
        ("  a \t red\u00a0 cat\r\n", "a red cat"),
        ("\ufeffa\u200b cat\u200e\u202e", "a cat"),
        ("a\x00 c\x07at", "a cat"),
        ("cafe\u0301", "caf\u00e9"),
        ("\U0001f468\u200d\U0001f469", "\U0001f468\U0001f469"),
        ("../../x <script>", "../../x <script>"),
        ("=1+1", "=1+1"),
        ("\u200b \x00", ""),
    ],
)
def test_a_caption_becomes_one_clean_line(raw: str, kept: str) -> None:
    assert clean_line(raw) == kept


def test_twins_in_nfc_and_nfd_are_one_caption() -> None:
    text = "\u00e9clair"
    assert clean([text, unicodedata.normalize("NFD", text)], "x").captions == (text,)


def test_empty_captions_count_as_none() -> None:
    assert clean(["", "  ", None, "\ufeff"], "x").captions == ()


def test_a_caption_of_a_megabyte_is_cut_and_said_so() -> None:
    texts = clean(["word " * 200_000], "x")
    assert len(texts.captions[0]) <= LONGEST
    assert "cut to 2,000" in texts.notes[0]


def test_more_captions_than_are_kept_are_noted() -> None:
    texts = clean([f"caption {number}" for number in range(MOST + 5)], "x")
    assert len(texts.captions) == MOST
    assert texts.notes == (f"only the first {MOST} captions were kept",)


def test_bytes_that_are_not_utf_8_are_a_problem_not_a_crash() -> None:
    texts = clean([decode(b"caf\xe9"), "good"], "sidecar .txt")
    assert texts.captions == ("good",)
    assert "not valid UTF-8" in texts.problem


def test_a_caption_of_a_wrong_type_is_named() -> None:
    assert "int" in clean([7], "metadata.jsonl").problem


def test_text_caption_and_captions_of_a_row_are_united_and_title_is_the_last_resort() -> None:
    assert raw_texts({"text": "a", "captions": ["a", "b"], "title": "t"}) == ["a", "a", "b"]
    assert raw_texts({"title": "t"}) == ["t"]
