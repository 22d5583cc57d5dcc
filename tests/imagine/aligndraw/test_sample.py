"""Drawing: the canvas over time, which words it looked at, and what prompts of every kind do."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from mindseye.errors import BadInput
from mindseye.imagine.aligndraw import FAMILY
from mindseye.imagine.aligndraw.sample import Trace, shown, where_looked
from mindseye.imagine.family import Settings
from mindseye.imagine.imaginer import Imaginer, load
from mindseye.imagine.request import Request
from mindseye.learn.about import About, CollectionReference, EncoderReference, Training
from mindseye.learn.folder import save_model
from mindseye.observe.text import load_text_encoder
from mindseye.report.attention import attention_sheet

from .small import model, words


def folder(path: Path, reader: str = "align") -> Path:
    """The folder of a tiny model that knows the words "red" and "circle"; its canvas begins grey."""
    made = model(reader=reader, blank=(0.0,))
    about = About(
        name="small",
        family="aligndraw",
        config=made.config.model_dump(),
        pixel_art=False,
        text_encoder=EncoderReference(name="all-MiniLM-L6-v2", sha256=load_text_encoder().sha256, token_limit=32),
        collection=CollectionReference(name="test", fingerprint="0" * 64, pictures=3, captions=3),
        training=Training(pictures_seen=0, hours=0, machine="a test", seed=0, settings={}),
        versions={},
    )
    save_model(path, FAMILY, made, about, ["red", "circle"], sheet=None)
    return path


@pytest.fixture(scope="module")
def imaginer(tmp_path_factory: pytest.TempPathFactory) -> Imaginer:
    return load(folder(tmp_path_factory.mktemp("aligndraw") / "small"), device="cpu")


def test_the_canvas_before_the_first_step_is_black_and_with_transparency_it_is_nothing() -> None:
    canvas = model().network.begin(1)
    assert torch.allclose(shown(canvas), torch.tensor(-1.0), atol=1e-3)


def test_each_step_adds_to_the_canvas_of_the_one_before() -> None:
    made = model()
    seen = list(made.draw(words(5, 3), None, [0, 1], Settings()))
    assert len(seen) == 2 * 4, "four steps for each picture"
    assert [now.step for now in seen] == list(range(1, 9))
    of = made.trace(words(5, 3), [0, 1], Settings())
    assert of.canvases.shape == (2, 5, 4, 16, 16) and of.shares.shape == (2, 4, 12)
    assert torch.equal(of.canvases[:, -1], seen[-1].pictures)
    assert all((of.canvases[:, step] != of.canvases[:, step + 1]).any() for step in range(4))


def test_at_temperature_zero_all_seeds_draw_one_picture_and_more_of_it_spreads_them() -> None:
    made = model()

    def spread(temperature: float) -> float:
        *_, last = made.draw(words(5).rows([0] * 4), None, range(4), Settings(temperature=temperature))
        return float(last.pictures.std(0).mean())

    assert spread(0) == pytest.approx(0, abs=1e-7)
    assert 0 < spread(0.5) < spread(2)


def test_a_place_looked_at_the_words_of_the_steps_that_changed_it() -> None:
    """Step 1 looks at word 0 and changes the upper half, step 2 at word 1 and changes the lower half."""
    canvases = torch.full((1, 3, 1, 4, 4), -1.0)
    canvases[0, 1:, :, :2] = 1.0
    canvases[0, 2, :, 2:, :2] = 1.0
    shares = torch.tensor([[[1.0, 0.0], [0.0, 1.0]]])
    maps = where_looked(Trace(canvases, shares))[0]
    expected = torch.zeros(2, 4, 4)
    expected[0, :2], expected[1, 2:, :2] = 1.0, 1.0
    assert torch.allclose(maps, expected, atol=1e-2)
    assert maps.sum(0).max() < 1


def test_an_arm_without_alignment_says_that_it_does_not_look_at_words(tmp_path: Path) -> None:
    arm = load(folder(tmp_path / "arm", reader="noalign"), device="cpu")
    assert arm.imagine(Request(prompt="a red circle"))[0].pixels.shape == (16, 16, 4)
    with pytest.raises(BadInput, match="reader=noalign"):
        arm.attention(Request(prompt="a red circle"))


def test_which_words_it_looked_at_is_told_word_by_word(imaginer: Imaginer) -> None:
    request = Request(prompt="a red circle", count=2)
    attended = imaginer.attention(request)
    assert [word for word, _ in attended[0].words] == ["a", "red", "circle"]
    assert np.array_equal(attended[1].picture.pixels, imaginer.imagine(request)[1].pixels)
    assert attention_sheet(attended, request.prompt).mode == "RGB"


def test_an_empty_prompt_draws_from_no_caption(imaginer: Imaginer) -> None:
    empty, space, asked = (imaginer.imagine(Request(prompt=p))[0] for p in ("", "  ", "a red circle"))
    assert np.array_equal(empty.pixels, space.pixels) and empty.story.notes == ()
    assert not np.array_equal(empty.pixels, asked.pixels)
    with pytest.raises(BadInput, match="no word to look at"):
        imaginer.attention(Request(prompt=""))


def test_a_very_long_prompt_is_cut_and_that_is_said(imaginer: Imaginer) -> None:
    cut, longer = (imaginer.imagine(Request(prompt="red circle " * times))[0] for times in (50, 150))
    assert np.array_equal(cut.pixels, longer.pixels)
    assert any("longer than the 32 tokens" in note for note in cut.story.notes)
    with pytest.raises(BadInput, match="prompt"):
        Request.of(prompt="red " * 1000)


def test_words_that_no_caption_had_are_read_and_named(imaginer: Imaginer) -> None:
    strange = imaginer.imagine(Request(prompt="a zorblax circle"))[0]
    assert strange.story.notes == ("words it never saw in a caption: zorblax",)
    assert not np.array_equal(strange.pixels, imaginer.imagine(Request(prompt="a red circle"))[0].pixels)


@pytest.mark.parametrize("prompt", ["🦀🦀", "\u202e\u0000circle", "\n\t", "ß" * 300, "😀" * 500, "the " * 300])
def test_a_strange_prompt_draws_a_picture(imaginer: Imaginer, prompt: str) -> None:
    [picture] = imaginer.imagine(Request(prompt=prompt))
    assert picture.pixels.shape == (16, 16, 4) and picture.pixels.dtype == np.uint8


@pytest.mark.parametrize("asked", [{"guidance": 2}, {"steps": 3}, {"negative_prompt": "blue"}, {"sampler": "euler"}])
def test_what_it_cannot_do_is_refused_by_name(imaginer: Imaginer, asked: dict[str, object]) -> None:
    with pytest.raises(BadInput, match=next(iter(asked))):
        imaginer.imagine(Request.of(prompt="a red circle", **asked))
