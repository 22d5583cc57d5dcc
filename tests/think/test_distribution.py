from __future__ import annotations

import numpy as np
import pytest
import torch
from tests.think.clouds import cloud, halves
from torch import Tensor, nn
from torchmetrics.image.fid import FrechetInceptionDistance
from torchmetrics.image.inception import InceptionScore
from torchmetrics.image.kid import KernelInceptionDistance

from mindseye.errors import BadInput
from mindseye.think.distribution import _within, frechet_distance, inception_style_score, kid


class AsTheyAre(nn.Module):
    """For torchmetrics: the "pictures" are features already."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.num_features = width

    def forward(self, features: Tensor) -> Tensor:
        return features


PAIRS = [(0, 60, 8, 0.0), (1, 60, 8, 0.5), (2, 40, 3, -1.0), (3, 700, 16, 0.1)]


@pytest.mark.filterwarnings("ignore:Metric")
@pytest.mark.parametrize("number, count, width, shift", PAIRS)
def test_kid_on_all_pictures_is_torchmetrics_kid(number: int, count: int, width: int, shift: float) -> None:
    x, y = cloud(number, count, width), cloud(number + 100, count, width, shift)
    oracle = KernelInceptionDistance(AsTheyAre(width), subsets=1, subset_size=count).set_dtype(torch.float64)
    oracle.update(torch.from_numpy(x), real=True)
    oracle.update(torch.from_numpy(y), real=False)
    assert kid(x, y, encoder="none", draws=10).value == pytest.approx(oracle.compute()[0].item(), abs=1e-6)


@pytest.mark.parametrize("number, count, width, shift", PAIRS)
def test_frechet_distance_is_torchmetrics_frechet_distance(number: int, count: int, width: int, shift: float) -> None:
    x, y = cloud(number, count, width), 1.3 * cloud(number + 100, count + 7, width, shift)
    oracle = FrechetInceptionDistance(AsTheyAre(width)).set_dtype(torch.float64)
    oracle.update(torch.from_numpy(x), real=True)
    oracle.update(torch.from_numpy(y), real=False)
    ours = frechet_distance(x, y, encoder="none", draws=3).value
    assert ours == pytest.approx(oracle.compute().item(), abs=1e-6)


def test_frechet_distance_is_right_with_fewer_pictures_than_features() -> None:
    x, y = cloud(0, 12, 40), cloud(1, 15, 40)
    eigenvalues = np.linalg.eigvals(np.cov(x.T) @ np.cov(y.T)).real
    root = np.sqrt(eigenvalues[eigenvalues > 1e-9]).sum()
    expected = np.square(x.mean(0) - y.mean(0)).sum() + np.trace(np.cov(x.T)) + np.trace(np.cov(y.T)) - 2 * root
    assert frechet_distance(x, y, encoder="none", draws=3).value == pytest.approx(expected, abs=1e-6)


@pytest.mark.filterwarnings("ignore:Metric", "ignore:std")
def test_inception_style_score_in_one_split_is_torchmetrics_score() -> None:
    logits = torch.from_numpy(2 * cloud(0, 80, 5))
    oracle = InceptionScore(AsTheyAre(5), splits=1).set_dtype(torch.float64)
    oracle.update(logits)
    ours = inception_style_score(logits.softmax(1), encoder="none")
    assert ours.value == pytest.approx(oracle.compute()[0].item(), abs=1e-6)
    assert ours.low < ours.value < ours.high


def test_inception_style_score_is_1_for_one_kind_and_the_number_of_classes_for_all_kinds() -> None:
    assert inception_style_score(np.full((20, 4), 0.25), encoder="none").value == pytest.approx(1)
    assert inception_style_score(np.eye(4)[np.arange(20) % 4], encoder="none").value == pytest.approx(4)
    with pytest.raises(BadInput, match="not class probabilities"):
        inception_style_score(cloud(0, 20), encoder="none")


def test_between_halves_of_one_set_the_kid_interval_holds_0() -> None:
    held = 0
    for number in range(100):
        figure = kid(*halves(number, 40), encoder="none", draws=200)
        held += figure.low <= 0 <= figure.high
    assert held >= 93


def test_between_different_sets_the_kid_interval_holds_the_truth_and_not_0() -> None:
    s, d = 0.5, 8  # the moments of u = f.g / d for f and g both normal with mean s and variance 1 in each of d axes
    u = s**2
    u2 = (s**2 * (d + d**2 * s**2) + d * (1 + s**2)) / d**2
    u3 = (d**3 * s**6 + 3 * d**2 * s**4 + 3 * s * (d * (s**3 + 3 * s) + d * (d - 1) * s * (1 + s**2))) / d**3
    truth = (1 + 3 / d) + (u3 + 3 * u2 + 3 * u + 1) - 2 * (1 + 3 * (1 + s**2) / d)
    figures = [kid(cloud(n, 60, d), cloud(n + 100, 60, d, s), encoder="none", draws=200) for n in range(100)]
    assert sum(figure.low <= truth <= figure.high for figure in figures) >= 90
    assert sum(figure.low > 0 for figure in figures) >= 90
    assert np.mean([figure.value for figure in figures]) == pytest.approx(truth, rel=0.1)


def test_repeated_pictures_named_as_blocks_do_not_narrow_the_interval() -> None:
    x, y = cloud(0, 40), cloud(1, 40, shift=0.3)
    blocks = [number for number in range(40) for _ in range(4)]
    once = kid(x, y, encoder="none")
    unnamed = kid(x, np.repeat(y, 4, axis=0), encoder="none")
    named = kid(x, np.repeat(y, 4, axis=0), encoder="none", generated_blocks=blocks)
    assert named.value == pytest.approx(unnamed.value, abs=1e-12)
    assert unnamed.high - unnamed.low < named.high - named.low
    assert named.high - named.low == pytest.approx(once.high - once.low, rel=0.15)


def test_the_interval_of_the_frechet_distance_narrows_with_more_pictures() -> None:
    few = frechet_distance(cloud(0, 50), cloud(1, 50, shift=1), encoder="none")
    many = frechet_distance(cloud(0, 800), cloud(1, 800, shift=1), encoder="none")
    assert few.low < few.value < few.high
    assert many.high - many.low < (few.high - few.low) / 2


def test_a_figure_says_what_it_was_computed_from_and_comes_out_the_same_twice() -> None:
    x, y = torch.from_numpy(cloud(0, 20)).float(), cloud(1, 30)
    first, second = (kid(x, y, encoder="conv-7", seeds="0-29") for _ in range(2))
    assert first == second
    assert (first.name, first.n_real, first.n_generated, first.encoder, first.seeds) == (
        "kid",
        20,
        30,
        "conv-7",
        "0-29",
    )


def test_features_that_no_figure_can_come_from_are_refused() -> None:
    x = cloud(0, 20)
    broken = x.copy()
    broken[7, 1] = np.nan
    with pytest.raises(BadInput, match="first is picture 7"):
        kid(x, broken, encoder="none")
    with pytest.raises(BadInput, match="9 generated pictures are too few"):
        kid(x, x[:9], encoder="none")
    with pytest.raises(BadInput, match="8 numbers, those of the generated 5"):
        kid(x, x[:, :5], encoder="none")
    with pytest.raises(BadInput, match=r"shape \[20\]"):
        kid(x[:, 0], x, encoder="none")
    with pytest.raises(BadInput, match="3 block labels were given for 20 pictures"):
        kid(x, x, encoder="none", real_blocks=[1, 2, 3])


def test_a_draw_pairs_a_picture_with_every_other_of_its_own_copy_of_the_block_and_of_other_blocks() -> None:
    rows, blocks, drawn = cloud(0, 6, 3), np.array([0, 0, 1, 1, 1, 2]), np.array([2, 1, 1])
    occurrences = [(block, copy) for block, times in enumerate(drawn) for copy in range(times)]
    occurring = [
        (occurrence, picture) for occurrence in occurrences for picture in np.flatnonzero(blocks == occurrence[0])
    ]
    kernels = [
        (rows[i] @ rows[j] / 3 + 1) ** 3
        for one, i in occurring
        for other, j in occurring
        if i != j and (one == other or one[0] != other[0])
    ]
    weights = drawn[blocks][None].astype(float)
    assert _within(rows, weights, blocks)[0] == pytest.approx(np.mean(kernels))
