from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from mindseye.errors import BadInput
from mindseye.randomness import rng_at
from mindseye.think.figure import Figure, block_numbers, bootstrap_interval, resampled, share_interval

FIGURE = Figure("kid", 0.02, 0.01, 0.03, 500, 400, "conv-7", "0-399")


def test_a_figure_is_json_and_what_is_not_finite_is_null() -> None:
    assert json.loads(json.dumps(FIGURE.as_json())) == {
        "name": "kid",
        "value": 0.02,
        "low": 0.01,
        "high": 0.03,
        "n_real": 500,
        "n_generated": 400,
        "encoder": "conv-7",
        "seeds": "0-399",
    }
    assert replace(FIGURE, value=float("nan"), high=float("inf")).as_json()["value"] is None


def test_figures_differ_when_their_intervals_do_not_meet() -> None:
    assert FIGURE.differs_from(replace(FIGURE, low=0.031, high=0.05))
    assert replace(FIGURE, low=0.031, high=0.05).differs_from(FIGURE)
    assert not FIGURE.differs_from(replace(FIGURE, low=0.03, high=0.05))
    assert not FIGURE.differs_from(FIGURE)


def test_figures_of_other_names_or_encoders_are_not_compared() -> None:
    with pytest.raises(BadInput, match="cannot be compared"):
        FIGURE.differs_from(replace(FIGURE, encoder="conv-8"))
    with pytest.raises(BadInput, match="cannot be compared"):
        FIGURE.differs_from(replace(FIGURE, name="precision"))


@pytest.mark.parametrize(
    "hits, n, low, high",
    [(0, 10, 0.0, 0.27754), (10, 10, 0.72246, 1.0), (50, 100, 0.40383, 0.59617), (1, 100, 0.00177, 0.05449)],
)
def test_the_interval_of_a_share_is_wilsons(hits: int, n: int, low: float, high: float) -> None:
    interval = share_interval(np.arange(n) < hits, block_numbers(None, n))
    assert interval == pytest.approx((low, high), abs=1e-5)


def test_a_share_in_blocks_counts_blocks_when_these_agree_within() -> None:
    blocks = block_numbers([number for number in range(50) for _ in range(8)], 400)
    hit = rng_at(0, "hits").random(50) < 0.4
    singly = share_interval(hit, block_numbers(None, 50))
    assert share_interval(hit[blocks], blocks) == pytest.approx(singly, abs=1e-9)
    assert share_interval(np.ones(400, dtype=bool), blocks) == share_interval(np.ones(50, dtype=bool), np.arange(50))


def test_a_share_in_blocks_that_say_nothing_is_as_well_known_as_singly() -> None:
    hits = rng_at(0, "hits").random(2000) < 0.3
    blocks = rng_at(0, "blocks").permutation(np.arange(2000) % 500)
    low, high = share_interval(hits, blocks)
    alone = share_interval(hits, np.arange(2000))
    assert high - low == pytest.approx(alone[1] - alone[0], rel=0.1)


def test_the_interval_of_a_share_holds_the_truth() -> None:
    held = 0
    for number in range(200):
        low, high = share_interval(rng_at(number, "coin").random(40) < 0.1, np.arange(40))
        held += low <= 0.1 <= high
    assert held >= 184


def test_resampling_draws_whole_blocks_and_depends_on_seed_and_purpose_alone() -> None:
    blocks = block_numbers("a a b c c c".split(), 6)
    weights = resampled(blocks, 0, "test", draws=50)
    assert (weights[0] == 1).all()
    assert (weights[:, 0] == weights[:, 1]).all()
    assert (weights[:, [0, 2, 3]].sum(1) == 3).all()
    assert (weights == resampled(blocks, 0, "test", draws=50)).all()
    assert (weights != resampled(blocks, 1, "test", draws=50)).any()
    assert (weights != resampled(blocks, 0, "another", draws=50)).any()


def test_the_bootstrap_interval_of_a_mean_is_the_textbook_one() -> None:
    x = rng_at(0, "numbers").normal(5, 2, 400)
    weights = resampled(np.arange(400), 0, "test", draws=4000)
    half = 1.96 * x.std() / 20
    assert bootstrap_interval(weights @ x / 400) == pytest.approx((x.mean() - half, x.mean() + half), abs=0.02)
    assert bootstrap_interval(weights @ x / 400, within=(5, 5.01)) == (5, 5.01)
