"""The lesson of the paper on a language of 600 sentences: a code that is not looked after says nothing."""

from __future__ import annotations

import itertools
from functools import cache
from typing import Any

import pytest
import torch
from tests.observe.sentences.small import config, draws

from mindseye.learn.batch import Batch
from mindseye.observe.sentences import LEARNER, Writer
from mindseye.observe.sentences.network import build
from mindseye.observe.sentences.objective import scheduled
from mindseye.observe.sentences.words import Reader
from mindseye.randomness import rng_at
from mindseye.report.sentences import sentence_walk

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

LANGUAGE = [
    f"{many} {colour} {thing} {place}"
    for many, colour, thing, place in itertools.product(
        ("a", "one", "the", "some"),
        ("red", "blue", "green", "black", "white"),
        ("cat", "car", "frog", "house", "tree", "bird"),
        ("here", "at sea", "in the sky", "under a roof", "on top"),
    )
]
VOCABULARY = tuple(sorted({word for sentence in LANGUAGE for word in sentence.split()}))
BATCH, STEPS = 32, 1200


@cache
def learnt(**changes: Any) -> Writer:
    of = config(vocabulary=VOCABULARY, width=64, anneal_width=1_500.0, **{"anneal_at": 8_000, **changes})
    made = build(of, seed=0)
    [objective] = made.objectives()
    optimiser = torch.optim.Adam(made.parameters(), lr=3e-3)
    words = Reader.of(of).encode_together(LANGUAGE)
    for step in range(STEPS):
        rows = rng_at(0, "acceptance", step).permutation(len(LANGUAGE))[:BATCH].tolist()
        shown = Batch(torch.zeros(BATCH, 4, 8, 8), words.rows(rows), torch.arange(BATCH))
        weights = [scheduled(step * BATCH + row, of)["kl_weight"] for row in range(BATCH)]
        numbers = draws(of, BATCH, step * BATCH) | {"kl_weight": torch.tensor(weights)}
        optimiser.zero_grad()
        objective.loss(made, shown, numbers).backward()
        optimiser.step()
    LEARNER.finish(made, [Batch(torch.zeros(len(LANGUAGE), 4, 8, 8), words, torch.arange(len(LANGUAGE)))])
    return Writer("learnt", made.eval().requires_grad_(False))


def test_a_code_that_is_not_looked_after_says_nothing() -> None:
    alone = learnt(word_dropout=0.0, free_nats=0.0, anneal_at=0)
    assert alone.model.kl.sum() < 0.1 and alone.model.information < 0.1 and alone.active == 0
    assert len(set(alone.decode(alone.encode(LANGUAGE[::40])))) == 1


def test_with_annealing_word_dropout_and_free_bits_it_says_most_of_the_sentence() -> None:
    """Which of 600 sentences it is are 6.4 nats."""
    made = learnt(word_dropout=0.4, free_nats=6.0)
    assert made.model.kl.sum() > 4 and made.model.information > 3 and made.active == 8


def test_between_two_sentences_it_stays_in_the_language() -> None:
    made = learnt(word_dropout=0.4, free_nats=6.0)
    walks = [sentence_walk(made, LANGUAGE[7 * i], LANGUAGE[-11 * i - 1]) for i in range(30)]
    texts = [text for walk in walks for text in walk.sentences]
    assert sum(text in LANGUAGE for text in texts) / len(texts) > 0.9
    assert sum(len(walk.steps) > 2 for walk in walks) > 15
