"""Settings, recipes, and what is said about wrong ones."""

from __future__ import annotations

from pathlib import Path

import pytest

from mindseye.errors import BadInput
from mindseye.settings import checked
from mindseye.train.config import TrainConfig, Wishes, read_recipe, read_settings


def test_settings_reach_the_training_and_the_model_by_their_dots() -> None:
    wishes = read_settings({"batch_size": "32", "device": "cpu", "model.width": "256", "model.name": "x=1 y"})
    assert wishes == Wishes({"batch_size": 32, "device": "cpu"}, {"width": 256, "name": "x=1 y"})


def test_an_unknown_setting_is_answered_with_the_nearest() -> None:
    with pytest.raises(BadInput, match="batchsize") as caught:
        checked(TrainConfig, {"batchsize": 3})
    assert caught.value.next_step == "did you mean batch_size?"


@pytest.mark.parametrize(
    ("key", "value"),
    [("batch_size", 0), ("batch_size", "many"), ("learning_rate", float("nan")), ("seed", 2**32), ("device", "tpu"),
     ("pictures", -1), ("minutes", 1e308), ("batch_size", 1.5)],
)  # fmt: skip
def test_a_value_out_of_range_is_refused_by_name(key: str, value: object) -> None:
    with pytest.raises(BadInput, match=key):
        checked(TrainConfig, {key: value})


def test_minutes_and_pictures_exclude_each_other() -> None:
    with pytest.raises(BadInput, match="do not fit together"):
        checked(TrainConfig, {"minutes": 3, "pictures": 100})


def test_what_is_asked_goes_before_the_recipe_and_replaces_its_goal(tmp_path: Path) -> None:
    recipe = tmp_path / "mine.toml"
    recipe.write_text('family = "tiny"\n[train]\nminutes = 60\nbatch_size = 8\n[model]\nwidth = 32\n')
    wishes = Wishes({"pictures": 100}, {"width": 64}).over(read_recipe(recipe, "tiny"))
    assert wishes == Wishes({"pictures": 100, "batch_size": 8}, {"width": 64})


@pytest.mark.parametrize(
    ("text", "said"),
    [("family = 3 4", "not a recipe"), ('family = "vae"', "for vae, not for tiny"), ("trains = 1", "trains"),
     ("train = 1", "not a table")],
)  # fmt: skip
def test_a_wrong_recipe_is_refused_by_name(tmp_path: Path, text: str, said: str) -> None:
    recipe = tmp_path / "wrong.toml"
    recipe.write_text(text)
    with pytest.raises(BadInput, match=said):
        read_recipe(recipe, "tiny")


def test_a_recipe_that_is_not_there_is_refused_by_name() -> None:
    with pytest.raises(BadInput, match="no recipe 'nonsense'"):
        read_recipe("nonsense", "tiny")


def test_every_setting_says_what_it_is() -> None:
    assert all(field.description for field in TrainConfig.model_fields.values())
