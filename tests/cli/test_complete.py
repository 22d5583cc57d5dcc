"""`mindseye complete`, `vary`, `between`, `grid`: from pictures, between prompts and over settings."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.report.nearby import trained_run

from mindseye.pictures.sheet import contact_sheet
from mindseye.pictures.story import read_story
from mindseye.pictures.tensors import fit


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    """A picture larger than the model's and without transparency."""
    path = tmp_path / "My photo.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8)).save(path)
    return path


def test_a_picture_is_completed_several_times_and_laid_beside_itself(mindseye, tiny_folder, photo, tmp_path) -> None:
    said = mindseye(
        "complete",
        tiny_folder,
        photo,
        "a cat",
        "--keep",
        0.5,
        "-n",
        2,
        "--steps",
        2,
        "--out",
        tmp_path / "out",
        "--json",
    )
    assert said.code == 0, said.err
    result = json.loads(said.out)
    names = [Path(picture["path"]).name for picture in result["pictures"]]
    assert names == ["my-photo-a-cat-0.png", "my-photo-a-cat-1.png"]
    assert "fitted from 32 x 32 px to 16 x 16 px" in said.err
    first, second = (np.asarray(Image.open(picture["path"])) for picture in result["pictures"])
    assert np.array_equal(first[:8], second[:8]) and not np.array_equal(first[8:], second[8:])
    whole = fit(Image.open(photo), 16, 4, pixel_art=False)
    kept = np.concatenate([whole[:8], whole[8:] * [1, 1, 1, 0]]).astype(np.uint8)
    sheet = contact_sheet([whole, kept, first, second], ["original", "given", "seed 0", "seed 1"], title="a cat")
    assert np.array_equal(np.asarray(Image.open(result["sheet"])), np.asarray(sheet))
    story = json.loads(mindseye("show", result["pictures"][0]["path"], "--json").out)
    assert story["keep"] == 0.5 and len(story["given_sha256"]) == 64
    assert "photo" not in Path(result["pictures"][0]["path"]).read_bytes().decode("latin-1")


def test_a_mask_says_what_is_drawn(mindseye, tiny_folder, photo, tmp_path) -> None:
    mask = np.zeros((32, 32), np.uint8)
    mask[16:] = 255
    Image.fromarray(mask).save(tmp_path / "mask.png")
    options = ("--steps", 2, "-n", 1, "--out", tmp_path / "out")
    by_mask = mindseye("complete", tiny_folder, photo, "--mask", tmp_path / "mask.png", *options).out.splitlines()[0]
    by_share = mindseye("complete", tiny_folder, photo, "--keep", 0.5, *options, "--strip").out.splitlines()[0]
    assert np.array_equal(np.asarray(Image.open(by_mask)), np.asarray(Image.open(by_share)))


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ((), "--keep"),
        (("--keep", 0.5, "--mask", "m.png"), "--keep"),
        (("--keep", 1.5), "keep"),
        (("--mask", "nowhere.png"), "nowhere.png"),
    ],
)
def test_what_cannot_be_is_refused_by_name(mindseye, tiny_folder, photo, tmp_path, options, named: str) -> None:
    said = mindseye("complete", tiny_folder, photo, *options, "--out", tmp_path / "out")
    assert said.code == 2 and named in said.err and not (tmp_path / "out").exists()


def test_a_picture_is_varied_and_a_missing_one_named(mindseye, tiny_folder, photo, tmp_path) -> None:
    said = mindseye("vary", tiny_folder, photo, "--strength", 0.4, "-n", 1, "--steps", 4, "--out", tmp_path / "out")
    assert said.code == 0, said.err
    story = json.loads(mindseye("show", said.out.splitlines()[0], "--json").out)
    assert (story["prompt"], story["strength"]) == ("", 0.4)
    said = mindseye("vary", tiny_folder, tmp_path / "nowhere.png")
    assert said.code == 2 and "nowhere.png" in said.err


@pytest.mark.parametrize("way", [("complete", "--keep", 0.5), ("vary", "--strength", 0.4)])
def test_a_picture_gone_on_from_can_name_its_nearest_training_pictures(
    mindseye, tiny_folder, photo, tmp_path, way
) -> None:
    model, (command, *how) = trained_run(tiny_folder, tmp_path).path, way
    options = (*how, "-n", 2, "--steps", 2, "--out", tmp_path / "out", "--json")
    said = mindseye(command, model, photo, *options, "--nearest")
    assert said.code == 0, said.err
    for picture in json.loads(said.out.splitlines()[-1])["pictures"]:
        near = read_story(Path(picture["path"]))["nearest"]
        assert near == picture["nearest"] and len(near) == 3
        assert [one["cosine"] for one in near] == sorted((one["cosine"] for one in near), reverse=True)


