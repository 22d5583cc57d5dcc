"""The memorisation clock: a training ends when the pictures on its sheet are copies of those it was shown."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch

from mindseye.collection.collection import Collection
from mindseye.imagine.family import Family, Progress
from mindseye.pictures.tensors import to_model
from mindseye.train import copying
from mindseye.train.copying import Copying
from mindseye.train.facts import run_facts
from mindseye.train.loop import train
from mindseye.train.run import RunFolder


def test_copies_are_counted_upright_and_mirrored_and_what_is_new_is_none(collection: Collection) -> None:
    split = collection.splits["train"]
    counts = Copying.of(split)
    assert counts is not None
    known = split.arrays(8, 4)
    new = np.zeros((8, 8, 4), np.uint8)
    new[2:5, 1:4] = (250, 120, 10, 255)  # the others fill their square
    halfway = (known[0].astype(int) + known[2]) // 2
    count, least = counts.count([known[0], known[3][:, ::-1], new, halfway.astype(np.uint8)])
    assert count == 2
    assert 0.14 < least < 0.16  # Wilson's lower end for 2 of 4
    assert counts.count([new])[0] == 0


def test_many_pictures_and_those_of_one_group_are_not_watched(
    collection: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    split = collection.splits["train"]
    monkeypatch.setattr(copying, "MOST", len(split))
    assert Copying.of(split)
    monkeypatch.setattr(copying, "MOST", len(split) - 1)
    assert Copying.of(split) is None

    class One:
        groups = ("a", "a")

        def __len__(self) -> int:
            return 2

    assert Copying.of(One()) is None  # type: ignore[arg-type]


@pytest.fixture
def copyist(tiny: ModuleType, collection: Collection) -> Family:
    """A family that gives back what it was trained on."""
    known = to_model(collection.splits["train"].arrays(8, 4))

    class Copyist(tiny.Tiny):  # type: ignore[misc, name-defined]
        def draw(self, words: Any, negative: Any, seeds: Any, settings: Any, given: Any = None) -> Iterator[Progress]:
            yield Progress(1, 1, known[torch.arange(len(seeds)) % len(known)])

    def build(config: Any, seed: int) -> Any:
        return Copyist(config)

    return replace(tiny.FAMILY, build=build)


def trained(
    family: Family, tiny: ModuleType, collection: Collection, folder: Path, **more: str
) -> tuple[RunFolder, str]:
    said: list[str] = []
    settings = tiny.FAST | {"preview_minutes": "0"} | more
    run = train(family, collection, folder, pictures=80, settings=settings, log=said.append)
    return run, "\n".join(said)


def test_a_training_that_copies_ends_says_why_and_stays_ended(
    copyist: Family, tiny: ModuleType, collection: Collection, tmp_path: Path
) -> None:
    run, said = trained(copyist, tiny, collection, tmp_path / "run")
    assert "16 of the sheet's 16 pictures are copies" in said
    assert "--set copies_allowed=1" in said
    assert run.state == "finished"
    assert run.model.exists()
    facts = run_facts(run)
    assert (facts["copies"], facts["copies_among"]) == (16, 16)
    assert facts["pictures_seen"] == 0  # the sheet before the first step shows them already
    again, said = trained(copyist, tiny, collection, tmp_path / "run")
    assert "is finished" in said
    assert len([event for event in again.events.read() if event["event"] == "copies"]) == 1


def test_who_allows_copies_goes_on_to_the_goal(
    copyist: Family, tiny: ModuleType, collection: Collection, tmp_path: Path
) -> None:
    trained(copyist, tiny, collection, tmp_path / "run")
    run, said = trained(copyist, tiny, collection, tmp_path / "run", copies_allowed="1")
    assert "copies of training pictures" not in said
    assert run_facts(run)["pictures_seen"] == 80
