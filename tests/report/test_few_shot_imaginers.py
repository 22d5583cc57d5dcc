"""Models that imagine in pixels: what they draw from a picture, what they were before, and what they may have seen."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from tests.imagine.attngan.small import folder as attngan_folder
from tests.imagine.vae import small
from tests.report.squares import squares

from mindseye.collection.collection import Collection
from mindseye.collection.concepts import write_base
from mindseye.errors import BadInput
from mindseye.imagine.imaginer import Imaginer, load
from mindseye.imagine.vae.model import build
from mindseye.randomness import rng_at
from mindseye.report.few_shot import evaluate_few_shot
from mindseye.report.few_shot_imaginers import before_training, for_collections, picture_imaginer
from mindseye.train.loop import train


@pytest.fixture(scope="module")
def imaginer(tmp_path_factory: pytest.TempPathFactory) -> Imaginer:
    return load(small.folder(tmp_path_factory.mktemp("models") / "vae"), device="cpu")


def trained_on(folder: Path, fingerprint: str) -> Imaginer:
    return load(small.folder(folder, trained_on=fingerprint), device="cpu")


def card(edge_px: int = 20, channels: int = 3) -> np.ndarray:
    return rng_at(0, "card").integers(0, 256, (edge_px, edge_px, channels)).astype(np.uint8)


def test_a_model_draws_as_many_variations_as_are_asked_for_by_the_random_numbers_given(imaginer: Imaginer) -> None:
    draw = picture_imaginer(imaginer, [0.6]).trained[0.6]
    first, same, other = (draw(card(), 3, rng_at(seed, "draw")) for seed in (1, 1, 2))
    assert first.shape == (3, 16, 16, 4) and first.dtype == np.uint8
    assert np.array_equal(first, same) and not np.array_equal(first, other)
    assert not np.array_equal(first[0], first[1])


def test_without_strength_nothing_is_imagined(imaginer: Imaginer) -> None:
    picture = card(16, 4)
    picture[..., 3] = 255
    assert np.array_equal(picture_imaginer(imaginer, [0.0]).trained[0.0](picture, 2, rng_at(0, "draw"))[1], picture)


def test_untrained_it_is_the_model_that_its_training_began_with(imaginer: Imaginer) -> None:
    begun = before_training(imaginer).ours.model.state_dict()
    fresh = build(imaginer.ours.model.config, imaginer.ours.about.training.seed).state_dict()
    assert begun.keys() == fresh.keys() and all(np.array_equal(begun[name], fresh[name]) for name in fresh)
    both = picture_imaginer(imaginer, [0.6])
    drawn = [draws[0.6](card(), 2, rng_at(0, "draw")) for draws in (both.trained, both.untrained)]
    assert drawn[0].shape == drawn[1].shape and not np.array_equal(*drawn)


def test_what_cannot_imagine_from_a_picture_or_that_far_is_refused(imaginer: Imaginer, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="cannot imagine from a picture"):
        picture_imaginer(load(attngan_folder(tmp_path / "attngan"), device="cpu"))
    for strengths in ([], [0.5, 1.5], [-0.1]):
        with pytest.raises(BadInput, match="strengths"):
            picture_imaginer(imaginer, strengths)


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> list[Collection]:
    """Two collections, which differ in one caption."""
    folder = tmp_path_factory.mktemp("collections")
    one = squares(folder / "one")
    return [one, write_base(one, folder / "other")]


def test_a_model_is_tested_where_it_was_trained_on_the_base_concepts(two: list[Collection], tmp_path: Path) -> None:
    base = write_base(two[0], tmp_path / "base")
    models = [trained_on(tmp_path / name, base.fingerprint) for name in ("a", "b")]
    tested, told = for_collections(models, two, [0.5])
    assert [list(each) for each in tested] == [["imagination by vae", "imagination by vae 2"], []]
    assert [(each.collection, each.strengths) for each in told] == [("one", (0.5,))] * 2
    assert for_collections([], two) == ([{}, {}], [])


def test_a_model_that_may_have_seen_the_novel_concepts_is_refused(two: list[Collection], tmp_path: Path) -> None:
    for name, fingerprint, why in (
        ("whole", two[0].fingerprint, "the whole of one"),
        ("else", "0" * 64, "which is not their base concepts"),
    ):
        with pytest.raises(BadInput) as refused:
            for_collections([trained_on(tmp_path / name, fingerprint)], two[:1])
        assert why in str(refused.value) and "mindseye collect one BASE --base-concepts" in str(refused.value)


def test_a_training_on_base_concepts_that_went_on_from_another_model_is_refused(
    two: list[Collection], tmp_path: Path
) -> None:
    model = trained_on(tmp_path / "model", write_base(two[0], tmp_path / "base").fingerprint)
    about = model.ours.about
    model.ours.about = about.model_copy(
        update={"training": about.training.model_copy(update={"settings": {"start": "emoji"}})}
    )
    with pytest.raises(BadInput, match="went on from emoji"):
        for_collections([model], two)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_model_of_base_concepts_is_put_to_the_test(tmp_path: Path) -> None:
    whole = squares(tmp_path / "whole")
    base = write_base(whole, tmp_path / "base")
    run = train(
        "oit", base, tmp_path / "run", pictures=64,
        settings={"preset": "tiny", "compile": "false", "batch_size": "8", "preview_pictures": "0"},
    )  # fmt: skip
    page = tmp_path / "few_shot.html"
    found = evaluate_few_shot(
        [whole], ways=[5], shots=[1], episodes=30, imaginers=[load(run.model)], strengths=[0.5], page=page
    )
    name = "imagination by oit"
    [facts] = found.facts["collections"]
    arms = [row["arm"] for row in facts["table"]]
    assert arms[-4:] == [name, f"{name}, untrained", f"{name}, shuffled labels", "oracle"]
    assert {row["imagination"] for row in facts["verdicts"]} == {"imagination", name}
    assert {row["settings"]["strength"] for row in facts["tried"] if row["arm"] == name} == {0.5}
    assert json.loads(json.dumps(found.facts))["imaginers"][0]["pictures_seen"] == 64
    assert "trained on base concepts alone" in page.read_text(encoding="utf-8")
