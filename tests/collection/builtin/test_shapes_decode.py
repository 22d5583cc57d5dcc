"""Decoding: real renders are read exactly, imperfect pictures are forgiven, and nonsense is credited with nothing."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from mindseye.collection.builtin.shapes.decode import decode
from mindseye.collection.builtin.shapes.picture import draw
from mindseye.collection.builtin.shapes.scene import BACKGROUNDS, COLOURS, SHAPES, Scene, Thing, scene_at
from mindseye.collection.builtin.shapes.words import description, is_true
from mindseye.errors import BadInput
from mindseye.randomness import rng_at

Pixels = NDArray[np.uint8]

UNSEEN = "unseen_combinations"
SCENES = [scene_at(0, "validation", i) for i in range(30)] + [scene_at(0, UNSEEN, i, unseen=True) for i in range(30)]
CIRCLE = Thing("circle", "red", 0.5, 0.5, 0.19)


def render(scene: Scene, size_px: int = 32) -> Pixels:
    return np.asarray(draw(scene, size_px))


def single(shape: str, colour: str = "blue", radius: float = 0.19, background: str = "white") -> Scene:
    return Scene(background, (Thing(shape, colour, 0.5, 0.5, radius),))


def sketch(size_px: int, outline: list[tuple[float, float]], fill: tuple[int, int, int] = COLOURS["red"]) -> Pixels:
    """A polygon in units of a large thing's radius in the middle of a white picture."""
    canvas = Image.new("RGB", (8 * size_px, 8 * size_px), "white")
    at = [tuple(8 * size_px * (0.5 + 0.19 * part) for part in corner) for corner in outline]
    ImageDraw.Draw(canvas).polygon(at, fill=fill)
    return np.asarray(canvas.reduce(8))


@pytest.mark.parametrize("size_px", [32, 48, 64, 128])
def test_a_real_render_is_read_exactly(size_px: int) -> None:
    for scene in SCENES:
        seen = decode(render(scene, size_px))
        assert seen.background == scene.background
        assert len(seen.things) == len(scene.things)
        for thing in scene.things:
            same = min(seen.things, key=lambda other: abs(other.x - thing.x) + abs(other.y - thing.y))
            assert (same.shape, same.colour, same.size) == (thing.shape, thing.colour, thing.size)
            assert (same.x, same.y, same.radius) == pytest.approx((thing.x, thing.y, thing.radius), abs=0.4 / 32)


def test_every_shape_in_every_colour_on_either_background_is_read_at_the_least_size() -> None:
    for shape in SHAPES:
        for colour in COLOURS:
            for background in BACKGROUNDS:
                scene = single(shape, colour, 0.12, background)
                assert is_true(description(scene), decode(render(scene))), (shape, colour, background)


