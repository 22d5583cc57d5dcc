"""The digits world: exact scenes, sentences that are true of them, banned digits, and a judge that reads them back."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFilter

from mindseye.collection.builtin.digits import VERSION, open_digits, write_digits
from mindseye.collection.builtin.digits.decode import decode
from mindseye.collection.builtin.digits.pen import draw
from mindseye.collection.builtin.digits.scene import (
    DIGITS,
    PLACES,
    TEMPLATES,
    Scene,
    Thing,
    banned,
    is_unseen,
    scene_at,
)
from mindseye.collection.collection import Collection
from mindseye.errors import BadInput
from mindseye.randomness import rng_at

SCENES = [scene_at(0, "train", index) for index in range(600)]


def drawn(scene: Scene, index: int, size_px: int = 32) -> np.ndarray:
    return draw(scene, size_px, rng_at(9, "a test's hand", index))


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Collection:
    return write_digits(tmp_path_factory.mktemp("digits") / "made", pictures=200)


def test_a_scene_is_a_function_of_seed_stream_and_position() -> None:
    assert scene_at(3, "train", 7) == scene_at(3, "train", 7)
    others = [scene_at(4, "train", 7), scene_at(3, "validation", 7), scene_at(3, "train", 8)]
    assert scene_at(3, "train", 7) not in others


def test_all_eight_sentences_and_all_ten_digits_come_about_as_often() -> None:
    templates = Counter(scene.template for scene in SCENES)
    assert set(templates) == set(TEMPLATES) and len(TEMPLATES) == 8
    assert min(templates.values()) > 0.5 * len(SCENES) / 8
    digits = Counter(thing.digit for scene in SCENES for thing in scene.things)
    assert set(digits) == set(range(10)) and min(digits.values()) > 0.5 * sum(digits.values()) / 10


def test_the_sentences_use_the_22_words_of_the_paper_but_for_the_full_stop() -> None:
    words = {word for scene in SCENES for word in scene.caption.split()}
    assert words == {*DIGITS, *"the digit is on at left right bottom top of image".split()}


def test_a_digit_is_banned_at_each_place_by_the_seed() -> None:
    assert banned(0) == banned(0) and banned(0) != banned(1)
    assert set(banned(0)) == set(PLACES)
    assert len(set(banned(0).values())) == len(PLACES), "no digit is banned twice"


def test_training_never_shows_a_banned_digit_in_its_place_whatever_the_sentence() -> None:
    for scene in SCENES:
        assert not any(thing.digit == banned(0)[thing.place] for thing in scene.things)
    unseen = [scene_at(0, "unseen_combinations", index, unseen=True) for index in range(100)]
    assert all(is_unseen(scene, 0) for scene in unseen)
    shown = {(thing.digit, thing.place) for scene in SCENES for thing in scene.things}
    assert len(shown) == 10 * 8 - 8, "all other combinations are seen"


def test_both_sentences_about_one_arrangement_mean_the_same_places() -> None:
    left = Scene(
        "the digit {} is on the left of the digit {}", (Thing(7, "left", 0.26, 0.5), Thing(3, "right", 0.74, 0.5))
    )
    right = Scene(
        "the digit {} is on the right of the digit {}", (Thing(3, "right", 0.74, 0.5), Thing(7, "left", 0.26, 0.5))
    )
    assert left.caption == "the digit seven is on the left of the digit three"
    assert right.caption == "the digit three is on the right of the digit seven"
    assert left.shown == right.shown == {(7, "left"), (3, "right")}


def test_the_ink_is_where_the_scene_says_and_the_border_is_black() -> None:
    for index, scene in enumerate(SCENES[:60]):
        ink = drawn(scene, index).astype(float)
        assert (ink == ink[..., :1]).all(), "grey"
        for thing in scene.things:
            x, y = int(32 * thing.x), int(32 * thing.y)
            assert ink[max(0, y - 7) : y + 8, max(0, x - 5) : x + 6].max() > 200
        assert ink[[0, -1], [0, -1]].max() == 0


def test_no_two_digits_are_written_alike() -> None:
    scene = Scene(next(iter(TEMPLATES)), (Thing(8, "left", 0.26, 0.5), Thing(8, "right", 0.74, 0.5)))
    one, other = drawn(scene, 0), drawn(scene, 1)
    assert np.abs(one.astype(int) - other).max() > 100
    assert np.array_equal(one, drawn(scene, 0)), "but by one hand always the same"


@pytest.mark.parametrize(
    ("size_px", "blur_px", "least"), [(32, 0.0, 0.97), (32, 1.0, 0.95), (24, 0.0, 0.95), (64, 0.0, 0.97)]
)
def test_real_pictures_are_read_back(size_px: int, blur_px: float, least: float) -> None:
    right = 0
    for index in range(120):
        scene = scene_at(7, "read back", index, unseen=index % 2 == 0)
        page = Image.fromarray(drawn(scene, index, size_px)).filter(ImageFilter.GaussianBlur(blur_px))
        right += decode(np.asarray(page)) == scene.shown
    assert right / 120 >= least


def test_what_is_no_digit_is_not_read_as_one() -> None:
    assert decode(np.zeros((32, 32, 3), np.uint8)) == frozenset()
    assert decode(np.full((32, 32, 3), 255, np.uint8)) == frozenset()
    rng = rng_at(0, "no digits")
    for _ in range(40):
        grain = Image.fromarray(rng.integers(0, 256, (6, 6), dtype=np.uint8)).resize((12, 12), Image.Resampling.BICUBIC)
        page = np.zeros((32, 32), np.uint8)
        page[2:14, 2:14] = np.asarray(grain)
        assert decode(np.repeat(page[..., None], 3, 2)) <= {(-1, "top left")}
    across = np.arange(32) - 8.0
    spot = 255 * np.exp(-(across[:, None] ** 2 + across**2) / 18)
    assert decode(np.repeat(spot[..., None], 3, 2).astype(np.uint8)) <= {(-1, "top left")}


def test_a_digit_in_the_middle_or_three_of_them_are_no_scene_of_this_world() -> None:
    three = tuple(Thing(1, "top left", *PLACES[place]) for place in ("top left", "top right", "bottom left"))
    for things in ((Thing(3, "left", 0.5, 0.5),), three):
        scene = Scene(next(iter(TEMPLATES)), things)
        assert not {digit for digit, _ in decode(drawn(scene, 0))} - {-1}


def test_a_transparent_picture_is_read_on_white_and_a_strange_array_is_refused() -> None:
    assert decode(np.zeros((32, 32, 4), np.uint8)) == frozenset()
    for shape in ((32, 32), (32, 16, 3), (8, 8, 3)):
        with pytest.raises(BadInput, match="not a picture that can be decoded"):
            decode(np.zeros(shape, np.uint8))


def test_the_truth_is_stored_beside_each_picture(small: Collection) -> None:
    for split in small.splits.values():
        for example in split:
            scene = Scene.from_truth(json.loads(example.truth))
            assert example.captions == (scene.caption,)
            assert is_unseen(scene, 0) == (split is small.splits["unseen_combinations"])
    assert {name: len(split) for name, split in small.splits.items()} == {
        "train": 200,
        "validation": 10,
        "unseen_combinations": 10,
    }


def test_more_scenes_begin_with_the_same_ones(small: Collection, tmp_path: Path) -> None:
    fewer = write_digits(tmp_path / "fewer", pictures=20, size_px=48)
    assert fewer.splits["train"].truths == small.splits["train"].truths[:20]
    assert fewer.splits["train"].image(0).size == (48, 48)


def test_it_is_prepared_once_into_the_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MINDSEYE_CACHE", str(tmp_path))
    write_digits(tmp_path / f"digits-{VERSION}", pictures=20)
    assert open_digits().name == "digits"
    assert len(open_digits().splits["train"]) == 20
