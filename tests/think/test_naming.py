from __future__ import annotations

import numpy as np
import pytest

from mindseye.errors import BadInput
from mindseye.randomness import rng_at
from mindseye.think.naming import mismatching, r_precision, ranks


def guesses(pictures: int = 2000) -> np.ndarray:
    return rng_at(0, "guesses").random((pictures, 100))


def test_a_judge_that_says_the_same_of_every_caption_has_0_percent() -> None:
    figure = r_precision(np.ones((500, 100)), encoder="judge")
    assert (figure.value, figure.low, figure.n_generated) == (0, 0, 500)


def test_a_judge_that_guesses_has_1_percent() -> None:
    figure = r_precision(guesses(), encoder="judge")
    assert figure.low <= 0.01 <= figure.high
    assert figure.name == "r_precision"


def test_a_judge_that_knows_has_100_percent() -> None:
    scores = guesses(100)
    scores[:, 0] = 1.5
    figure = r_precision(scores, encoder="judge")
    assert (figure.value, figure.high) == (1, 1)
    assert 0.95 < figure.low < 1


@pytest.mark.parametrize("true", [np.nan, np.inf, -np.inf])
def test_a_true_score_that_is_not_finite_comes_last(true: float) -> None:
    assert ranks(np.array([[true, 0.1, 0.2, 0.3]])).tolist() == [4]


@pytest.mark.parametrize("other", [np.nan, np.inf, -np.inf, 0.5])
def test_a_tie_or_a_mismatching_score_that_is_not_finite_is_not_beaten(other: float) -> None:
    assert ranks(np.array([[0.5, 0.1, other, 0.3]])).tolist() == [2]


def test_a_rank_is_the_place_of_the_true_caption() -> None:
    scores = np.array([[3, 1, 2, 0], [3, 1, 2, 0], [1, 3, 2, 0], [0, 1, 2, 3.0]])
    assert ranks(scores).tolist() == [1, 1, 3, 4]


def test_pictures_of_one_prompt_that_agree_count_as_one() -> None:
    scores = guesses(50)
    scores[:20, 0] = 2
    single = r_precision(scores, encoder="judge")
    repeated = r_precision(
        np.repeat(scores, 4, axis=0), encoder="judge", generated_blocks=[i for i in range(50) for _ in range(4)]
    )
    assert (repeated.low, repeated.high) == pytest.approx((single.low, single.high))


def test_scores_without_pictures_or_mismatching_captions_are_refused() -> None:
    for scores in (np.ones((0, 100)), np.ones((5, 1)), np.ones(5)):
        with pytest.raises(BadInput, match="make no r_precision"):
            r_precision(scores, encoder="judge")


COLOURS = [f"colour {number}" for number in range(30)]
CAPTIONS = [f"a {colour} cat" for colour in COLOURS] * 2 + [f"A  {colour} CAT" for colour in COLOURS]
CONCEPTS = COLOURS * 3


def test_a_mismatching_caption_is_of_another_concept_and_other_words_and_never_given_twice() -> None:
    chosen = mismatching(CAPTIONS, CONCEPTS, count=29)
    assert chosen.shape == (90, 29)
    for picture, others in enumerate(chosen):
        words = [CAPTIONS[other].casefold().split() for other in others]
        assert CAPTIONS[picture].casefold().split() not in words
        assert len({tuple(text) for text in words}) == 29
        assert CONCEPTS[picture] not in {CONCEPTS[other] for other in others}


def test_another_caption_of_the_same_concept_or_group_is_never_mismatching() -> None:
    captions = ["a cat", "a kitten", "a dog", "a hound", "a bird"]
    chosen = mismatching(captions, ["cat", "cat", "dog", "hound", "bird"], [0, 1, 2, 2, 3], count=3)
    assert [set(row) for row in chosen.tolist()] == [{2, 3, 4}, {2, 3, 4}, {0, 1, 4}, {0, 1, 4}, {0, 1, 2}] or [
        set(row) for row in chosen[:4].tolist()
    ] == [{2, 3, 4}, {2, 3, 4}, {0, 1, 4}, {0, 1, 4}]
    with pytest.raises(BadInput, match="only 3 captions do not fit the picture of 'a cat', 4 are needed"):
        mismatching(captions, ["cat", "cat", "dog", "hound", "bird"], count=4)


def test_a_caption_that_two_concepts_share_fits_both() -> None:
    captions = ["an animal", "an animal", "a cat", "a dog", "a tree", "a house"]
    concepts = ["cat", "dog", "cat", "dog", "tree", "house"]
    chosen = mismatching(captions, concepts, count=3)
    assert sorted(chosen[2]) == [3, 4, 5]  # not "an animal", which a cat is too, whoever's caption it is
    assert sorted(chosen[3]) == [2, 4, 5]


def test_the_choice_depends_on_seed_and_place_alone_and_is_even() -> None:
    captions = [f"caption {number}" for number in range(200)]
    chosen = mismatching(captions, captions)
    assert (chosen == mismatching(captions, captions)).all()
    assert (chosen != mismatching(captions, captions, seed=1)).any()
    counts = np.bincount(chosen.ravel(), minlength=200)
    assert 60 < counts.min() < 99 < counts.max() < 140
