"""The prompt cache: the same is the same bytes, alike is alike in meaning, and nothing else is taken for either."""

from __future__ import annotations

import math

import numpy as np
import pytest

from mindseye.imagine.imaginer import Imaginer
from mindseye.imagine.picture import Picture
from mindseye.imagine.request import Request
from mindseye.pictures.story import Story
from mindseye.recall.bits import distances, pack
from mindseye.serve.remembered import BITS, Remembered, guarded_words, key, radius


def drawn(prompt: str, seed: int = 0) -> Picture:
    pixels = np.full((16, 16, 4), seed, np.uint8)
    return Picture(pixels, Story(prompt=prompt, seed=seed, model="tiny", width=16, height=16))


def remembering(tiny: Imaginer, *prompts: str, pictures: int = 100, alike: float | None = 0.85) -> Remembered:
    memory = Remembered(pictures, alike)
    for seed, prompt in enumerate(prompts):
        memory.add(tiny, Request(prompt=prompt), seed, drawn(prompt, seed))
    return memory


def test_only_what_is_the_same_in_all_that_a_picture_depends_on_is_found(tiny: Imaginer) -> None:
    memory = remembering(tiny, "a cat")
    assert memory.find(tiny, Request(prompt="a cat", count=4, seed=9), 0) is not None, (
        "count and seed of a request are not"
    )
    others = [Request(prompt="a cat", steps=3), Request(prompt="a cat", guidance=2), Request(prompt="a dog")]
    others.append(Request(prompt="a cat", negative_prompt="a dog"))
    others.append(Request(prompt="a cat", picture=b"1", strength=0.5))
    assert not [memory.find(tiny, other, 0) for other in others if memory.find(tiny, other, 0)]
    assert memory.find(tiny, Request(prompt="a cat"), 1) is None
    given = [key(tiny, Request(prompt="", picture=picture, strength=0.5), 0) for picture in (b"1", b"2")]
    assert given[0] != given[1]
    assert memory.same == 1


def test_an_edit_makes_another_model_of_it(tiny: Imaginer) -> None:
    from mindseye.correct.making import make
    from mindseye.imagine.edits import Edit, EditRecord

    made = make(tiny, "UCE", [("a cat", "a dog")])
    record = EditRecord(
        name="dog", method="UCE", pairs=(("a cat", "a dog"),), model="tiny", model_sha256=tiny.sha256,
        encoder_sha256=tiny.ours.encoder.sha256, layers=dict(made.inputs), share_of_weights=0.1, seconds=0,
    )  # fmt: skip
    edited = tiny.corrected([Edit(record, made.layers, "0" * 64)])
    memory = remembering(tiny, "a cat")
    assert memory.find(edited, Request(prompt="a cat"), 0) is None
    assert not memory.find_alike(edited, Request(prompt="a cat"), 4)


def test_what_was_asked_for_longest_ago_is_forgotten_first(tiny: Imaginer) -> None:
    memory = remembering(tiny, "one", "two", pictures=2)
    assert memory.find(tiny, Request(prompt="one"), 0)
    memory.add(tiny, Request(prompt="three"), 2, drawn("three", 2))
    assert len(memory) == 2
    assert memory.find(tiny, Request(prompt="one"), 0) and not memory.find(tiny, Request(prompt="two"), 1)
    assert len(memory.find_alike(tiny, Request(prompt="two"), 4)) == 0, "its code is gone, too"


def test_alike_words_find_a_picture_that_says_what_it_was_drawn_for(tiny: Imaginer) -> None:
    memory = remembering(tiny, "a picture of a dog", "a steam locomotive")
    [found] = memory.find_alike(tiny, Request(prompt="picture of a dog"), 4)
    assert found.story.prompt == "a picture of a dog" and "shown for 'picture of a dog'" in found.story.notes[0]
    assert memory.alike_found == 1
    assert not Remembered(100).find_alike(tiny, Request(prompt="a picture of a dog"), 4), "it was not asked to"


def test_the_same_prompt_gives_as_many_different_pictures_as_there_are(tiny: Imaginer) -> None:
    memory = remembering(tiny, "a cat", "a cat", "a cat")
    found = memory.find_alike(tiny, Request(prompt="a cat"), 2)
    assert len({picture.story.seed for picture in found}) == 2 and not found[0].story.notes
    assert len(memory.find_alike(tiny, Request(prompt="a cat"), 9)) == 3


@pytest.mark.parametrize(
    ("one", "other"),
    [("a red car", "a blue car"), ("two cats", "three cats"), ("a face with glasses", "a face without glasses"),
     ("an arrow to the left", "an arrow to the right"), ("4 clubs", "5 clubs")],
)  # fmt: skip
def test_words_that_change_the_picture_are_never_taken_for_each_other(tiny: Imaginer, one: str, other: str) -> None:
    memory = remembering(tiny, one, alike=0.5)
    assert memory.find_alike(tiny, Request(prompt=one), 1)
    assert not memory.find_alike(tiny, Request(prompt=other), 1)
    assert guarded_words(one) != guarded_words(other)


@pytest.mark.parametrize("cosine", [0.8, 0.9, 0.97, 1.0])
def test_codes_of_sentences_as_alike_as_that_lie_within_the_radius(cosine: float) -> None:
    rng = np.random.default_rng(0)
    first, apart = rng.standard_normal((2, 2000, 384))
    first /= np.linalg.norm(first, axis=1, keepdims=True)
    apart -= (apart * first).sum(1, keepdims=True) * first
    apart /= np.linalg.norm(apart, axis=1, keepdims=True)
    second = cosine * first + math.sqrt(1 - cosine**2) * apart
    planes = rng.standard_normal((384, BITS))
    away = np.array(
        [distances(a[None], b[None])[0, 0] for a, b in zip(pack(first @ planes), pack(second @ planes), strict=True)]
    )
    assert (away <= radius(cosine)).mean() > 0.995
    assert cosine == 1 or radius(cosine) < BITS / 2
