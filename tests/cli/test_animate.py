"""`mindseye animate`: a film goes on from frames in a GIF, a sheet or files; what cannot be is said by name."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.imagine.frames.test_training import FAST

from mindseye.collection.builtin.moving import write_moving
from mindseye.collection.builtin.moving.picture import frames_of, sheet_of
from mindseye.collection.builtin.moving.scene import film_at
from mindseye.pictures.film import gif_bytes, open_film
from mindseye.train.loop import train


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A model of a joystick's films and one of films that bounce, hardly trained."""
    runs = {}
    for world in ("joystick", "bouncing"):
        folder = tmp_path_factory.mktemp(world)
        collection = write_moving(world, folder / "films", pictures=12, frame_px=8)
        settings = {**FAST, "model.network": "flow", "held_out_pictures": "0"}
        runs[world] = train("frames", collection, folder / "run", pictures=8, settings=settings).path
    return runs


@pytest.fixture
def sheet(tmp_path: Path) -> Path:
    path = tmp_path / "My sheet.png"
    Image.fromarray(sheet_of(frames_of(film_at("joystick", 0, "test", 0, frame_px=8)))).save(path)
    return path


def answer(said) -> dict:
    assert said.code == 0, said.err
    return json.loads(said.out)


def test_a_sheet_goes_on_as_a_gif_a_page_and_a_sheet(mindseye, films, sheet, tmp_path) -> None:
    told = answer(
        mindseye(
            "animate", films["joystick"], sheet, "--actions", "Right right up", "--out", tmp_path / "out", "--json"
        )
    )
    assert told["given"] == 2 and told["imagined"] == 3 and told["actions"] == ["right", "right", "up"]
    assert [Path(told[kind]).name for kind in ("gif", "page", "sheet")] == [
        "my-sheet-goes-on-0.gif", "my-sheet-goes-on-0-page.png", "my-sheet-goes-on-0-sheet.png",
    ]  # fmt: skip
    assert 2 <= len(open_film(Path(told["gif"]))) <= 5, "a GIF keeps a frame longer instead of showing an equal one"
    whole = np.asarray(Image.open(sheet))
    again = np.asarray(Image.open(told["sheet"]))
    assert again.shape == (16, 24, 3)
    assert np.array_equal(again[:8, :16], whole[24:32, 16:32]), "the last two frames of the sheet are gone on from"


def test_the_same_seed_gives_the_same_gif_and_another_seed_another(mindseye, films, sheet, tmp_path) -> None:
    gifs = []
    for folder, seed in (("a", 1), ("b", 1), ("c", 2)):
        said = mindseye(
            "animate", films["bouncing"], sheet, "--seed", seed, "-n", 2, "--out", tmp_path / folder, "--json"
        )
        gifs.append(Path(answer(said)["gif"]).read_bytes())
    assert gifs[0] == gifs[1] != gifs[2]


def test_frames_come_from_a_gif_even_an_enlarged_one_or_from_a_file_each(mindseye, films, tmp_path) -> None:
    frames = frames_of(film_at("bouncing", 0, "test", 1, frame_px=8))[:3]
    (tmp_path / "film.gif").write_bytes(gif_bytes(frames))
    for index, frame in enumerate(frames):
        Image.fromarray(frame).save(tmp_path / f"{index}.png")
    single = [tmp_path / f"{index}.png" for index in range(3)]
    sheets = []
    for given in ([tmp_path / "film.gif"], single):
        told = answer(mindseye("animate", films["bouncing"], *given, "-n", 2, "--out", tmp_path / "out", "--json"))
        sheets.append(np.asarray(Image.open(told["sheet"])))
    assert np.array_equal(*sheets)
    assert np.array_equal(sheets[0][:8, :8], frames[1])


def test_without_a_count_a_film_becomes_as_long_as_those_of_the_training(mindseye, films, sheet, tmp_path) -> None:
    told = answer(mindseye("animate", films["bouncing"], sheet, "--out", tmp_path, "--json"))
    assert told["given"] + told["imagined"] == 16


def test_what_was_not_said_is_noted(mindseye, films, sheet, tmp_path) -> None:
    said = mindseye("animate", films["joystick"], sheet, "-n", 15, "--out", tmp_path, "--json")
    notes = answer(said)["notes"]
    assert any("no actions were given" in note for note in notes) and any("is a guess" in note for note in notes)
    assert all(f"note: {note}" in said.err for note in notes)


@pytest.mark.parametrize(
    ("world", "options", "words"),
    [
        ("joystick", ("--actions", "right jump right"), ("unknown actions: jump", "stay, left, right, up, down")),
        ("joystick", ("--actions", "right up", "-n", "3"), ("2 actions do not go with 3 frames", "give 3 actions")),
        ("bouncing", ("--actions", "right"), ("this model knows none", "leave --actions out")),
        ("bouncing", ("-n", "0"), ("count cannot be 0", "1 to 1000")),
        ("bouncing", ("--seed", "-1"), ("seed cannot be -1", "0 to 4294967295")),
    ],
)
def test_a_request_that_cannot_be_is_refused_with_what_to_do(
    mindseye, films, sheet, tmp_path, world, options, words
) -> None:
    said = mindseye("animate", films[world], sheet, *options, "--out", tmp_path / "out")
    assert said.code == 2 and all(word in said.err for word in words), said.err
    assert "Traceback" not in said.err and not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("size", "words"),
    [
        ((8, 8), ("too few frames: 1", "give 2 or more")),
        ((20, 8), ("20 x 8 px", "8 x 8 px")),
        ((8, 12), ("8 x 12 px",)),
    ],
)
def test_frames_that_do_not_fit_are_refused(mindseye, films, tmp_path, size, words) -> None:
    Image.new("RGB", size).save(tmp_path / "one.png")
    said = mindseye("animate", films["bouncing"], tmp_path / "one.png", "--out", tmp_path / "out")
    assert said.code == 2 and all(word in said.err for word in words), said.err


def test_files_of_another_size_than_the_model_s_frames_are_refused_by_name(mindseye, films, tmp_path) -> None:
    Image.new("RGB", (8, 8)).save(tmp_path / "one.png")
    Image.effect_noise((16, 16), 50).convert("RGB").save(tmp_path / "two.png")
    said = mindseye("animate", films["bouncing"], tmp_path / "one.png", tmp_path / "two.png", "--out", tmp_path / "out")
    assert said.code == 2 and "two.png is 16 x 16 px" in said.err


def test_what_is_no_picture_is_refused(mindseye, films, tmp_path) -> None:
    (tmp_path / "film.gif").write_bytes(b"GIF89a and nothing else")
    said = mindseye("animate", films["bouncing"], tmp_path / "film.gif", "--out", tmp_path / "out")
    assert said.code == 2 and "film.gif cannot be used" in said.err
    said = mindseye("animate", films["bouncing"], tmp_path / "no.gif", "--out", tmp_path / "out")
    assert said.code == 2 and "no such file" in said.err


def test_a_model_of_another_family_is_refused(mindseye, tiny_folder, sheet, tmp_path) -> None:
    said = mindseye("animate", tiny_folder, sheet, "--out", tmp_path / "out")
    assert said.code == 2 and "kind diffusion" in said.err and "mindseye train frames" in said.err


def test_a_model_of_films_draws_nothing_from_words_and_says_what_it_does(mindseye, films, tmp_path) -> None:
    said = mindseye("imagine", "a cat", "--model", films["bouncing"], "--out", tmp_path / "out")
    assert said.code == 2 and "mindseye animate" in said.err