def test_the_stories_of_a_grid_name_the_nearest_training_pictures(mindseye, tiny_folder, tmp_path) -> None:
    options = ("--model", trained_run(tiny_folder, tmp_path).path, "--set", "steps=1", "--out", tmp_path / "out")
    said = mindseye("grid", "a cat", "--x", "seed=0,1", "--y", "guidance=1,3", *options, "--json", "--nearest")
    assert said.code == 0, said.err
    stories = [story for row in json.loads(said.out.splitlines()[-1])["pictures"] for story in row]
    assert [(len(story["nearest"]), story["guidance"]) for story in stories] == [(3, 1), (3, 1), (3, 3), (3, 3)]


def test_a_strip_between_two_prompts_and_between_two_seeds(mindseye, tiny_folder, tmp_path) -> None:
    options = ("-n", 3, "--steps", 1, "--out", tmp_path / "out")
    said = mindseye("between", tiny_folder, "--from", "a cat", "--to", "a dog", *options)
    assert said.code == 0, said.err
    strip = Image.open(said.out.strip())
    assert Path(said.out.strip()).name == "a-cat-a-dog-between.png" and strip.width > 2 * strip.height
    said = mindseye("between", tiny_folder, "a cat", "--from-seed", 1, "--to-seed", 2, *options, "--json")
    assert json.loads(said.out)["pictures"] == 3


@pytest.mark.parametrize(
    "options", [(), ("--from", "a cat"), ("a cat", "--from", "a", "--to", "b"), ("a", "--to-seed", 1, "-n", 1)]
)
def test_a_way_without_two_ends_is_refused(mindseye, tiny_folder, options) -> None:
    said = mindseye("between", tiny_folder, *options)
    assert said.code == 2 and "Traceback" not in said.err and "next:" in said.err


def test_a_grid_has_a_picture_for_each_pair_of_values(mindseye, tiny_folder, tmp_path) -> None:
    said = mindseye(
        "grid", "a cat", "--x", "guidance=1,3,5", "--y", "seed=0,7", "--model", tiny_folder, "--set", "steps=1",
        "--out", tmp_path / "out", "--json",
    )  # fmt: skip
    assert said.code == 0, said.err
    result = json.loads(said.out)
    assert [[(cell["guidance"], cell["seed"], cell["steps"]) for cell in row] for row in result["pictures"]] == [
        [(1, 0, 1), (3, 0, 1), (5, 0, 1)],
        [(1, 7, 1), (3, 7, 1), (5, 7, 1)],
    ]
    assert Path(result["sheet"]).name == "a-cat-by-guidance-seed.png"


def test_prompts_with_commas_are_an_axis_too(mindseye, tiny_folder, tmp_path) -> None:
    options = ("--model", tiny_folder, "--set", "steps=1", "--out", tmp_path / "out", "--json")
    said = mindseye("grid", "--x", "prompt=a big, red cat|a dog", *options)
    assert [[cell["prompt"] for cell in row] for row in json.loads(said.out)["pictures"]] == [
        ["a big, red cat", "a dog"]
    ]


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (("--x", "guidance"), "guidance"),
        (("--x", "guidence=1,2"), "guidance"),
        (("--x", "guidance=1,99"), "guidance"),
        (("--x", "temperature=1,2"), "temperature"),
        (("--x", "seed=1,2", "--y", "seed=3"), "seed"),
        (("--x", "seed=1,2", "--set", "seed=3"), "seed"),
    ],
)
def test_an_axis_that_cannot_be_is_refused_by_name(mindseye, tiny_folder, tmp_path, options, named: str) -> None:
    said = mindseye("grid", "a cat", *options, "--model", tiny_folder, "--out", tmp_path / "out")
    assert said.code == 2 and named in said.err and not (tmp_path / "out").exists()


def test_attention_is_one_sheet_more_and_the_same_pictures(mindseye, tiny_folder, tmp_path) -> None:
    options = ("-n", 2, "--model", tiny_folder, "--steps", 2)
    said = mindseye("imagine", "a smiling cat", *options, "--attention", "--out", tmp_path / "looked")
    assert said.code == 0, said.err
    mindseye("imagine", "a smiling cat", *options, "--out", tmp_path / "plain")
    plain = {path.name: path.read_bytes() for path in (tmp_path / "plain").iterdir()}
    looked = {path.name: path.read_bytes() for path in (tmp_path / "looked").iterdir()}
    assert looked.keys() - plain.keys() == {"a-smiling-cat-0-attention.png"}
    assert all(looked[name] == data for name, data in plain.items())
