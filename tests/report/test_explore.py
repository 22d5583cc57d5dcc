"""Exploring: what the sliders go through, what is drawn for them, and the page that shows it."""

from __future__ import annotations

import io
import itertools
import json
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.imagine.vae import small
from tests.report.test_inspect import Page

from mindseye.collection.collection import Collection, Example, write_collection
from mindseye.errors import BadInput
from mindseye.imagine.imaginer import Imaginer, load
from mindseye.randomness import rng_at
from mindseye.report.explore import STEPS, Exploration, dimension_slider, explore, slerp, walk
from mindseye.report.explore_page import mosaic_uri, render, sheet, walk_sheet
from mindseye.report.word_axes import word_axes

NATS = np.ones(4, np.float32)


@pytest.fixture(scope="module")
def imaginer(tmp_path_factory: pytest.TempPathFactory) -> Imaginer:
    return load(small.folder(tmp_path_factory.mktemp("models") / "small"))


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("pictures")
    for name, colour in (("red", (200, 0, 0, 255)), ("blue", (0, 0, 200, 255))):
        Image.new("RGBA", (16, 16), colour).save(folder / f"{name}.png")
    return [folder / "red.png", folder / "blue.png"]


@pytest.fixture(scope="module")
def found(imaginer: Imaginer) -> Exploration:
    return explore(imaginer)


def test_a_slider_goes_from_the_5_to_the_95_percent_point_of_the_normal_distribution() -> None:
    one = dimension_slider(0, NATS, np.zeros(4, np.float32))
    assert one.values[[0, -1]] == pytest.approx([-1.6449, 1.6449], abs=1e-3)
    assert (one.home, one.values[4]) == (4, 0)
    assert np.array_equal(one.values, np.sort(one.values))


def test_a_slider_holds_the_very_code_of_the_picture_that_it_begins_at() -> None:
    one = dimension_slider(3, NATS, np.array([0, 0, 0, 0.3], np.float32))
    assert one.values[one.home] == np.float32(0.3)
    assert np.array_equal(one.values, np.sort(one.values))


def test_dimensions_are_ranked_by_what_they_carry_and_those_that_carry_nothing_are_named(found: Exploration) -> None:
    assert found.facts["dimensions"] == [
        {"dimension": 2, "nats": 3.0},
        {"dimension": 0, "nats": 2.0},
        {"dimension": 3, "nats": 0.5},
        {"dimension": 1, "nats": 0.01},
    ]
    assert found.facts["inactive"] == [1]
    assert found.facts["shown"] == [2, 0, 3]


def test_every_pair_of_values_is_drawn_from_the_code_with_these_two_changed(imaginer: Imaginer) -> None:
    found = explore(imaginer, dims=[3, 1])
    [(pair, grid)] = found.grids.items()
    assert pair == (3, 1)
    three, one = found.sliders
    for down, right in ((0, 0), (2, 7), (8, 4)):
        code = np.zeros((1, 4), np.float32)
        code[0, 3], code[0, 1] = three.values[down], one.values[right]
        assert np.abs(grid[down, right].astype(int) - imaginer.decode(code)[0]).max() <= 1
    assert np.abs(found.strips[3].astype(int) - grid[:, one.home]).max() <= 1
    assert np.abs(found.strips[1].astype(int) - grid[three.home]).max() <= 1


def test_the_sliders_may_begin_at_a_picture(imaginer: Imaginer, pictures: list[Path]) -> None:
    found = explore(imaginer, picture=pictures[0])
    code = imaginer.encode(np.array(Image.open(pictures[0]))[None])
    for one, other in itertools.combinations(found.sliders, 2):
        at_home = found.grids[one.key, other.key][one.home, other.home]
        assert np.abs(at_home.astype(int) - imaginer.decode(code)[0]).max() <= 1


def test_a_prompt_is_in_every_picture(imaginer: Imaginer, found: Exploration) -> None:
    assert not np.array_equal(explore(imaginer, prompt="a cat").grids[2, 0], found.grids[2, 0])


@pytest.mark.parametrize("dims", [[0], [0, 0], [0, 4], [-1, 2]])
def test_dimensions_other_than_two_different_ones_of_the_code_are_refused(imaginer: Imaginer, dims: list[int]) -> None:
    with pytest.raises(BadInput, match="dims"):
        explore(imaginer, dims=dims)


def test_a_model_without_codes_is_refused_with_the_way_out(tiny_folder: Path) -> None:
    with pytest.raises(BadInput, match="have no codes") as caught:
        explore(tiny_folder)
    assert "mindseye train vae" in str(caught.value)


