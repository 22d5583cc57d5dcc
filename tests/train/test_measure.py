"""Settings that are a property of the pictures are found once, when a training begins, and then part of its plan."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from mindseye.collection.collection import Collection
from mindseye.train.config import Wishes, read_settings
from mindseye.train.data import draws_at
from mindseye.train.plan import new_plan, recorded_plan
from mindseye.train.run import RunFolder


def test_a_learner_sees_the_training_pictures_once_and_the_plan_keeps_what_it_found(
    tiny: ModuleType, collection: Collection, tmp_path: Path
) -> None:
    seen: list[np.ndarray] = []

    def measure(config: Any, pictures: np.ndarray, log: Any) -> Any:
        seen.append(pictures)
        log("looked at them")
        return config.model_copy(update={"width": len(pictures)})

    learner = replace(tiny.FAMILY, measure=measure)
    wishes, lines = read_settings(tiny.FAST).over(Wishes()), []
    resolved = new_plan(learner, collection, wishes, lines.append)
    assert np.array_equal(seen[0], collection.splits["train"].arrays(tiny.SIZE_PX, 4))
    assert resolved.model.width == resolved.plan.model["width"] == 20
    assert "looked at them" in lines
    again = recorded_plan(resolved.plan, learner, collection, wishes, RunFolder(tmp_path), lines.append)
    assert again.model == resolved.model
    assert len(seen) == 1


def test_what_was_measured_cannot_be_changed_on_the_way(
    tiny: ModuleType, collection: Collection, tmp_path: Path
) -> None:
    learner = replace(tiny.FAMILY, measure=lambda config, pictures, log: config.model_copy(update={"width": 20}))
    plan = new_plan(learner, collection, read_settings(tiny.FAST), print).plan
    wishes = read_settings({"model.width": "21"})
    with pytest.raises(Exception, match="width is 20"):
        recorded_plan(plan, learner, collection, wishes, RunFolder(tmp_path), print)


def test_a_learner_sees_all_captions_of_the_training_pictures_before_anything_reads_them(
    tiny: ModuleType, collection: Collection
) -> None:
    seen: list[str] = []

    def measure_captions(config: Any, captions: list[str], log: Any) -> Any:
        seen.extend(captions)
        return config.model_copy(update={"width": len(captions)})

    learner = replace(tiny.FAMILY, measure_captions=measure_captions)
    resolved = new_plan(learner, collection, read_settings(tiny.FAST), print)
    assert seen == [text for texts in collection.splits["train"].captions for text in texts]
    assert resolved.plan.model["width"] == len(seen) == 40


def test_a_schedule_is_a_function_of_the_pictures_seen_alone_and_over_when_a_training_is(tiny: ModuleType) -> None:
    [objective] = tiny.build(tiny.TinyConfig(size_px=8, channels=4, text_width=384), 0).objectives()
    rising = replace(objective, scheduled=lambda seen: {"weight": np.float32(min(1, seen / 10))})
    at = range(3, 6)
    assert draws_at(rising, 0, "train", at, seen=at)["weight"].tolist() == pytest.approx([0.3, 0.4, 0.5])
    assert draws_at(rising, 0, "held out", at)["weight"].tolist() == [1, 1, 1]
    assert "weight" not in draws_at(objective, 0, "train", at, seen=at)
