"""Prompt-following: each aspect means what it says, real renders follow, others do not."""

from __future__ import annotations

import numpy as np
import pytest

from mindseye.collection.builtin.shapes.picture import draw
from mindseye.collection.builtin.shapes.scene import Scene, Thing, scene_at
from mindseye.collection.builtin.shapes.words import captions, understood
from mindseye.errors import BadInput
from mindseye.randomness import rng_at
from mindseye.think.following import ASPECTS, ENCODER, following, following_figures, judged

LEFT, RIGHT, CENTRE = (0.26, 0.5), (0.74, 0.5), (0.5, 0.5)


def thing(shape: str, colour: str, at: tuple[float, float] = CENTRE, radius: float = 0.19) -> Thing:
    return Thing(shape, colour, *at, radius)


def holds(caption: str, *things: Thing, background: str = "white") -> dict[str, bool]:
    return judged(understood(caption), Scene(background, things))


def prompts_of(scenes: list[Scene]) -> list[str]:
    """A caption of each scene, now and then a full one and mostly one that leaves things out."""
    ways = [captions(scene, rng_at(0, "prompts of tests", index)) for index, scene in enumerate(scenes)]
    return [texts[index % len(texts)] for index, texts in enumerate(ways)]


def scenes(count: int, *, unseen: bool = False) -> list[Scene]:
    return [scene_at(0, "tests", index, unseen=unseen) for index in range(count)]


def test_a_plain_prompt_states_an_object_and_its_colour() -> None:
    assert holds("a red circle", thing("circle", "red")) == {"object": True, "colour": True, "right": True}
    assert holds("a red circle", thing("circle", "blue")) == {"object": True, "colour": False, "right": False}
    assert holds("a red circle", thing("star", "red")) == {"object": False, "colour": True, "right": False}
    assert holds("a red circle", thing("", "red")) == {"object": False, "colour": True, "right": False}
    assert holds("a red circle") == {"object": False, "colour": False, "right": False}


def test_a_thing_too_many_is_wrong_only_as_a_whole() -> None:
    seen = holds("a red circle", thing("circle", "red", LEFT), thing("", "", RIGHT))
    assert seen == {"object": True, "colour": True, "right": False}


def test_colours_that_are_swapped_are_there_but_not_bound() -> None:
    seen = holds("a red circle left of a blue star", thing("circle", "blue", LEFT), thing("star", "red", RIGHT))
    assert seen == {"object": True, "colour": True, "binding": False, "relation": True, "right": False}


def test_things_that_change_places_have_their_colours_but_not_their_relation() -> None:
    seen = holds("a red circle left of a blue star", thing("circle", "red", RIGHT), thing("star", "blue", LEFT))
    assert seen == {"object": True, "colour": True, "binding": True, "relation": False, "right": False}


def test_two_things_of_one_shape_are_told_apart_by_colour() -> None:
    caption = "a small red circle left of a large blue circle"
    red, blue = thing("circle", "red", LEFT, 0.12), thing("circle", "blue", RIGHT)
    assert all(holds(caption, red, blue).values())
    swapped = holds(caption, thing("circle", "red", RIGHT, 0.12), thing("circle", "blue", LEFT))
    assert (swapped["relation"], swapped["size"], swapped["binding"]) == (False, True, True)
    assert not holds(caption, red)["object"]


def test_two_things_of_one_colour_state_no_binding() -> None:
    assert "binding" not in holds("a red circle left of a red star", thing("circle", "red", LEFT))


def test_count_place_size_and_background_are_checked_where_they_are_said() -> None:
    stars = [thing("star", "blue", (x, 0.25), 0.12) for x in (0.25, 0.75)]
    assert holds("two small blue stars on black", *stars, background="black") == {
        **dict.fromkeys(["object", "colour", "count", "size", "background", "right"], True)
    }
    assert not holds("three blue stars", *stars)["count"]
    assert not holds("two large blue stars", *stars)["size"]
    assert not holds("two large blue stars", stars[0], thing("star", "blue", (0.75, 0.25)))["size"]
    assert not holds("two blue stars on white", *stars, background="")["background"]
    assert holds("a blue star on the left", thing("star", "red", LEFT))["place"]
    assert not holds("a blue star on the left", thing("star", "blue", RIGHT))["place"]