def test_a_plain_autoencoder_has_nothing_to_sweep_but_can_be_walked(tmp_path: Path, pictures: list[Path]) -> None:
    plain = load(small.folder(tmp_path / "plain", objective="autoencoder"))
    with pytest.raises(BadInput, match="cannot be swept"):
        explore(plain)
    assert len(walk(plain, *pictures).pictures) == 9


def test_an_arc_begins_and_ends_at_its_codes_and_keeps_their_length() -> None:
    one, other = np.array([3.0, 0.0]), np.array([0.0, 3.0])
    assert slerp(one, other, 0.0) == pytest.approx(one)
    assert slerp(one, other, 1.0) == pytest.approx(other)
    assert slerp(one, other, 0.5) == pytest.approx([3 / 2**0.5, 3 / 2**0.5])
    assert np.linalg.norm(slerp(one, 2 * other, 0.5)) == pytest.approx(4.5)


@pytest.mark.parametrize("end", [[0.0, 0.0], [6.0, 0.0], [-3.0, 0.0]], ids=["nothing", "same way", "opposite"])
def test_where_there_is_no_arc_the_way_is_straight(end: list[float]) -> None:
    half = slerp(np.array([3.0, 0.0]), np.array(end), 0.5)
    assert half == pytest.approx((np.array([3.0, 0.0]) + end) / 2)


def test_a_walk_begins_and_ends_at_what_the_model_makes_of_the_two(imaginer: Imaginer, pictures: list[Path]) -> None:
    gone = walk(imaginer, *pictures, steps=5)
    ends = np.stack([np.array(Image.open(path)) for path in pictures])
    assert np.array_equal(np.stack(gone.ends), ends)
    made = imaginer.decode(imaginer.encode(ends))
    assert np.abs(gone.pictures[[0, -1]].astype(int) - made).max() <= 1
    assert walk_sheet(gone).width > 7 * 128


def test_a_mosaic_holds_every_picture_at_its_place(found: Exploration) -> None:
    import base64

    grid = found.grids[2, 0]
    mosaic = np.asarray(Image.open(io.BytesIO(base64.b64decode(mosaic_uri(grid).split(",")[1]))))
    assert mosaic.shape == (STEPS * 16, STEPS * 16, 4)
    assert np.array_equal(mosaic[16:32, 5 * 16 : 6 * 16], grid[1, 5])


def test_the_page_has_a_slider_for_each_dimension_and_a_picture_for_each_pair(
    imaginer: Imaginer, found: Exploration, pictures: list[Path]
) -> None:
    html = render(found, walk(imaginer, *pictures))
    page = Page(html)
    assert page.tags.count("input") == 3
    grids = json.loads(re.search(r"const grids = (.*);", html)[1])
    assert set(grids) == {"2,0", "2,3", "0,3"}
    assert "dimension 2" in page.text and "changes nothing: 1." in page.text
    assert page.tags.count("img") == 3 * STEPS + 11


def test_the_page_needs_nothing_else_and_its_prompt_is_only_text(imaginer: Imaginer) -> None:
    html = render(explore(imaginer, prompt="</script><b>cat"), None)
    page = Page(html)
    assert not {"link", "iframe", "object", "embed", "form"} & set(page.tags)
    assert page.tags.count("script") == 1 and "default-src 'none'" in html
    assert all(target.startswith("data:image/png;base64,") for target in page.targets)
    assert not re.search(r"@import|https?://", html) and "<b>cat" not in html


def test_the_sheet_shows_the_grid_of_the_first_two_dimensions(found: Exploration) -> None:
    drawn = sheet(found)
    assert drawn.mode == "RGB" and drawn.width > STEPS * 128


