"""The nearest training pictures of drawn ones: found upright and mirrored, told in stories, never guessed."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.report.nearby import drawn, trained_run, written

import mindseye
from mindseye.errors import BadInput
from mindseye.imagine.imaginer import Imaginer
from mindseye.learn.folder import NEAREST
from mindseye.learn.learner import PictureFormat
from mindseye.observe.looks import TrainingLooks
from mindseye.pictures.story import save_png
from mindseye.report.nearest import IN_A_STORY, beside, beside_made, training_looks
from mindseye.report.origins import collections_of, training_collection
from mindseye.train.run import RunFolder

AT = PictureFormat(size_px=16, channels=4, pixel_art=True)


@pytest.fixture
def trained(tiny_folder: Path, tmp_path: Path) -> RunFolder:
    return trained_run(tiny_folder, tmp_path)


def test_a_training_picture_finds_itself_first_upright_and_mirrored(tmp_path: Path) -> None:
    looks = TrainingLooks.of(written(tmp_path / "things"), AT)
    pictures = np.stack([drawn(3), drawn(4)[:, ::-1]])
    for own, near in zip((3, 4), looks.nearest(pictures, 4), strict=True):
        assert (near[0].file_name, near[0].caption, near[0].row) == (f"deep/{own}.png", f"thing {own}", own)
        assert near[0].cosine == pytest.approx(1, abs=1e-4)
        assert [one.cosine for one in near] == sorted((one.cosine for one in near), reverse=True)
        assert len(near) == 4 and near[1].cosine < 0.999
    assert len(looks.nearest(pictures, 100)[0]) == 6


def test_drawn_pictures_are_told_their_nearest_and_are_otherwise_as_they_were(trained: RunFolder) -> None:
    imaginer = mindseye.load(trained.path)
    pictures = imaginer.imagine(mindseye.Request.of(prompt="a cat", count=2, steps=2))
    pictures[1] = replace(pictures[1], pixels=drawn(5))
    assert beside(imaginer) is None
    told = [beside_made(imaginer).told(picture) for picture in pictures]
    there = beside(imaginer)
    assert there is not None
    assert [there.told(one).story for one in reversed(pictures)] == [one.story for one in reversed(told)]
    assert mindseye.load(trained.path).sha256 == imaginer.sha256  # which is of the weights alone
    assert [len(one.story.nearest) for one in told] == [IN_A_STORY] * 2
    assert str(told[1].story.nearest[0]) == "deep/5.png (1.000)"
    for before, after in zip(pictures, told, strict=True):
        assert after.story.model_copy(update={"nearest": ()}) == before.story
        assert np.array_equal(after.pixels, before.pixels)


def test_the_pictures_of_a_run_are_found_and_those_that_changed_since_are_not(
    trained: RunFolder, tmp_path: Path
) -> None:
    imaginer = mindseye.load(trained.path)
    found = training_collection(imaginer)
    assert found is not None and found.path == tmp_path / "things"
    assert collections_of([str(trained.path), "emoji", str(tmp_path), "emoji"]) == [str(found.path), "emoji"]
    written(tmp_path / "things", count=5)
    refuse(imaginer)
    shutil.rmtree(tmp_path / "things")
    refuse(imaginer)


def test_a_model_from_elsewhere_is_refused_with_the_way_out(tiny_folder: Path) -> None:
    refuse(mindseye.load(tiny_folder))


def test_what_is_damaged_or_of_other_pictures_is_made_anew_where_it_is_asked_for(trained: RunFolder) -> None:
    imaginer = mindseye.load(trained.path)
    beside_made(imaginer)
    path = trained.model / NEAREST
    whole = path.read_bytes()
    for data in (b"torn", (mindseye.load("emoji").path / NEAREST).read_bytes()):
        path.write_bytes(data)
        with pytest.raises(BadInput, match=NEAREST):
            beside(imaginer)
        said: list[str] = []
        beside_made(imaginer, said.append)
        assert "made anew" in said[0] and path.read_bytes() == whole


def test_the_shipped_model_finds_its_own_training_pictures_without_its_collection() -> None:
    imaginer = mindseye.load("emoji")
    there = beside(imaginer)
    assert there is not None and (imaginer.path / NEAREST).stat().st_size < 1_500_000
    told = there.told(imaginer.imagine(mindseye.Request(prompt="a smiling cat", steps=1))[0]).story.nearest
    assert len(told) == IN_A_STORY and all(0 < one.cosine <= 1 for one in told)


def refuse(imaginer: Imaginer) -> None:
    assert training_collection(imaginer) is None
    with pytest.raises(BadInput, match="not at hand") as caught:
        training_looks(imaginer)
    assert "--collection" in caught.value.next_step


def test_the_shipped_model_knows_its_collection() -> None:
    found = training_collection(mindseye.load("emoji"))
    assert found is not None and found.name == "emoji"


def test_a_judge_finds_the_pictures_of_a_run_too(trained: RunFolder, tiny_thinker: Path, tmp_path: Path) -> None:
    shutil.copytree(tiny_thinker, trained.model / "thinker")
    save_png(tmp_path / "drawn.png", drawn(2), None)
    verdict = mindseye.judge(tmp_path / "drawn.png", model=trained.path, nearest=2)
    assert len(verdict["nearest"]) == 2 and verdict["nearest"][0]["file_name"] == "deep/2.png"
    assert verdict["nearest"][0]["distance"] == pytest.approx(0, abs=1e-3)
    assert set(verdict["nearest"][0]) == {"file_name", "caption", "row", "distance"}
    assert mindseye.judge(tmp_path / "drawn.png", model=trained.path, nearest=0)["nearest"] == []
