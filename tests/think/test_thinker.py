"""The thinker: its answers are probabilities, depend on each picture alone, and its folder is opened strictly."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from mindseye.errors import BadInput
from mindseye.think.detector import detect
from mindseye.think.thinker import FEATURES, Thinker, load_thinker


@pytest.fixture(scope="module")
def thinker(tiny_thinker: Path) -> Thinker:
    return load_thinker(tiny_thinker)


def pictures(count: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (count, 16, 16, 4), np.uint8)


def test_a_match_is_the_probability_of_the_prompt_among_a_hundred_captions(thinker: Thinker) -> None:
    [thought] = thinker.think(pictures(1), "a smiling cat")
    assert 0 < thought.match < 1
    assert thought.realism is None
    assert thought.score == pytest.approx(np.log(thought.match))


def test_a_prompt_that_is_a_caption_does_not_compete_with_itself(thinker: Thinker) -> None:
    seen = thinker.look(pictures(1))
    prompt = thinker.captions_for(seen, 1)[0][0][0]
    [thought] = thinker.think(pictures(1), prompt)
    rivals = thinker.captions_for(seen, 120)[0]
    assert thought.match > rivals[0][1]  # against 99 of the others it does better than against all


def test_to_think_of_a_picture_it_reads_no_more_captions_than_compete(tiny_thinker: Path) -> None:
    thinker = load_thinker(tiny_thinker)
    thinker.captions = [f"thing {number}" for number in range(5000)]
    [thought] = thinker.think(pictures(1), "a cat")
    assert 0 < thought.match < 1
    assert "known" not in vars(thinker)  # all of them


def test_what_it_thinks_of_a_picture_does_not_depend_on_the_others(thinker: Thinker) -> None:
    together = thinker.think(pictures(5), "a smiling cat")
    for row in range(5):
        [alone] = thinker.think(pictures(5)[row : row + 1], "a smiling cat")
        assert alone.match == pytest.approx(together[row].match, rel=1e-4)


def test_its_captions_come_best_first_with_their_shares(thinker: Thinker) -> None:
    [ranked] = thinker.captions_for(thinker.look(pictures(1)), 120)
    shares = [share for _, share in ranked]
    assert shares == sorted(shares, reverse=True)
    assert sum(shares) == pytest.approx(1, abs=1e-4)
    assert {caption for caption, _ in ranked} == set(thinker.captions)


def test_with_a_detector_it_says_how_real_a_picture_looks(thinker: Thinker, tiny_thinker: Path, tmp_path: Path) -> None:
    bright, dark = pictures(40) // 2 + 128, pictures(40, seed=1) // 8
    folder = Path(shutil.copytree(tiny_thinker, tmp_path / "with"))
    found = detect(thinker.look(bright).whole, thinker.look(dark).whole, encoder=FEATURES)
    found.detector.save(folder / "detector")
    able = load_thinker(folder)
    thoughts = [*able.think(bright[:4], "a smiling cat"), *able.think(dark[:4], "a smiling cat")]
    realism = [thought.realism or 0.0 for thought in thoughts]
    assert min(realism[:4]) > 0.5 > max(realism[4:])


def test_a_picture_of_another_size_is_refused(thinker: Thinker) -> None:
    with pytest.raises(BadInput, match=r"16, 16, 4"):
        thinker.look(np.zeros((1, 32, 32, 4), np.uint8))


def test_a_model_that_draws_is_no_thinker(tiny_folder: Path) -> None:
    with pytest.raises(BadInput, match="cannot think"):
        load_thinker(tiny_folder)


def test_a_thinker_without_its_captions_is_refused(tiny_thinker: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(tiny_thinker, tmp_path / "part"))
    (folder / "captions.txt").unlink()
    with pytest.raises(BadInput, match=r"captions\.txt"):
        load_thinker(folder)