@pytest.mark.skipif(shutil.which("node") is None, reason="nothing here runs scripts")
def test_moving_sliders_shows_the_picture_of_their_values_two_at_a_time(found: Exploration, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    page.write_text(render(found, None))
    program = Path(__file__).with_name("sliders.mjs")
    done = subprocess.run(["node", program, page, "0,8 2,0 1,1"], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == [
        {"pair": "2,0", "at": "50% 50%", "steps": [4, 4, 4]},
        {"pair": "2,0", "at": "50% 100%", "steps": [8, 4, 4]},  # the first of a pair goes down the grid
        {"pair": "2,3", "at": "0% 100%", "steps": [8, 4, 0]},
        {"pair": "0,3", "at": "0% 12.5%", "steps": [4, 1, 0]},  # the slider moved longest ago is back at the start
        {"pair": "0,3", "at": "50% 50%", "steps": [4, 4, 4]},
    ]


@pytest.fixture(scope="module")
def coloured(tmp_path_factory: pytest.TempPathFactory) -> Collection:
    """Red pictures and blue ones, and a word that stands with neither colour more than with the other."""
    examples: dict[str, list[Example]] = {"train": [], "validation": []}
    for index in range(64):
        colour, mood = ("red", "blue")[index % 2], ("calm", "wild")[index // 2 % 2]
        noise = rng_at(index, "coloured").integers(0, 60, (16, 16, 3))
        pixels = np.full((16, 16, 4), 255, np.uint8)
        pixels[..., :3] = noise + np.array([180, 0, 0] if colour == "red" else [0, 0, 180])
        file = io.BytesIO()
        Image.fromarray(pixels).save(file, "PNG")
        example = Example(file.getvalue(), f"{index}.png", (f"A {colour} {mood} tile",), str(index), str(index), "test")
        examples["train" if index < 40 else "validation"].append(example)
    info = {"size_px": 16, "transparent": True, "pixel_art": True, "seconds": {}}
    return write_collection(tmp_path_factory.mktemp("coloured") / "tiles", examples, info)


@pytest.fixture(scope="module")
def trained_on_it(coloured: Collection, tmp_path_factory: pytest.TempPathFactory) -> Imaginer:
    return load(small.folder(tmp_path_factory.mktemp("on") / "small", trained_on=coloured.fingerprint))


def test_a_word_leads_from_the_mean_code_of_the_pictures_without_it_to_that_of_those_with_it(
    trained_on_it: Imaginer, coloured: Collection
) -> None:
    red, blue = word_axes(trained_on_it, coloured, ["red", "BLUE"], [0.0, 1.0])
    codes = trained_on_it.encode(coloured.splits["train"].arrays(16, 4, True))
    way = codes[::2].mean(0) - codes[1::2].mean(0)
    assert red.direction == pytest.approx(way / np.linalg.norm(way), abs=1e-5)
    assert blue.direction == pytest.approx(-red.direction, abs=1e-5)
    assert red.quantiles == pytest.approx([(codes @ red.direction).min(), (codes @ red.direction).max()], abs=1e-5)


def test_whether_a_word_has_a_place_in_the_codes_is_measured_on_pictures_held_out(
    trained_on_it: Imaginer, coloured: Collection
) -> None:
    red, wild = word_axes(trained_on_it, coloured, ["red", "wild"], [0.5])
    held_out = coloured.splits["validation"]
    along = trained_on_it.encode(held_out.arrays(16, 4, True)) @ red.direction
    pairs = [high > low for high in along[::2] for low in along[1::2]]
    assert red.auc.value == pytest.approx(np.mean(pairs)) and red.auc.n_real == 24
    assert red.auc.low > 0.5 and wild.auc.low < 0.5 < wild.auc.high


def test_sliders_for_words_move_the_code_along_their_directions(trained_on_it: Imaginer, coloured: Collection) -> None:
    found = explore(trained_on_it, words=["red", "wild"], collection=coloured, dims=[2])
    assert found.facts["shown"] == ["red", "wild", 2]
    red, wild, _ = found.sliders
    code = red.values[8] * red.direction + wild.values[1] * wild.direction
    assert np.abs(found.grids["red", "wild"][8, 1].astype(int) - trained_on_it.decode(code[None])[0]).max() <= 1
    html = render(found, None)
    assert "% of held-out pairs apart" in html and '"red,wild"' in html


@pytest.mark.parametrize(
    ("words", "told"),
    [(["cat", "red"], "in the captions of 0 of 40"), (["tile", "red"], "40 of 40"), (["red"], "two or more")],
)
def test_words_of_too_few_pictures_or_of_nearly_all_are_refused(
    trained_on_it: Imaginer, coloured: Collection, words: list[str], told: str
) -> None:
    with pytest.raises(BadInput, match=told) as caught:
        explore(trained_on_it, words=words, collection=coloured)
    assert len(words) == 1 or "such as blue, calm, red, wild" in str(caught.value)


def test_words_are_looked_for_in_the_very_collection_of_the_training(imaginer: Imaginer, coloured: Collection) -> None:
    with pytest.raises(BadInput, match="not the collection"):
        explore(imaginer, words=["red", "blue"], collection=coloured)
    with pytest.raises(BadInput, match="words") as caught:
        explore(imaginer, words=["red", "blue"])
    assert "--collection" in str(caught.value)
