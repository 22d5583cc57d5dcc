from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from tests.collection.drawing import photo, sprite
from tests.think.clouds import cloud

from mindseye.collection.cleaning import Looks, looks
from mindseye.errors import BadInput
from mindseye.randomness import rng_at
from mindseye.think.copies import (
    PIXELS,
    Nearest,
    copy_rate,
    duplicate_rate,
    memorised,
    memorised_rate,
    nearest_by_features,
    nearest_by_pixels,
)


def looked_at(*pictures: NDArray[np.uint8]) -> list[Looks]:
    return [looks(Image.fromarray(picture)) for picture in pictures]


def brightened(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    brighter = picture.copy()
    brighter[..., :3] = np.clip(picture[..., :3] * 1.08 + 4, 0, 255)
    return brighter


def noised(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    noise = rng_at(0, "noise").normal(0, 6, picture[..., :3].shape)
    result = picture.copy()
    result[..., :3] = np.clip(picture[..., :3] + noise, 0, 255)
    return result


@pytest.mark.parametrize("draw", [sprite, photo], ids=["sprites", "photographs"])
def test_exact_mirrored_brightened_and_noised_copies_are_found_and_no_others(draw) -> None:  # type: ignore[no-untyped-def]
    training = looked_at(*(draw(number) for number in range(40)))
    held_out = looked_at(*(draw(number) for number in range(100, 130)))
    copies = [draw(3), draw(4)[:, ::-1], brightened(draw(5)), noised(draw(6))]
    others = [draw(number) for number in range(200, 216)]
    found, near = nearest_by_pixels(looked_at(*copies, *others), training)
    assert found.index[:4].tolist() == [3, 4, 5, 6]
    assert memorised(found).tolist() == [True] * 4 + [False] * 16
    assert memorised_rate(found).value == 0.2
    report = copy_rate(found, nearest_by_pixels(held_out, training)[0], encoder=PIXELS)
    assert (report.generated < report.threshold)[:4].all()
    assert 0.2 <= report.rate.value <= 0.25  # of sixteen others one may lie below the least of thirty
    assert {pair.generated for pair in report.closest[:4]} == {0, 1, 2, 3}
    assert report.rate.n_real == 40
    assert near.tolist()[:2] == [True, True]
    assert not near[4:].any()
    assert duplicate_rate(near, 40).value >= 0.1


def test_the_perceptual_hash_finds_brightened_copies_of_pictures_large_enough_for_it() -> None:
    training = looked_at(*(photo(number) for number in range(20)))
    _, near = nearest_by_pixels(looked_at(brightened(photo(5)), photo(99)), training)
    assert near.tolist() == [True, False]


def test_a_copy_of_a_picture_with_a_near_duplicate_is_memorised_when_the_two_are_one_group() -> None:
    training = looked_at(*(sprite(number) for number in range(10)), noised(sprite(3)))
    copy = looked_at(noised(sprite(3)))
    alone, _ = nearest_by_pixels(copy, training)
    grouped, _ = nearest_by_pixels(copy, training, training_groups=[*range(10), 3])
    assert alone.second[0] < 10 < grouped.second[0]
    assert memorised(grouped).all()


def test_the_features_of_the_mirrored_pictures_find_mirrored_copies() -> None:
    training = cloud(0, 200, 16)
    pictures, mirrored = cloud(1, 50, 16), cloud(2, 50, 16)
    pictures[7], mirrored[9] = 3 * training[20], training[30]
    found = nearest_by_features(pictures, training, mirrored=mirrored)
    assert (found.index[7], found.index[9]) == (20, 30)
    assert found.distance[[7, 9]] == pytest.approx([0, 0], abs=1e-12)
    assert (np.delete(found.distance, [7, 9]) > 0.05).all()
    assert nearest_by_features(pictures, training).distance[9] > 0.05


def test_nearest_and_second_are_those_of_the_cosine_computed_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mindseye.think.copies._AT_ONCE", 4)
    pictures, training = cloud(0, 11), cloud(1, 30)
    groups = [number % 7 for number in range(30)]
    found = nearest_by_features(pictures, training, training_groups=groups)
    for row, picture in enumerate(pictures):
        apart = [1 - one @ picture / np.linalg.norm(one) / np.linalg.norm(picture) for one in training]
        best = int(np.argmin(apart))
        other = min(apart[index] for index in range(30) if groups[index] != groups[best])
        assert found.index[row] == best
        assert (found.distance[row], found.second[row]) == pytest.approx((apart[best], other))


def test_a_model_that_copies_nothing_has_a_copy_rate_of_about_1_percent() -> None:
    training = cloud(0, 300)
    report = copy_rate(
        nearest_by_features(cloud(1, 2000), training), nearest_by_features(cloud(2, 2000), training), encoder="none"
    )
    assert report.rate.low <= 0.01 <= report.rate.high
    assert [pair.distance for pair in report.closest] == sorted(report.generated)[:20]


@pytest.mark.parametrize("held_out", [51, 82, 190, 426])
def test_few_held_out_pictures_make_the_interval_wide_and_not_the_model_a_copier(held_out: int) -> None:
    missed, called, found = 0, 0, []
    for draw in range(100):
        rng = rng_at(draw, "copies")
        unseen, drawn = (
            Nearest(np.zeros(n, dtype=np.int64), distance := rng.gamma(5, size=n), distance + 1, 1000)
            for n in (held_out, 400)
        )
        rate = copy_rate(drawn, unseen, encoder="none").rate
        missed += not rate.low <= 0.01 <= rate.high
        called += rate.low > 0.01
        copied = np.where(np.arange(400) < 120, 0.001, drawn.distance)
        found.append(copy_rate(Nearest(drawn.index, copied, copied + 1, 1000), unseen, encoder="none").rate.low)
    assert missed <= 7 and called <= 5
    assert min(found) > 0.02  # a model that gives back three pictures of ten is found out


def test_a_model_that_copies_half_of_the_time_has_a_copy_rate_of_half() -> None:
    training = cloud(0, 300)
    generated = np.concatenate([cloud(1, 100), training[:100] + 0.01])
    report = copy_rate(
        nearest_by_features(generated, training), nearest_by_features(cloud(2, 500), training), encoder="none"
    )
    assert report.rate.low < 0.51 < report.rate.high
    assert report.rate.value >= 0.5


def test_two_equal_nearest_pictures_are_no_memorised_one() -> None:
    training = looked_at(*[sprite(1)] * 2, sprite(2))
    found, near = nearest_by_pixels(looked_at(sprite(1)), training)
    assert not memorised(found).any()
    assert near.all()


def test_comparisons_that_mean_nothing_are_refused() -> None:
    few = nearest_by_features(cloud(0, 9), cloud(1, 30))
    many = nearest_by_features(cloud(0, 20), cloud(1, 30))
    with pytest.raises(BadInput, match="9 held-out pictures"):
        copy_rate(many, few, encoder="none")
    with pytest.raises(BadInput, match="compared with 31 training pictures"):
        copy_rate(many, nearest_by_features(cloud(0, 20), cloud(1, 31)), encoder="none")
    with pytest.raises(BadInput, match="all one group"):
        nearest_by_features(cloud(0, 20), cloud(1, 30), training_groups=["one"] * 30)
    with pytest.raises(BadInput, match="not as many mirrored"):
        nearest_by_features(cloud(0, 20), cloud(1, 30), mirrored=cloud(0, 19))
    with pytest.raises(BadInput, match="no pictures"):
        nearest_by_pixels([], looked_at(sprite(1), sprite(2)))
