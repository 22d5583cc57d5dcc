from __future__ import annotations

import pytest

from mindseye.report.answers import answers
from mindseye.report.explained import about, count_text, explanations, parsed, title
from mindseye.think.figure import Figure


def figure(name: str, value: float, low: float, high: float) -> Figure:
    return Figure(name, value, low, high, 500, 180, "made up", "0-179")


def short(*figures: Figure) -> list[str]:
    return [answer.short for answer in answers(figures)]


def test_a_detector_that_may_be_guessing_tells_nothing_apart() -> None:
    assert short(figure("auc", 0.55, 0.49, 0.61))[0] == "They cannot be told apart."
    assert short(figure("auc", 0.83, 0.79, 0.87))[0] == "They can be told apart, in 83% of pairs."


def test_prompts_of_the_training_and_others_are_told_apart() -> None:
    both = [figure("r_precision", 0.62, 0.55, 0.69), figure("r_precision/held_out", 0.41, 0.3, 0.5)]
    assert short(*both)[1] == "62% do, asked for things seen in training; 41% for things never shown."


def test_what_may_be_guessing_is_called_so() -> None:
    answer = answers([figure("r_precision", 0.02, 0.005, 0.06)])[1]
    assert "no more often than by guessing (1%)" in answer.sentences[1]


def test_no_difference_from_real_pictures_is_called_so() -> None:
    real = figure("r_precision_real", 0.7, 0.6, 0.8)
    assert "no difference shows" in answers([figure("r_precision", 0.62, 0.55, 0.69), real])[1].sentences[1]
    assert "no difference" not in answers([figure("r_precision", 0.4, 0.3, 0.5), real])[1].sentences[1]


def test_copies_are_suspected_only_beyond_the_interval() -> None:
    assert "suspiciously near" in short(figure("copy_rate", 0.05, 0.03, 0.08))[2]
    assert (
        short(figure("copy_rate", 0.02, 0.006, 0.05))[2] == "No nearer to training pictures than unseen real ones are."
    )


def test_many_that_are_learnt_by_heart_are_not_called_hardly_any() -> None:
    rate = figure("copy_rate", 0.0, 0.0, 0.005)
    assert short(rate, figure("memorised_rate", 0.02, 0.006, 0.07))[2].startswith("Hardly")
    assert short(rate, figure("memorised_rate", 0.13, 0.1, 0.15))[2].startswith("13% are learnt by heart")


def test_every_sentence_with_a_figure_has_its_numbers() -> None:
    known = ["auc", "kid", "kid_real", "r_precision", "r_precision_real", "copy_rate", "memorised_rate"]
    sentences = [
        line for answer in answers([figure(name, 0.5, 0.4, 0.6) for name in known]) for line in answer.sentences
    ]
    assert sum("n\u00a0=\u00a0500 real" in line for line in sentences) == len(sentences) - 1  # the one that explains


def test_without_figures_nothing_is_claimed() -> None:
    assert short() == ["Not measured."] * 3
    assert short(figure("auc", float("nan"), 0, 1))[0] == "Not measured."


@pytest.mark.parametrize(
    ("name", "parts", "words"),
    [
        ("kid_real", ("kid", "real", ""), "Distance of the sets (KID), real pictures"),
        ("r_precision_retrieval/held_out", ("r_precision", "retrieval", "held_out"), "R-precision, search, held out"),
        ("following_colour/seen_real", ("following_colour", "real", "seen"), "Following: colour, real pictures, seen"),
        ("something_new/seen", ("something_new", "", "seen"), "something new, seen"),
    ],
)
def test_names_are_taken_apart_and_put_into_words(name: str, parts: tuple[str, str, str], words: str) -> None:
    assert parsed(name) == parts
    assert title(name) == words


def test_numbers_of_pictures_are_called_what_they_are() -> None:
    assert count_text(figure("kid", 0, 0, 0)) == "n\u00a0=\u00a0500 real, 180 drawn"
    assert count_text(figure("kid_real", 0, 0, 0)) == "n\u00a0=\u00a0500 real, 180 unseen real"
    assert count_text(Figure("r_precision_real", 0, 0, 0, 0, 1800, "")) == "n\u00a0=\u00a01,800 real"
    assert count_text(Figure("r_precision_retrieval/x", 0, 0, 0, 0, 9, "")) == "n\u00a0=\u00a09 found"


def test_each_explanation_is_given_once() -> None:
    names = ["r_precision/held_out", "kid", "kid_real", "r_precision", "following_size/seen", "following_place/seen"]
    assert explanations(names) == [about("kid"), about("r_precision"), about("following_size/seen")]
