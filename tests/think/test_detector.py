from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from tests.think.clouds import cloud, halves

from mindseye.errors import BadInput
from mindseye.think.detector import Detection, _areas, _calibration_errors, detect, load_detector


def separated() -> Detection:
    return detect(cloud(0, 80), cloud(1, 120, shift=3), encoder="conv-7", seeds="0-119")


def test_sets_far_apart_are_told_apart_every_time() -> None:
    found = separated()
    assert found.auc.value > 0.999
    assert 0 < found.auc.low <= found.auc.high == 1
    assert found.real.max() < 0.5 < found.generated.min()
    assert (found.auc.n_real, found.auc.n_generated, found.auc.encoder) == (80, 120, "conv-7")


@pytest.mark.slow
def test_between_halves_of_one_set_the_interval_of_the_area_holds_one_half() -> None:
    found = [detect(*halves(number, 60, width=4), encoder="none", draws=200).auc for number in range(100)]
    assert sum(auc.low <= 0.5 <= auc.high for auc in found) >= 93
    assert np.mean([auc.value for auc in found]) == pytest.approx(0.5, abs=0.03)


def test_equal_sets_fool_the_detector() -> None:
    found = detect(cloud(2, 300), cloud(3, 300), encoder="none")
    assert found.auc.low < 0.5 < found.auc.high
    assert found.auc.high - found.auc.low < 0.2
    assert found.calibration_error.value < 0.1


def test_the_area_and_the_probabilities_are_the_ones_that_theory_gives() -> None:
    shift, width = 0.5, 4  # |mean difference| = 1, so the area is Phi(1 / sqrt 2) and the best logit x.shift - const.
    found = detect(cloud(0, 1500, width), cloud(1, 1500, width, shift), encoder="none")
    assert found.auc.low < 0.7602 < found.auc.high
    x = cloud(1, 1500, width, shift)
    truth = 1 / (1 + np.exp(-(x * shift).sum(1) + width * shift**2 / 2))
    assert np.abs(found.generated - truth).mean() < 0.03
    assert found.calibration_error.value < 0.05


def test_probabilities_stay_calibrated_with_many_features_and_few_pictures() -> None:
    found = detect(cloud(0, 100, 200), cloud(1, 100, 200, shift=0.03), encoder="none")
    assert found.calibration_error.value < 0.15
    assert 0.1 < np.concatenate([found.real, found.generated]).mean() < 0.9


def test_real_and_generated_weigh_the_same_however_many_there_are() -> None:
    found = detect(cloud(0, 100, 4), cloud(1, 900, 4), encoder="none")
    assert found.real.mean() == pytest.approx(0.5, abs=0.05)
    assert found.generated.mean() == pytest.approx(0.5, abs=0.05)


def test_twins_in_other_folds_fool_the_area_unless_they_are_named_as_blocks() -> None:
    real, generated = cloud(0, 20, 60), cloud(1, 20, 60)
    twins = [np.repeat(rows, 5, axis=0) for rows in (real, generated)]
    blocks = [number for number in range(20) for _ in range(5)]
    assert detect(*twins, encoder="none").auc.value > 0.95
    named = detect(*twins, encoder="none", real_blocks=blocks, generated_blocks=blocks)
    assert named.auc.low <= 0.5 <= named.auc.high


def test_what_a_picture_shows_does_not_give_away_whether_it_is_real() -> None:
    shown = 3 * cloud(2, 40, 20)  # what the pictures of 40 concepts have in common, real or imagined
    concepts = [number for number in range(40) for _ in range(3)]
    real, generated = (np.repeat(shown, 3, axis=0) + cloud(side, 120, 20) for side in (0, 1))
    found = detect(real, generated, encoder="none", real_blocks=concepts, generated_blocks=concepts)
    assert found.auc.low <= 0.5 <= found.auc.high
    strangers = detect(
        real, generated, encoder="none", real_blocks=concepts, generated_blocks=[f"other {n}" for n in concepts]
    )
    assert strangers.auc.high < 0.5  # dealt apart, a concept is learnt with the opposite label


