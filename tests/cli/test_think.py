"""`imagine --think` and `judge` from the command line, with an untrained model and thinker."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from mindseye.collection.builtin.shapes import write_shapes
from mindseye.learn.folder import ABOUT, read_about
from mindseye.pictures.story import read_story
from mindseye.train.run import Plan, RunFolder


@pytest.fixture(scope="module")
def thinking_model(tiny_folder: Path, tiny_thinker: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = Path(shutil.copytree(tiny_folder, tmp_path_factory.mktemp("thinking") / "model"))
    shutil.copytree(tiny_thinker, folder / "thinker")
    return folder


def test_the_best_of_several_candidates_is_saved_with_its_reasons(
    mindseye, thinking_model: Path, tmp_path: Path
) -> None:
    said = mindseye(
        "imagine", "a smiling cat", "-n", 2, "--think", 3, "--steps", 2, "--model", thinking_model, "--out", tmp_path,
        "--json",
    )  # fmt: skip
    assert said.code == 0
    pictures = json.loads(said.out)["pictures"]
    assert len(pictures) == 2
    for place, picture in enumerate(pictures):
        story = read_story(Path(picture["path"]))
        assert (story["asked_seed"], story["candidates"]) == (place, 3)
        assert story["thought"] == picture["thought"]
        assert story["thought"] in said.err


def test_a_model_without_a_thinker_is_refused_with_the_way_out(mindseye, tiny_folder: Path, tmp_path: Path) -> None:
    said = mindseye("imagine", "a cat", "--think", 2, "--steps", 2, "--model", tiny_folder, "--out", tmp_path)
    assert said.code == 2
    assert "mindseye think" in said.err
    assert not list(tmp_path.iterdir())


def test_a_picture_is_judged_by_the_prompt_in_its_own_story(mindseye, thinking_model: Path, tmp_path: Path) -> None:
    mindseye("imagine", "a smiling cat", "-n", 1, "--steps", 2, "--model", thinking_model, "--out", tmp_path)
    picture = tmp_path / "a-smiling-cat-0.png"
    verdict = json.loads(mindseye("judge", picture, "--model", thinking_model, "--json").out)
    assert verdict["prompt"] == "a smiling cat"
    assert 0 < verdict["match"] < 1
    assert verdict["imagined"] is None  # this thinker has no detector
    assert len(verdict["captions"]) == 5
    assert verdict["captions"][0][0] in verdict["shows"]
    assert verdict["nearest"] == []
    assert any("looked for no training pictures: those of tiny are not at hand" in note for note in verdict["notes"])
    assert "a smiling cat" in mindseye("judge", picture, "--model", thinking_model).out


def test_the_nearest_training_pictures_are_those_that_the_run_names(
    mindseye, thinking_model: Path, tmp_path: Path
) -> None:
    shapes = write_shapes(tmp_path / "shapes", pictures=8, size_px=32)
    run = RunFolder(tmp_path / "out" / "run")
    shutil.copytree(thinking_model, run.model)
    about = read_about(run.model)
    learnt = about.collection.model_copy(update={"fingerprint": shapes.fingerprint})
    (run.model / ABOUT).write_text(about.model_copy(update={"collection": learnt}).model_dump_json())
    nothing = {name: {} for name in ("pictures", "train", "model", "machine")}
    names = {name: name for name in Plan.model_fields if name not in (*nothing, "format")}
    run.write_plan(Plan.model_validate({**names, **nothing, "collection_path": str(shapes.path)}))
    (tmp_path / "asked.png").write_bytes(shapes.splits["train"].picture(3))
    for named in (tmp_path / "out", run.path, run.model):
        verdict = json.loads(mindseye("judge", tmp_path / "asked.png", "--model", named, "--json").out)
        assert len(verdict["nearest"]) == 5
        assert not any("training pictures" in note for note in verdict["notes"])


def test_what_is_no_picture_cannot_be_judged(mindseye, thinking_model: Path, tmp_path: Path) -> None:
    (tmp_path / "not.png").write_text("not a picture")
    said = mindseye("judge", tmp_path / "not.png", "--model", thinking_model)
    assert said.code == 2
    assert "not.png" in said.err


def test_one_model_cannot_be_compared(mindseye, tiny_folder: Path) -> None:
    said = mindseye("compare", tiny_folder, "--collection", "emoji")
    assert said.code == 2
    assert "two or more" in said.err
