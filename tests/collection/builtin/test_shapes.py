"""The procedural world: exact pictures, true captions, and combinations that training never shows."""

from __future__ import annotations

import json
from collections import Counter
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

from mindseye.collection.builtin.shapes import VERSION, open_shapes, write_shapes
from mindseye.collection.builtin.shapes.picture import draw
from mindseye.collection.builtin.shapes.scene import (
    BACKGROUNDS,
    COLOURS,
    SHAPES,
    UNSEEN_PAIRS,
    Scene,
    Thing,
    is_pair,
    is_unseen,
    scene_at,
)
from mindseye.collection.builtin.shapes.words import (
    Description,
    Noun,
    captions,
    description,
    is_true,
    phrase,
    understood,
)
from mindseye.collection.collection import Collection
from mindseye.errors import BadInput
from mindseye.randomness import rng_at

SCENES = [scene_at(0, "train", index) for index in range(400)]


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Collection:
    return write_shapes(tmp_path_factory.mktemp("shapes") / "made", pictures=200)


def test_a_scene_is_a_function_of_seed_stream_and_position() -> None:
    assert scene_at(3, "train", 7) == scene_at(3, "train", 7)
    others = [scene_at(4, "train", 7), scene_at(3, "validation", 7), scene_at(3, "train", 8)]
    assert scene_at(3, "train", 7) not in others


def test_all_kinds_of_scene_come_about_as_often_as_they_should() -> None:
    kinds = Counter("pair" if is_pair(scene) else "single" if len(scene.things) == 1 else "several" for scene in SCENES)
    assert 0.3 < kinds["single"] / len(SCENES) < 0.5
    assert 0.15 < kinds["several"] / len(SCENES) < 0.35
    assert 0.25 < kinds["pair"] / len(SCENES) < 0.45
    assert {len(scene.things) for scene in SCENES} == {1, 2, 3, 4}
    assert {thing.shape for scene in SCENES for thing in scene.things} == set(SHAPES)
    assert {thing.colour for scene in SCENES for thing in scene.things} == set(COLOURS)


def test_training_never_shows_an_unseen_combination_and_the_other_split_always_does() -> None:
    assert not any(is_unseen(scene) for scene in SCENES)
    held_out = [scene_at(0, "unseen_combinations", index, unseen=True) for index in range(100)]
    assert all(is_unseen(scene) for scene in held_out)
    by_relation_only = [s for s in held_out if not any((t.colour, t.shape) in UNSEEN_PAIRS for t in s.things)]
    assert by_relation_only
    assert len(by_relation_only) < len(held_out)


def test_a_held_out_relation_is_known_from_either_side() -> None:
    circle, triangle = Thing("circle", "red", 0.26, 0.5, 0.19), Thing("triangle", "red", 0.74, 0.5, 0.19)
    assert is_unseen(Scene("white", (circle, triangle)))
    assert is_unseen(Scene("white", (triangle, circle)))
    swapped = (Thing("triangle", "red", 0.26, 0.5, 0.19), Thing("circle", "red", 0.74, 0.5, 0.19))
    assert not is_unseen(Scene("white", swapped))


def test_things_stay_inside_the_picture_and_never_touch() -> None:
    for scene in SCENES:
        for thing in scene.things:
            assert thing.radius < min(thing.x, thing.y, 1 - thing.x, 1 - thing.y)
        for one, other in combinations(scene.things, 2):
            apart = max(abs(one.x - other.x), abs(one.y - other.y))
            assert apart - one.radius - other.radius > 1 / 32  # a pixel of background between them at 32 px


def test_every_thing_is_drawn_in_exactly_its_colour_on_exactly_its_background() -> None:
    for scene in SCENES[:150]:
        pixels = np.asarray(draw(scene, 32)).astype(int)
        assert tuple(pixels[0, 0]) == BACKGROUNDS[scene.background]
        for thing in scene.things:
            off_centre = 0.78 if thing.shape == "ring" else 0.0  # the middle of the ring's band
            x, y = int(thing.x * 32), int((thing.y - off_centre * thing.radius) * 32)
            nearest = min(COLOURS, key=lambda name: np.abs(np.subtract(COLOURS[name], pixels[y, x])).sum())
            assert nearest == thing.colour


