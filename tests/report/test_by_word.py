from __future__ import annotations

import pytest

from mindseye.report.by_word import best_and_worst, by_word


def test_a_word_counts_once_a_prompt_needs_three_and_shows_something() -> None:
    prompts = ["a red red cat", "A cat", "a red Cat!", "a dog"]
    words = by_word(prompts, [True, True, False, False], "judge")
    assert set(words) == {"cat"}
    assert (words["cat"].value, words["cat"].n_generated) == (pytest.approx(2 / 3), 3)


def test_wilsons_interval_is_that_of_the_table() -> None:
    figure = by_word(["cat"] * 10, [True] * 8 + [False] * 2, "judge")["cat"]
    assert (figure.low, figure.high) == (pytest.approx(0.4902, abs=1e-4), pytest.approx(0.9433, abs=1e-4))


def test_many_prompts_count_for_more_than_luck_and_no_word_is_both_best_and_worst() -> None:
    prompts = ["cat"] * 40 + ["owl"] * 3 + ["fox"] * 30 + ["bee"] * 3
    hits = [True] * 38 + [False] * 2 + [True] * 3 + [False] * 33
    best, worst = best_and_worst(by_word(prompts, hits, "judge"), 12)
    assert (list(best), list(worst)) == (["cat", "owl"], ["fox", "bee"])


def test_no_words_are_neither_best_nor_worst() -> None:
    assert best_and_worst(by_word(["cat", "dog"], [True, False], "judge")) == ({}, {})
