"""Pictures to go on from: fitted to the model, kept by the byte, refused with a reason."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mindseye.errors import BadInput
from mindseye.imagine.given import fitted
from mindseye.imagine.imaginer import Imaginer, load
from mindseye.imagine.request import Request
from mindseye.learn.learner import PictureFormat

RGBA_16, RGB_16 = PictureFormat(16, 4), PictureFormat(16, 3)


def png(pixels: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def square(edge_px: int = 16, colour: tuple[int, ...] = (200, 30, 30, 255)) -> np.ndarray:
    return np.full((edge_px, edge_px, len(colour)), colour, np.uint8)


@pytest.fixture(scope="module")
def imaginer(tiny_folder: Path) -> Imaginer:
    return load(tiny_folder)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"keep": 0.5}, "keep needs a picture"),
        ({"strength": 0.5}, "strength needs a picture"),
        ({"picture": b"x"}, "one of keep, mask and strength"),
        ({"picture": b"x", "keep": 0.5, "strength": 0.5}, "one of keep, mask and strength"),
        ({"picture": b"x", "keep": 0.0}, "keep"),
        ({"picture": b"x", "keep": 1.0}, "keep"),
        ({"picture": b"x", "strength": 1.1}, "strength"),
        ({"picture": "cat.png", "keep": 0.5}, "the bytes of a picture"),
    ],
)
def test_a_picture_needs_one_purpose_and_a_purpose_a_picture(fields: dict[str, object], said: str) -> None:
    with pytest.raises(BadInput, match=said):
        Request.of(prompt="a cat", **fields)


def test_keep_is_the_upper_share_of_the_rows() -> None:
    start = fitted(Request(prompt="", picture=png(square()), keep=0.25), RGBA_16)
    assert start.known[:4].all() and not start.known[4:].any()
    assert start.note == "", "it fits as it is"


def test_a_mask_is_white_or_transparent_where_to_draw_and_the_padding_stays() -> None:
    wide = np.full((16, 32, 3), 90, np.uint8)
    white_left = np.zeros((16, 32, 3), np.uint8)
    white_left[:, :16] = 255
    clear_left = np.full((16, 32, 4), 255, np.uint8)
    clear_left[:, :16, 3] = 0
    for mask in (white_left, clear_left):
        start = fitted(Request(prompt="", picture=png(wide), mask=png(mask)), RGBA_16)
        anew = ~start.known
        assert anew[4:12, :8].all() and anew.sum() == 64, "8 of 16 rows hold the picture, 4 above and below are padding"


def test_a_mask_of_another_size_or_without_anything_to_draw_is_refused() -> None:
    with pytest.raises(BadInput, match="the mask is 8 x 8 px, the picture 16 x 16 px"):
        fitted(Request(prompt="", picture=png(square()), mask=png(square(8))), RGBA_16)
    with pytest.raises(BadInput, match="nothing to draw"):
        fitted(Request(prompt="", picture=png(square()), mask=png(square(colour=(0, 0, 0)))), RGBA_16)


def test_what_fitting_changes_is_said() -> None:
    clear = png(square(40, (200, 30, 30, 0)))
    start = fitted(Request(prompt="", picture=clear, strength=0.5), RGB_16)
    assert start.note == "the given picture was fitted from 40 x 40 px to 16 x 16 px and was laid on white"
    assert (start.pixels == 255).all() and start.known is None and start.strength == 0.5


@pytest.mark.parametrize(
    ("pixels", "keep", "said"),
    [
        (square(), 0.25, ""),
        (square(colour=(10, 20, 30, 255)), 0.25, "64 of 64 kept"),
        (square(colour=(200, 30, 30, 200)), 0.5, "128 of 128 kept"),  # half transparent
        (square(colour=(10, 20, 30, 0)), 0.25, ""),  # what cannot be seen has no colour
        (np.concatenate([square()[:3], square(colour=(1, 2, 3, 255))[:13]]), 0.25, "16 of 64 kept"),
        (np.concatenate([square()[:8], square(colour=(1, 2, 3, 255))[:8]]), 0.5, ""),  # those are drawn anew
    ],
)
def test_kept_colours_that_the_model_does_not_have_are_told(pixels: np.ndarray, keep: float, said: str) -> None:
    request = Request(prompt="", picture=png(pixels), keep=keep)
    note = fitted(request, RGBA_16, ["c81e1e", "0000ff"]).note
    assert note.startswith(said) and bool(note) == bool(said)
    assert fitted(request, RGBA_16).note == "", "a model without a palette draws any colour"
    varied = Request(prompt="", picture=png(pixels), strength=0.5)
    assert fitted(varied, RGBA_16, ["c81e1e", "0000ff"]).note == "", "of a variation nothing is kept"


def test_a_file_that_is_no_picture_is_refused(imaginer: Imaginer) -> None:
    for request in (
        Request(prompt="", picture=b"nothing", keep=0.5),
        Request(prompt="", picture=png(square()), mask=b"nothing"),
    ):
        with pytest.raises(BadInput, match="cannot be used"):
            imaginer.imagine(request)


def test_a_completion_tells_how_it_was_made_and_keeps_the_bytes(imaginer: Imaginer) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (16, 16, 4), dtype=np.uint8)
    noise[..., 3] |= 1  # a pixel that cannot be seen has no colour to keep
    pictures = imaginer.imagine(Request(prompt="a cat", picture=png(noise), keep=0.5, count=3, steps=3))
    for picture in pictures:
        assert np.array_equal(picture.pixels[:8], noise[:8])
        assert (picture.story.keep, picture.story.masked, picture.story.strength) == (0.5, False, None)
        assert len(picture.story.given_sha256) == 64
    assert not np.array_equal(pictures[0].pixels, pictures[1].pixels)
    [alone] = imaginer.imagine(Request(prompt="a cat", picture=png(noise), keep=0.5, seed=1, steps=3))
    assert np.array_equal(alone.pixels, pictures[1].pixels)


def test_a_variation_of_strength_zero_has_the_given_bytes(imaginer: Imaginer) -> None:
    [picture] = imaginer.imagine(Request(prompt="a cat", picture=png(square()), strength=0.0))
    assert np.array_equal(picture.pixels, square())


def test_the_way_between_two_requests_ends_in_their_pictures(imaginer: Imaginer) -> None:
    begin, end = Request(prompt="a cat", seed=1, steps=2), Request(prompt="a big smiling dog", seed=5, steps=2)
    way = imaginer.between(begin, end, 4)
    assert np.array_equal(way[0], imaginer.imagine(begin)[0].pixels)
    assert np.array_equal(way[3], imaginer.imagine(end)[0].pixels)
    assert not np.array_equal(way[1], way[2])


def test_a_way_on_which_something_else_changes_is_refused(imaginer: Imaginer) -> None:
    with pytest.raises(BadInput, match="only the prompt and the seed"):
        imaginer.between(Request(prompt="a", steps=2), Request(prompt="b", steps=3), 4)
    with pytest.raises(BadInput, match="count"):
        imaginer.between(Request(prompt="a"), Request(prompt="b"), 1)


def test_attention_has_a_map_for_each_word_of_the_prompt_and_the_pictures_are_the_same(imaginer: Imaginer) -> None:
    request = Request(prompt="A Smiling tyrannosaurus!", count=2, steps=2)
    attended = imaginer.attention(request)
    for each, plain in zip(attended, imaginer.imagine(request), strict=True):
        assert np.array_equal(each.picture.pixels, plain.pixels) and each.picture.story == plain.story
        assert [word for word, _ in each.words] == ["A", "Smiling", "tyrannosaurus", "!"]
        assert all(heat.shape == (8, 8) and heat.min() > 0 for _, heat in each.words)
    with pytest.raises(BadInput, match="attention"):
        imaginer.attention(Request(prompt=""))