def test_colours_can_be_told_apart() -> None:
    everything = [*COLOURS.values(), *BACKGROUNDS.values()]
    assert min(np.linalg.norm(np.subtract(a, b)) for a, b in combinations(everything, 2)) > 80


def test_what_is_drawn_covers_the_area_that_geometry_gives() -> None:
    """pi r^2, (1.7 r)^2 and pi r^2 (1 - 0.55^2) for a circle, a square and a ring of radius r."""
    radius = 0.19
    expected = {"circle": np.pi, "square": 1.7**2, "ring": np.pi * (1 - 0.55**2)}
    for shape, area in expected.items():
        scene = Scene("black", (Thing(shape, "cyan", 0.5, 0.5, radius),))
        blue = np.asarray(draw(scene, 64))[..., 2] / COLOURS["cyan"][2]
        assert blue.sum() / 64**2 == pytest.approx(area * radius**2, rel=0.03)


def test_every_caption_is_understood_and_true_of_its_scene() -> None:
    for index, scene in enumerate(SCENES):
        for caption in captions(scene, rng_at(0, "test", index)):
            assert is_true(understood(caption), scene), caption


def test_whatever_way_a_description_is_said_it_is_understood_as_itself() -> None:
    rng = np.random.default_rng(0)
    for scene in SCENES:
        said = description(scene)
        assert understood(phrase(said, rng)) == said


def test_a_caption_of_another_scene_is_seldom_true() -> None:
    truths = [is_true(description(scene), other) for scene, other in zip(SCENES, SCENES[1:], strict=False)]
    assert sum(truths) < 4


@pytest.mark.parametrize(
    ("caption", "meaning"),
    [
        ("a red circle", Description(Noun("red", "circle"))),
        ("A tiny orange disc on the left", Description(Noun("orange", "circle", "small"), place="left")),
        ("3 pink crosses on black", Description(Noun("pink", "cross"), 3, background="black")),
        (
            "a blue hoop below a big green star",
            Description(Noun("green", "star", "large"), relation="above", second=Noun("blue", "ring")),
        ),
    ],
)
def test_captions_mean_what_they_say(caption: str, meaning: Description) -> None:
    assert understood(caption) == meaning


@pytest.mark.parametrize("caption", ["", "a circle", "a red cat", "five red circles", "a red circle on the left of"])
def test_a_caption_outside_the_grammar_is_refused(caption: str) -> None:
    with pytest.raises(BadInput, match="not a caption of the shapes world"):
        understood(caption)


def test_one_thing_too_many_makes_a_caption_untrue() -> None:
    circle = Thing("circle", "red", 0.26, 0.5, 0.19)
    square = Thing("square", "blue", 0.74, 0.5, 0.12)
    assert is_true(understood("a red circle"), Scene("white", (circle,)))
    assert not is_true(understood("a red circle"), Scene("white", (circle, square)))
    assert is_true(understood("a small blue square right of a red circle"), Scene("white", (square, circle)))
    assert not is_true(understood("a blue square left of a red circle"), Scene("white", (circle, square)))


def test_the_truth_is_stored_beside_each_picture(small: Collection) -> None:
    for split in small.splits.values():
        for example in split:
            scene = Scene.from_truth(json.loads(example.truth))
            assert all(is_true(understood(caption), scene) for caption in example.captions)
    first = small.splits["train"]
    assert first.image(0).tobytes() == draw(Scene.from_truth(json.loads(first.truths[0])), 32).tobytes()
    assert {name: len(split) for name, split in small.splits.items()} == {
        "train": 200,
        "validation": 10,
        "unseen_combinations": 10,
    }


def test_more_scenes_begin_with_the_same_ones(small: Collection, tmp_path: Path) -> None:
    fewer = write_shapes(tmp_path / "fewer", pictures=20, size_px=64)
    assert fewer.splits["train"].truths == small.splits["train"].truths[:20]
    assert fewer.splits["train"].image(0).size == (64, 64)


def test_it_is_prepared_once_into_the_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MINDSEYE_CACHE", str(tmp_path))
    write_shapes(tmp_path / f"shapes-{VERSION}", pictures=20)
    assert open_shapes().name == "shapes"
    assert len(open_shapes().splits["train"]) == 20
