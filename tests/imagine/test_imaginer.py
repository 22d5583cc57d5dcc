"""The imaginer: same seed, same bytes; refusals that name the field; notes on words it never saw."""

import weakref
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from mindseye.errors import BadInput
from mindseye.imagine.family import Progress, last_pictures
from mindseye.imagine.imaginer import Imaginer, load
from mindseye.imagine.request import Request


@pytest.fixture(scope="module")
def imaginer(tiny_folder: Path) -> Imaginer:
    return load(tiny_folder)


def test_picture_i_uses_seed_plus_i_and_can_be_drawn_again_alone(imaginer: Imaginer) -> None:
    several = imaginer.imagine(Request(prompt="a smiling cat", seed=10, count=6, steps=3))
    assert [picture.story.seed for picture in several] == [10, 11, 12, 13, 14, 15]
    for index in (0, 3, 5):
        alone = imaginer.imagine(Request(prompt="a smiling cat", seed=10 + index, steps=3))[0]
        assert np.array_equal(alone.pixels, several[index].pixels)
    assert not np.array_equal(several[0].pixels, several[1].pixels)


def test_pictures_of_several_prompts_are_those_of_each_alone(imaginer: Imaginer) -> None:
    prompts, seeds = ["a smiling cat", "", "a red dragon"], [7, 8, 7]
    together = imaginer.imagine_each(prompts, seeds)
    for prompt, seed, picture in zip(prompts, seeds, together, strict=True):
        [alone] = imaginer.imagine(Request(prompt=prompt, seed=seed))
        assert np.array_equal(alone.pixels, picture)


def test_the_last_seed_is_followed_by_the_first() -> None:
    assert Request(prompt="x", seed=2**32 - 1, count=3).seeds == [2**32 - 1, 0, 1]


def test_the_story_says_what_was_used_not_only_what_was_asked(imaginer: Imaginer) -> None:
    story = imaginer.imagine(Request(prompt="a cat", negative_prompt="smiling", steps=2))[0].story
    assert (story.prompt, story.negative_prompt, story.steps) == ("a cat", "smiling", 2)
    assert (story.guidance, story.sampler) == (5.0, "heun")
    assert story.model == "tiny"
    assert story.model_sha256 == imaginer.sha256


def test_prompt_negative_prompt_and_guidance_each_change_the_picture(imaginer: Imaginer) -> None:
    base = {"prompt": "a smiling cat", "steps": 3}
    plain = imaginer.imagine(Request(**base))[0].pixels
    for change in ({"prompt": "a dog"}, {"negative_prompt": "smiling"}, {"guidance": 1.0}, {"sampler": "euler"}):
        assert not np.array_equal(plain, imaginer.imagine(Request(**{**base, **change}))[0].pixels), change


def test_words_it_never_saw_are_named_and_it_still_draws(imaginer: Imaginer) -> None:
    request = Request(prompt="A smiling cat with a Zeppelin, zeppelin!", steps=1)
    assert imaginer.unknown_words(request.prompt) == ["zeppelin"]
    [picture] = imaginer.imagine(request)
    assert any("zeppelin" in note for note in picture.story.notes)


def test_a_prompt_longer_than_what_is_read_is_noted(imaginer: Imaginer) -> None:
    [picture] = imaginer.imagine(Request(prompt="smiling " * 200, steps=1))
    assert any("32 tokens" in note for note in picture.story.notes)


@pytest.mark.parametrize("prompt", ["", " ", "🙂", "\x00", "ｅｎ ＡＲ عربى", "x" * 2000])
def test_odd_prompts_draw(imaginer: Imaginer, prompt: str) -> None:
    [picture] = imaginer.imagine(Request(prompt=prompt, steps=1))
    assert picture.pixels.shape == (16, 16, 4)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("seed", -1),
        ("seed", 2**32),
        ("count", 0),
        ("count", 65),
        ("guidance", -0.1),
        ("guidance", 21),
        ("guidance", float("nan")),
        ("steps", 0),
        ("steps", 1001),
        ("steps", 1.5),
        ("size", 0),
        ("prompt", "x" * 2001),
        ("stepz", 3),
    ],
)
def test_a_value_out_of_range_is_refused_by_name(field: str, value: object) -> None:
    with pytest.raises(BadInput, match=field):
        Request.of(**{"prompt": "a cat", field: value})


def test_a_refusal_shows_the_beginning_of_what_is_long() -> None:
    with pytest.raises(BadInput) as caught:
        Request.of(prompt="x" * 50_000)
    assert "50,002 characters" in str(caught.value) and len(str(caught.value)) < 300


def test_what_the_model_cannot_do_is_refused_by_name(imaginer: Imaginer) -> None:
    with pytest.raises(BadInput, match="size cannot be 64"):
        imaginer.imagine(Request(prompt="a cat", size=64))
    with pytest.raises(BadInput, match="sampler") as caught:
        imaginer.imagine(Request(prompt="a cat", sampler="magic"))
    assert "heun" in str(caught.value)


def test_the_steps_on_the_way_to_a_picture_are_let_go_of() -> None:
    alive: weakref.WeakSet[torch.Tensor] = weakref.WeakSet()

    def drawing() -> Iterator[Progress]:
        for step in range(1, 10):
            pictures = torch.full((1, 3, 8, 8), float(step))
            alive.add(pictures)
            assert len(alive) <= 3
            yield Progress(step, 9, pictures)

    assert torch.equal(last_pictures(drawing()), torch.full((1, 3, 8, 8), 9.0))