def test_every_aspect_is_stated_by_some_prompt_and_holds_wherever_all_is_right() -> None:
    truths = scenes(100)
    asked = [understood(text) for text in prompts_of(truths[:50])]
    stated = set()
    for said, scene in ((said, scene) for said in asked for scene in truths):
        verdict = judged(said, scene)
        stated |= set(verdict)
        assert not verdict["right"] or all(verdict.values())
    assert stated == set(ASPECTS)


def test_real_renders_follow_their_prompts_and_other_renders_do_not() -> None:
    truths = scenes(60, unseen=True)
    texts, pictures = prompts_of(truths), [np.asarray(draw(scene, 32)) for scene in truths]
    right = following_figures(texts, pictures, "unseen", seeds="0-59")
    assert [figure.name for figure in right] == [f"following_{aspect}/unseen" for aspect in ASPECTS]
    assert all(figure.value == 1 and figure.encoder == ENCODER and figure.seeds == "0-59" for figure in right)
    wrong = {figure.name: figure for figure in following_figures(texts, pictures[1:] + pictures[:1], "unseen")}
    assert wrong["following_right/unseen"].value <= 0.05
    assert 0.2 < wrong["following_background/unseen"].value < 0.8


def test_noise_follows_no_prompt() -> None:
    texts = prompts_of(scenes(20))
    noise = np.random.default_rng(0).integers(0, 256, (20, 32, 32, 3), dtype=np.uint8)
    assert {figure.value for figure in following_figures(texts, noise, "noise") if "right" in figure.name} == {0.0}


def test_a_figure_has_wilsons_interval_over_the_prompts_that_state_it() -> None:
    """Wilson (1927) for 7 of 10: 0.3968 to 0.8922."""
    circle, star = (np.asarray(draw(Scene("white", (thing(shape, "red"),)), 32)) for shape in ("circle", "star"))
    texts = [f"a{size} red circle{place}" for size in ("", " large") for place in ("", *PLACES)]
    figures = {figure.name: figure for figure in following_figures(texts, [circle] * 7 + [star] * 3, "few")}
    figure = figures["following_object/few"]
    assert (figure.value, figure.n_generated) == (0.7, 10)
    assert (figure.low, figure.high) == pytest.approx((0.3968, 0.8922), abs=1e-4)
    assert figures["following_size/few"].n_generated == 5
    assert "following_count/few" not in figures


PLACES = (" on the left", " on the right", " at the top", " at the bottom")


def test_many_pictures_of_one_prompt_tell_less_than_pictures_of_many_prompts() -> None:
    circle, star = (np.asarray(draw(Scene("white", (thing(shape, "red"),)), 32)) for shape in ("circle", "star"))
    together = following_figures(["a red circle"] * 8 + ["a red ring"] * 8, [circle] * 16, "x")[0]
    apart = following_figures([f"a red {s}" for s in ("circle", "ring")], [circle, star], "x")[0]
    assert together.value == apart.value == 0.5
    assert together.high - together.low == pytest.approx(apart.high - apart.low)


def test_a_verdict_says_what_was_seen() -> None:
    scene = Scene("black", (thing("ring", "cyan"),))
    (verdict,) = following(["a cyan ring on white"], [np.asarray(draw(scene, 48))])
    assert (verdict.seen.background, verdict.seen.things[0].shape) == ("black", "ring")
    assert verdict.holds == {"object": True, "colour": True, "background": False, "right": False}


def test_what_cannot_be_judged_is_refused() -> None:
    picture = np.zeros((32, 32, 3), np.uint8)
    with pytest.raises(BadInput, match="2 pictures cannot be judged by 1 prompts"):
        following(["a red circle"], [picture, picture])
    with pytest.raises(BadInput, match="0 pictures"):
        following([], [])
    with pytest.raises(BadInput, match="not a caption of the shapes world"):
        following(["a smiling cat"], [picture])
