"""Thinking before showing: the candidates of a picture are its own, and the best of them is shown with the reasons."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from mindseye.collection.builtin.shapes import write_shapes
from mindseye.errors import BadInput
from mindseye.imagine.imaginer import Imaginer, load
from mindseye.imagine.request import Request
from mindseye.learn.folder import weights_digest
from mindseye.report.thinking import candidate_seeds, fit_detector, imagine_thinking, thinker_of
from mindseye.think.thinker import Thinker, load_thinker


@pytest.fixture(scope="module")
def imaginer(tiny_folder: Path) -> Imaginer:
    return load(tiny_folder)


@pytest.fixture(scope="module")
def thinker(tiny_thinker: Path) -> Thinker:
    return load_thinker(tiny_thinker)


def test_the_candidates_of_a_picture_come_from_its_own_seed() -> None:
    assert candidate_seeds(7, 4)[0] == 7
    assert candidate_seeds(7, 8)[:4] == candidate_seeds(7, 4)
    assert len({*candidate_seeds(7, 16), *candidate_seeds(8, 16)}) == 32


def test_the_best_of_the_candidates_is_shown_and_its_story_says_why(imaginer: Imaginer, thinker: Thinker) -> None:
    request = Request(prompt="a smiling cat", seed=3, steps=2)
    drawn = imaginer.imagine(request, seeds=candidate_seeds(3, 6))
    thoughts = thinker.think(np.stack([picture.pixels for picture in drawn]), request.prompt)
    best = max(range(6), key=lambda index: thoughts[index].match)
    [shown] = imagine_thinking(imaginer, thinker, request, 6)
    assert np.array_equal(shown.pixels, drawn[best].pixels)
    assert shown.story.seed == candidate_seeds(3, 6)[best]
    assert (shown.story.asked_seed, shown.story.candidates) == (3, 6)
    assert "best of 6" in shown.story.thought


def test_the_seed_in_the_story_draws_the_picture_again_without_thinking(imaginer: Imaginer, thinker: Thinker) -> None:
    [shown] = imagine_thinking(imaginer, thinker, Request(prompt="a smiling cat", seed=5, steps=2), 5)
    [again] = imaginer.imagine(Request(prompt="a smiling cat", seed=shown.story.seed, steps=2))
    assert np.array_equal(shown.pixels, again.pixels)


def test_each_picture_is_the_same_alone_and_in_a_request_of_several(imaginer: Imaginer, thinker: Thinker) -> None:
    several = imagine_thinking(imaginer, thinker, Request(prompt="a cat", seed=1, count=3, steps=2), 3)
    for place, picture in enumerate(several):
        [alone] = imagine_thinking(imaginer, thinker, Request(prompt="a cat", seed=1 + place, steps=2), 3)
        assert np.array_equal(alone.pixels, picture.pixels)


def test_the_progress_counts_the_steps_of_all_pictures_once(imaginer: Imaginer, thinker: Thinker) -> None:
    seen: list[tuple[int, int]] = []
    request = Request(prompt="a cat", count=2, steps=2)
    imagine_thinking(imaginer, thinker, request, 3, lambda now: seen.append((now.step, now.steps)))
    assert seen == [(step, 12) for step in range(1, 13)]


def test_a_model_without_a_thinker_says_how_to_make_one(imaginer: Imaginer) -> None:
    with pytest.raises(BadInput, match="no thinker") as refused:
        thinker_of(imaginer)
    assert "mindseye think" in refused.value.next_step


def test_a_thinker_in_the_models_folder_is_found_and_changes_no_digest(
    tiny_folder: Path, tiny_thinker: Path, tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(tiny_folder, tmp_path / "model"))
    before = weights_digest(folder)
    shutil.copytree(tiny_thinker, folder / "thinker")
    assert thinker_of(load(folder)).captions[0] == "animal number 0"
    assert weights_digest(folder) == before


@pytest.mark.slow  # most of a minute
def test_a_detector_is_learnt_from_what_the_model_draws_and_what_it_never_saw(
    imaginer: Imaginer, tiny_thinker: Path, tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(tiny_thinker, tmp_path / "thinker"))
    shapes = write_shapes(tmp_path / "shapes", pictures=200, size_px=32)
    said: list[str] = []
    fit_detector(load_thinker(folder), imaginer, shapes, folder, said.append)
    detector = load_thinker(folder).detector
    assert detector is not None
    assert detector.facts.n_real == 20  # the two splits that are not for training
    assert detector.facts.n_generated > 100
    assert detector.facts.auc > 0.8  # an untrained model draws noise
