from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from PIL import Image, PngImagePlugin
from tests.report.nearby import trained_run

from mindseye.cli.begin import prompt_box
from mindseye.pictures.story import read_story


@pytest.fixture
def imagine(mindseye, tiny_folder: Path, tmp_path: Path):
    """Runs `mindseye imagine` with the tiny model, in two steps, into a new folder."""

    def run(prompt: str, *options: object):
        return mindseye(
            "imagine", prompt, "--model", tiny_folder, "--steps", 2, "--out", tmp_path / "pictures", *options
        )

    return run


def test_four_pictures_and_a_sheet_are_drawn_and_their_paths_printed(imagine, tmp_path: Path) -> None:
    said = imagine("a smiling cat")
    assert said.code == 0
    names = [Path(line).name for line in said.out.splitlines()]
    assert names == [*(f"a-smiling-cat-{seed}.png" for seed in range(4)), "a-smiling-cat-0-sheet.png"]
    assert sorted(path.name for path in (tmp_path / "pictures").iterdir()) == sorted(names)


def test_json_is_the_last_line_of_standard_output(imagine) -> None:
    said = imagine("a smiling cat", "-n", 2, "--seed", 7, "--json")
    result = json.loads(said.out.splitlines()[-1])
    assert list(result) == ["model", "pictures", "sheet", "seconds", "unknown_words", "notes"]
    assert [picture["seed"] for picture in result["pictures"]] == [7, 8]
    for picture in result["pictures"]:
        image = Image.open(picture["path"])
        assert (image.mode, *image.size) == ("RGBA", picture["width"], picture["height"])


def test_words_it_never_saw_are_named_and_it_still_draws(imagine) -> None:
    said = imagine("a smiling zebra", "-n", 1, "--json")
    assert said.code == 0 and "zebra" in said.err
    assert json.loads(said.out)["unknown_words"] == ["zebra"]


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("count", "0"),
        ("count", "1000"),
        ("seed", "-1"),
        ("seed", str(2**32)),
        ("guidance", "nan"),
        ("guidance", "-0.5"),
        ("steps", "0"),
        ("steps", "1.5"),
        ("size", "63"),
        ("sampler", "dice"),
    ],
)
def test_a_value_out_of_range_is_refused_by_name(imagine, tmp_path: Path, option: str, value: str) -> None:
    said = imagine("a cat", f"--{option}", value)
    assert said.code == 2 and option in said.err and "Traceback" not in said.err
    assert said.out == "" and not (tmp_path / "pictures").exists()


def test_a_model_that_is_not_there_is_refused_by_name(mindseye, tmp_path: Path) -> None:
    said = mindseye("imagine", "a cat", "--model", tmp_path / "nowhere")
    assert said.code == 2 and "nowhere" in said.err


def test_the_story_is_in_the_picture_unless_stripped(imagine, mindseye, tmp_path: Path) -> None:
    path = imagine("a smiling cat", "-n", 1).out.splitlines()[0]
    story = json.loads(mindseye("show", path, "--json").out)
    assert story["prompt"] == "a smiling cat" and story["seed"] == 0 and story["steps"] == 2
    assert str(tmp_path) not in Path(path).read_bytes().decode("latin-1")

    path = imagine("a smiling cat", "-n", 1, "--strip").out.splitlines()[0]
    assert path.endswith("a-smiling-cat-0-2.png")
    assert "tells nothing" in mindseye("show", path).out


@pytest.mark.parametrize("more", [(), ("--think", 2)])
def test_the_nearest_training_pictures_are_told_once_the_model_knows_them(
    mindseye, tiny_folder: Path, tiny_thinker: Path, tmp_path: Path, more
) -> None:
    run = trained_run(tiny_folder, tmp_path)
    shutil.copytree(tiny_thinker, run.model / "thinker")

    def imagine(*options: object) -> Path:
        said = mindseye(
            "imagine", "a cat", "-n", 1, "--steps", 2, "--model", run.path, "--out", tmp_path / "pictures", *more,
            *options, "--json",
        )  # fmt: skip
        assert said.code == 0 and ("nearest deep/" in said.err) == ("--nearest" in options)
        (picture,) = json.loads(said.out.splitlines()[-1])["pictures"]
        return Path(picture["path"])

    assert read_story(imagine())["nearest"] == []
    path = imagine("--nearest")
    near = read_story(path)["nearest"]
    assert len(near) == 3 and all(one["file_name"].startswith("deep/") for one in near)
    shown = mindseye("show", path).out.splitlines()
    assert [line.split()[1:] for line in shown if line.startswith("nearest")] == [
        [f"{one['cosine']:.3f}", one["file_name"]] for one in near
    ]
    assert str(tmp_path) not in path.read_bytes().decode("latin-1")
    shutil.rmtree(tmp_path / "things")
    assert imagine() == path  # the very same bytes
    assert read_story(imagine("--no-nearest"))["nearest"] == []
    assert read_story(imagine("--nearest", "--strip")) == {}