def test_too_few_blocks_for_five_folds_are_refused() -> None:
    blocks = [number % 5 for number in range(20)]
    assert detect(cloud(0, 20), cloud(1, 20), encoder="none", real_blocks=blocks, generated_blocks=blocks)
    with pytest.raises(BadInput, match="generated pictures are in 4 blocks"):
        detect(cloud(0, 20), cloud(1, 20), encoder="none", generated_blocks=[number % 4 for number in range(20)])


def test_constant_features_tell_nothing() -> None:
    found = detect(np.ones((20, 3)), np.ones((30, 3)), encoder="none")
    assert (found.auc.value, found.calibration_error.value) == (0.5, pytest.approx(0, abs=1e-12))
    assert (found.detector.score(np.ones((5, 3))) == 0.5).all()


def test_the_area_counts_pairs_of_one_fold_and_half_of_a_tie() -> None:
    logits = np.array([0.0, 1.0, 5.0, 1.0, 2.0, 0.0])  # three real, three generated
    fold = np.array([0, 0, 1, 0, 0, 1])
    ones = np.ones((1, 3))
    # fold 0: (0<1) (0<2) (1=1) (1<2) = 3.5 of 4; fold 1: 5>0 = 0 of 1
    assert _areas(logits, fold, 3, ones, ones)[0] == pytest.approx(3.5 / 5)


def test_the_calibration_error_is_the_gap_in_each_bin_weighed_by_its_pictures() -> None:
    probability = np.array([0.05, 0.95, 0.05, 0.95])
    imagined = np.array([0.0, 0.0, 1.0, 1.0])
    ones = np.ones((1, 2))
    assert _calibration_errors(probability, imagined, ones, ones)[0] == pytest.approx(0.45)
    assert _calibration_errors(np.array([0.5] * 4), imagined, ones, ones)[0] == pytest.approx(0)


def test_a_saved_detector_gives_the_same_scores_and_is_plain_files(tmp_path: Path) -> None:
    detector = separated().detector
    detector.save(tmp_path / "detector")
    opened = load_detector(tmp_path / "detector", encoder="conv-7")
    new = cloud(5, 40, shift=1.5)
    assert (opened.score(new) == detector.score(new)).all()
    assert opened.facts == detector.facts
    assert sorted(path.name for path in (tmp_path / "detector").iterdir()) == ["detector.json", "detector.safetensors"]
    assert json.loads((tmp_path / "detector" / "detector.json").read_text())["n_generated"] == 120


def test_a_detector_scores_new_pictures_between_0_real_and_1_imagined() -> None:
    detector = separated().detector
    assert (detector.score(torch.from_numpy(cloud(7, 50)).float()) < 0.5).all()
    assert (detector.score(cloud(8, 50, shift=3)) > 0.5).all()
    extreme = detector.score(np.array([[1e6] * 8, [-1e6] * 8]))
    assert extreme.tolist() == [1, 0]
    assert detector.score(cloud(9, 1)).shape == (1,)


def test_fitting_twice_gives_the_same_bits() -> None:
    first, second = separated(), separated()
    assert (first.detector.weight == second.detector.weight).all()
    assert (first.generated == second.generated).all()
    assert first.auc == second.auc


def test_features_of_another_width_or_encoder_and_damaged_folders_are_refused(tmp_path: Path) -> None:
    detector = separated().detector
    with pytest.raises(BadInput, match="reads 8 features a picture, 5 were given"):
        detector.score(cloud(0, 10, 5))
    detector.save(tmp_path / "detector")
    with pytest.raises(BadInput, match="reads features of conv-7"):
        load_detector(tmp_path / "detector", encoder="conv-8")
    with pytest.raises(BadInput, match="cannot be opened"):
        load_detector(tmp_path / "nowhere", encoder="conv-7")
    (tmp_path / "detector" / "detector.safetensors").write_bytes(b"torn")
    with pytest.raises(BadInput, match="cannot be opened"):
        load_detector(tmp_path / "detector", encoder="conv-7")


def test_too_few_blocks_for_the_folds_are_refused() -> None:
    with pytest.raises(BadInput, match="generated pictures are in 2 blocks"):
        detect(cloud(0, 20), cloud(1, 20), encoder="none", generated_blocks=[0, 1] * 10)
