"""The judge of sentences: probabilities that sum to 1, and numbers that can be found by hand."""

from __future__ import annotations

import math

import pytest

from mindseye.observe.sentences.kneser_ney import BEGIN, END, KneserNey

TEXT = ["a red cat", "a red car", "a blue cat", "the frog", "the frog"]
JUDGE = KneserNey.of(TEXT, {word for line in TEXT for word in line.split()})


@pytest.mark.parametrize("history", [(), ("a",), (BEGIN, "a"), ("a", "red"), ("never", "seen"), ("red", "frog")])
def test_the_probabilities_after_any_history_sum_to_one(history: tuple[str, ...]) -> None:
    assert sum(JUDGE.probability(word, history) for word in JUDGE.vocabulary) == pytest.approx(1.0)


def test_a_probability_is_what_the_formula_gives_by_hand() -> None:
    """After (a, red): cat once, car once. d of trigrams: 7 once, 4 twice or more, of which 3 twice."""
    once, twice = (sum(n == k for h, c in JUDGE.counts.items() if len(h) == 2 for n in c.values()) for k in (1, 2))
    d = once / (once + 2 * twice)
    assert JUDGE.discounts[2] == d
    assert JUDGE.probability("cat", ("a", "red")) == pytest.approx(
        (1 - d) / 2 + d * 2 / 2 * JUDGE.probability("cat", ("red",))
    )


def test_lower_orders_count_after_how_many_words_and_not_how_often() -> None:
    """ "frog" stands twice, after one word; "cat" twice, after two."""
    assert JUDGE.counts[()]["frog"] == 1
    assert JUDGE.counts[()]["cat"] == 2


def test_sentences_of_the_text_are_likelier_than_their_words_shuffled() -> None:
    assert JUDGE.perplexity(["a red cat"]) < JUDGE.perplexity(["cat a red"])
    nats, words = JUDGE.nats("a red cat")
    assert words == 4 and JUDGE.perplexity(["a red cat"]) == pytest.approx(math.exp(nats / 4))


def test_an_unknown_word_has_a_probability_and_the_end_counts() -> None:
    assert math.isfinite(JUDGE.perplexity(["a zorblax"]))
    assert JUDGE.probability(END, ("the", "frog")) > 0.5