def blurred(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    return np.asarray(Image.fromarray(pixels).filter(ImageFilter.GaussianBlur(0.7)))


def noisy(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    return np.clip(pixels + rng.normal(0, 12, pixels.shape), 0, 255).astype(np.uint8)


def shifted(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    return np.clip(pixels + rng.choice([-15, 15], 3), 0, 255).astype(np.uint8)


def seamed(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    """Every patch of 4 x 4 pixels has its own shift of colour, and a darker edge."""
    patches = len(pixels) // 4
    shifts = rng.normal(0, 12, (patches, patches, 3)).repeat(4, axis=0).repeat(4, axis=1)
    shifts[::4] -= 12
    shifts[:, ::4] -= 12
    return np.clip(pixels + shifts, 0, 255).astype(np.uint8)


@pytest.mark.parametrize("worse", [blurred, noisy, shifted, seamed])
def test_what_a_generator_does_to_a_picture_is_forgiven(worse: Callable[..., Pixels]) -> None:
    right = [
        is_true(description(scene), decode(worse(render(scene), rng_at(0, "worse", index))))
        for index, scene in enumerate(SCENES)
    ]
    assert np.mean(right) >= 0.95


def test_a_thing_with_a_bite_out_of_it_is_still_that_thing_and_half_of_it_is_not() -> None:
    pixels = render(single("square"), 64).copy()
    pixels[20:26, 20:28] = 255
    assert decode(pixels).things[0].shape == "square"
    pixels[:32] = 255
    assert [thing.shape for thing in decode(pixels).things] == [""]


@pytest.mark.parametrize("size_px", [32, 64])
@pytest.mark.parametrize(
    "outline",
    [
        pytest.param([(-1, -0.3), (1, -0.3), (1, 0.3), (-1, 0.3)], id="bar"),
        pytest.param([(-0.95, -0.65), (0.95, -0.65), (0.95, 0.65), (-0.95, 0.65)], id="wide rectangle"),
        pytest.param([(0, -1), (1, 0), (0, 1), (-1, 0)], id="square on its corner"),
        pytest.param([(0, 0.95), (0.97, -0.8), (-0.97, -0.8)], id="triangle upside down"),
        pytest.param([(-0.9, -0.9), (-0.3, -0.9), (-0.3, 0.3), (0.9, 0.3), (0.9, 0.9), (-0.9, 0.9)], id="corner"),
    ],
)
def test_another_shape_is_a_thing_of_its_colour_without_a_shape(
    outline: list[tuple[float, float]], size_px: int
) -> None:
    things = decode(sketch(size_px, outline)).things
    assert [(thing.shape, thing.colour) for thing in things] == [("", "red")]


@pytest.mark.parametrize("fill", [(128, 128, 128), (110, 15, 20), (120, 80, 40), (0, 0, 0)])
def test_another_colour_is_a_thing_of_its_shape_without_a_colour(fill: tuple[int, int, int]) -> None:
    square = [(-0.85, -0.85), (0.85, -0.85), (0.85, 0.85), (-0.85, 0.85)]
    assert [(thing.shape, thing.colour) for thing in decode(sketch(64, square, fill)).things] == [("square", "")]


def test_a_background_of_another_colour_has_no_name() -> None:
    pixels = np.full((32, 32, 3), COLOURS["green"], np.uint8)
    assert decode(pixels) == Scene("", ())
    assert decode(np.full((32, 32, 3), 128, np.uint8)) == Scene("", ())
    assert decode(np.full((32, 32, 3), 250, np.uint8)) == Scene("white", ())


def test_stray_pixels_are_not_things_and_a_stain_is_one() -> None:
    pixels = render(Scene("white", (CIRCLE,))).copy()
    pixels[2, 2:5] = COLOURS["blue"]
    assert [thing.shape for thing in decode(pixels).things] == ["circle"]
    pixels[2:6, 2:8] = COLOURS["blue"]
    assert len(decode(pixels).things) == 2


def test_a_disc_inside_a_ring_is_a_second_thing() -> None:
    scene = Scene("white", (Thing("ring", "red", 0.5, 0.5, 0.19), Thing("circle", "blue", 0.5, 0.5, 0.1)))
    assert sorted(thing.colour for thing in decode(render(scene)).things) == ["blue", "red"]


def test_the_pale_edge_of_a_red_thing_is_not_a_pink_thing() -> None:
    pixels = render(single("square", "red")).copy()
    ys, xs = np.nonzero(pixels[..., 1] < 128)
    pixels[ys.max() + 1, xs.min() : xs.max() + 1] = np.add(COLOURS["red"], (255, 255, 255)) // 2
    assert [(thing.shape, thing.colour) for thing in decode(pixels).things] == [("square", "red")]


def test_random_pictures_are_true_of_no_caption() -> None:
    everything = [description(scene) for scene in SCENES]
    for index in range(6):
        rng = rng_at(0, "random pictures", index)
        coarse = Image.fromarray(rng.integers(0, 256, (4, 4, 3), dtype=np.uint8))
        for picture in (
            rng.integers(0, 256, (32, 32, 3), dtype=np.uint8),
            np.asarray(coarse.resize((32, 32), Image.Resampling.NEAREST)),
            np.asarray(coarse.resize((32, 32), Image.Resampling.BICUBIC)),
        ):
            seen = decode(picture)
            assert len(seen.things) <= 12
            assert not any(is_true(said, seen) for said in everything)


def test_a_picture_of_another_scene_is_credited_exactly_when_that_scene_is() -> None:
    for scene, other in zip(SCENES, SCENES[1:], strict=False):
        assert is_true(description(scene), decode(render(other))) == is_true(description(scene), other)


def test_what_is_transparent_shows_white() -> None:
    scene = single("star", background="white")
    pixels = render(scene)
    hidden = (pixels == 255).all(axis=-1)
    clear = np.dstack([np.where(hidden[..., None], 0, pixels), np.where(hidden, 0, 255)]).astype(np.uint8)
    assert decode(clear) == decode(pixels)


@pytest.mark.parametrize(
    "picture",
    [
        np.zeros((32, 48, 3), np.uint8),
        np.zeros((12, 12, 3), np.uint8),
        np.zeros((32, 32), np.uint8),
        np.zeros((32, 32, 3)),
    ],
    ids=["not square", "too small", "one channel", "not 8-bit"],
)
def test_what_is_no_picture_is_refused(picture: NDArray[np.uint8]) -> None:
    with pytest.raises(BadInput, match="is not a picture that can be decoded"):
        decode(picture)
