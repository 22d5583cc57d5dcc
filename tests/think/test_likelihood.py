from __future__ import annotations

import numpy as np
import pytest

from mindseye.errors import BadInput
from mindseye.randomness import rng_at
from mindseye.think.likelihood import bits_per_dimension


def test_it_is_the_mean_over_pictures_and_their_numbers_with_its_interval() -> None:
    bits = rng_at(0, "bits").normal(3000, 300, 400)
    figure = bits_per_dimension(bits, numbers=1000, levels=256, exact=True)
    assert figure.value == pytest.approx(bits.mean() / 1000)
    assert (figure.high - figure.low) / 2 == pytest.approx(1.96 * 0.3 / 20, rel=0.15)
    assert (figure.name, figure.n_real, figure.n_generated) == ("bits_per_dimension", 400, 0)
    assert figure.encoder == "1,000 numbers of 256 levels"


def test_pictures_that_belong_together_tell_less() -> None:
    bits = np.repeat(rng_at(0, "bits").normal(3000, 300, 40), 10)
    apart, together = (
        bits_per_dimension(bits, numbers=1000, levels=256, exact=True, real_blocks=blocks)
        for blocks in (None, np.repeat(np.arange(40), 10).tolist())
    )
    assert together.high - together.low > 2 * (apart.high - apart.low)


def test_a_bound_and_bits_in_other_numbers_are_compared_with_nothing_else() -> None:
    bits = np.array([10.0, 20.0])
    exact, bound, palette = (
        bits_per_dimension(bits, numbers=16, levels=levels, exact=exact)
        for levels, exact in ((256, True), (256, False), (8, True))
    )
    assert bound.name == "bits_per_dimension_bound"
    for other in (bound, palette):
        with pytest.raises(BadInput, match="cannot be compared"):
            exact.differs_from(other)


def test_without_pictures_there_is_no_surprise() -> None:
    with pytest.raises(BadInput, match="no pictures"):
        bits_per_dimension(np.zeros(0), numbers=16, levels=256, exact=True)