def test_what_is_wrong_with_the_file_of_nearest_pictures_is_said_and_stops_no_drawing(
    mindseye, tiny_folder: Path, tmp_path: Path
) -> None:
    run = trained_run(tiny_folder, tmp_path)
    (run.model / "nearest.safetensors").write_bytes(b"torn")
    said = mindseye("imagine", "a cat", "-n", 1, "--steps", 1, "--model", run.path, "--out", tmp_path / "pictures")
    assert said.code == 0 and "note: no story names the nearest" in said.err and "damaged" in said.err
    assert "Traceback" not in said.err and read_story(Path(said.out.splitlines()[0]))["nearest"] == []


def test_training_pictures_that_are_not_at_hand_are_said_to_be_so_before_anything_is_drawn(
    imagine, tmp_path: Path
) -> None:
    said = imagine("a cat", "--nearest")
    assert said.code == 2 and "not at hand" in said.err and "--collection" in said.err
    assert not (tmp_path / "pictures").exists()


def test_a_picture_that_kept_only_the_line_for_other_programs_is_shown_too(mindseye, tmp_path: Path) -> None:
    info = PngImagePlugin.PngInfo()
    info.add_text("parameters", "a cat\nSteps: 20, Sampler: heun, CFG scale: 7, Seed: 1, Version: mindseye 0.1.0")
    Image.new("RGB", (16, 16)).save(tmp_path / "kept.png", pnginfo=info)
    said = mindseye("show", tmp_path / "kept.png")
    assert said.code == 0 and "a cat" in said.out and "nearest" not in said.out


def test_what_each_family_can_do_is_told_on_one_screen(mindseye, tmp_path: Path) -> None:
    families = json.loads(mindseye("models", tmp_path, "--json").out)["families"]
    can = {family["family"]: set(family["abilities"]) for family in families}
    assert {"complete", "vary", "attention", "negative prompt"} <= can["diffusion"]
    assert "complete" in can["pixelrnn"] and "complete" not in can["vae"]
    screen = mindseye("models", tmp_path).out.splitlines()
    assert len(screen) <= 24 and all(name in "\n".join(screen) for name in can)


def test_models_are_found_with_what_they_are(mindseye, tiny_folder: Path) -> None:
    found = json.loads(mindseye("models", tiny_folder.parent, "--json").out)["models"]
    tiny = next(model for model in found if model["path"] == str(tiny_folder))
    assert (tiny["family"], tiny["size_px"], tiny["collection"]) == ("diffusion", 16, "test")


def test_the_prompt_box_draws_line_by_line_and_the_same_prompt_anew(
    tiny_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import mindseye

    lines = iter(["a cat", "a cat", "a zebra " * 400, "", "never reached"])
    monkeypatch.setattr("builtins.input", lambda prompt: next(lines))
    prompt_box(mindseye.load(tiny_folder), tmp_path)
    said = capsys.readouterr()
    assert [Path(line).name for line in said.out.splitlines()] == ["a-cat-0.png", "a-cat-1.png"]
    assert "prompt" in said.err, "the third is too long, which is told and is not the end"
    assert next(lines) == "never reached"


def test_a_film_of_each_picture_and_a_sheet_of_steps_are_saved_beside_them(imagine, tmp_path: Path) -> None:
    said = imagine("a smiling cat", "-n", 2, "--film")
    assert said.code == 0
    there = {path.name for path in (tmp_path / "pictures").iterdir()}
    assert {"a-smiling-cat-0.gif", "a-smiling-cat-1.gif", "a-smiling-cat-0-steps.png", "a-smiling-cat-1.png"} <= there
    assert Image.open(tmp_path / "pictures" / "a-smiling-cat-1.gif").n_frames == 2
    plain = (tmp_path / "pictures" / "a-smiling-cat-1.png").read_bytes()
    imagine("a smiling cat", "-n", 2, "--out", tmp_path / "plain")
    assert (tmp_path / "plain" / "a-smiling-cat-1.png").read_bytes() == plain


@pytest.mark.parametrize("other", [("--attention",), ("--think", 2)])
def test_a_film_and_what_draws_otherwise_exclude_each_other(imagine, other) -> None:
    said = imagine("a cat", "--film", *other)
    assert said.code == 2 and other[0] in said.err and "Traceback" not in said.err
