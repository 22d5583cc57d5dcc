"""Trainings by name: what is started for which, and that nothing else is."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

import pytest
from tests.serve.conftest import begun, interrupted

import mindseye
from mindseye.collection.collection import Collection, Example, write_collection
from mindseye.errors import BadInput
from mindseye.imagine.imaginer import Imaginer
from mindseye.serve.asked import Busy, NotFound
from mindseye.serve.trainings import Trainings


@pytest.fixture
def pictures(tmp_path: Path) -> Collection:
    """Eight pictures, prepared where `mindseye begin` puts them."""
    from tests.recall.conftest import COLOURS, SHAPES, SIZE_PX, drawn, png

    info = {"size_px": SIZE_PX, "transparent": False, "pixel_art": True}
    examples = [
        Example(png(drawn(colour, shape, 0)), f"{colour}-{shape}.png", (f"a {colour} {shape}",), shape, colour, "drawn")
        for colour in COLOURS
        for shape in SHAPES[:2]
    ]
    return write_collection(tmp_path / "runs" / "My Sprites-mindseye" / "collection", {"train": examples}, info)


def command(trainings: Trainings, name: str, family: str | None = None, collection: str | None = None) -> list[str]:
    program, _, module, *words = trainings.command(name, family, collection, None, {})
    assert (program, module) == (sys.executable, "mindseye")
    return words


def test_a_run_that_begin_made_goes_on_where_it_lies_with_the_pictures_it_was_begun_with(pictures: Collection) -> None:
    out = pictures.path.parent
    run = begun(out, pictures.path, family="vae")
    words = command(Trainings(out.parent, {"shapes": "elsewhere"}), "My Sprites-mindseye")
    assert words == ["train", "vae", str(pictures.path), "--out", str(run.path)]


def test_a_run_of_the_folder_that_begin_made_goes_on_in_the_studio_that_begin_opens(pictures: Collection) -> None:
    out = pictures.path.parent
    run = begun(out, pictures.path)
    words = command(Trainings(out, {"collection": str(pictures.path)}), "run")
    assert words == ["train", "diffusion", str(pictures.path), "--out", str(run.path)]


def test_where_the_pictures_have_moved_those_that_are_served_under_the_same_name_are_taken(tmp_path: Path) -> None:
    interrupted(tmp_path / "mine", tmp_path / "gone")
    assert command(Trainings(tmp_path, {"sprites": "here"}), "mine")[2] == "here"
    with pytest.raises(NotFound, match="no collection 'sprites' here") as refused:
        command(Trainings(tmp_path, {"shapes": "here"}), "mine")
    assert str(tmp_path) not in str(refused.value)


def test_a_new_training_needs_a_name_a_family_and_pictures_that_are_known(tmp_path: Path) -> None:
    trainings = Trainings(tmp_path, {"shapes": "here"})
    assert command(trainings, "mine", collection="shapes")[:3] == ["train", "diffusion", "here"]
    for name, family, collection, field in (
        ("My Sprites", None, "shapes", "name"),
        ("../mine", None, "shapes", "name"),
        ("mine", "os", "shapes", "family"),
        ("mine", "lora", "shapes", "family"),
        ("mine", None, None, "collection"),
        ("mine", None, "/etc", "collection"),
    ):
        with pytest.raises(BadInput) as refused:
            command(trainings, name, family, collection)
        assert refused.value.field == field


def test_a_run_stays_of_its_family_whatever_family_that_is(tmp_path: Path) -> None:
    interrupted(tmp_path / "mine", tmp_path, family="lora")
    trainings = Trainings(tmp_path, {"sprites": "here"})
    assert command(trainings, "mine")[1] == "lora"
    with pytest.raises(BadInput, match="mine is of the family lora"):
        command(trainings, "mine", "diffusion")


def test_after_a_crash_every_run_is_interrupted_none_is_signalled_and_each_can_go_on(tmp_path: Path) -> None:
    """Nothing of a process is remembered: its number may be anybody's by now."""
    names = [f"run-{number}" for number in range(5)]
    for name in names:
        interrupted(tmp_path / name, tmp_path)
    trainings = Trainings(tmp_path, {"sprites": "here"})
    assert [trainings.facts(name)["state"] for name in trainings.names()] == ["interrupted"] * 5
    for name in names:
        with pytest.raises(BadInput, match="not running"):
            trainings.stop(name)
        assert command(trainings, name)[-1] == str(tmp_path / name)


def test_a_damaged_run_is_told_by_its_name(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "run.toml").write_text("format = [")
    trainings = Trainings(tmp_path, {"sprites": "here"})
    for ask in (trainings.facts, trainings.start):
        with pytest.raises(BadInput, match="mine: its run.toml is damaged") as refused:
            ask("mine")
        assert str(tmp_path) not in str(refused.value)


def test_a_process_that_was_started_is_at_it_until_it_ends_and_what_it_said_is_told_where_it_failed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    codes = {"waits": "import time; time.sleep(60)", "fails": "raise SystemExit('no\\nluck')"}
    monkeypatch.setattr(Trainings, "command", lambda self, name, *how: [sys.executable, "-c", codes[name]])
    trainings = Trainings(tmp_path, {})
    assert not trainings.is_at_it("waits")
    trainings.start("waits")
    assert trainings.is_at_it("waits")
    with pytest.raises(Busy, match="waits is being trained"):
        trainings.start("fails")
    trainings.stop("waits")
    until_it_ends(trainings, "waits")
    assert trainings.last_words("waits") == "", "it ended as it was asked to"
    trainings.start("fails")
    until_it_ends(trainings, "fails")
    assert trainings.last_words("fails") == "no luck"


def until_it_ends(trainings: Trainings, name: str) -> None:
    until = time.monotonic() + 30
    while trainings.is_at_it(name):
        assert time.monotonic() < until
        time.sleep(0.02)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_run_that_begin_made_goes_on_over_http(serving: Any, tiny: Imaginer, pictures: Collection) -> None:
    """Its goal is raised, since without that one that has reached it has nothing to do."""
    out = pictures.path.parent
    settings = {"preset": "tiny", "compile": False, "preview_pictures": 0, "held_out_pictures": 0, "batch_size": 8}
    named = Collection(pictures.path, "sprites", pictures.splits, pictures.info)  # as begin calls it: by its folder
    mindseye.train("diffusion", named, out / "run", pictures=16, settings=settings)
    served = serving.start({"tiny": tiny}, runs=out.parent)
    body = {"name": out.name, "settings": {"pictures": 32}}
    assert served.post("/api/runs", body).status == 201
    until = time.monotonic() + 500
    while (facts := served.ask("GET", "/api/runs/My%20Sprites-mindseye").json)["pictures_seen"] < 32:
        assert time.monotonic() < until, facts
        time.sleep(1)
    while facts["state"] == "running":
        time.sleep(1)
        facts = served.ask("GET", "/api/runs/My%20Sprites-mindseye").json
    assert facts["state"] == "finished" and facts["collection"] == "sprites"
    about = mindseye.load(out / "run").about
    assert about is not None and (about.name, about.collection.name) == ("sprites", "sprites"), "it keeps its name"
