"""The loop from end to end, with the tiny family."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import re
import shutil
import signal
import tomllib
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from mindseye.collection.collection import Collection
from mindseye.errors import BadInput, NotFinite, Unavailable
from mindseye.learn.batch import Batch
from mindseye.learn.learner import PictureFormat
from mindseye.observe.features import CaptionFeatures
from mindseye.observe.known import KnownPictures
from mindseye.observe.pictures import WEIGHTS_SHA256
from mindseye.observe.text import load_text_encoder
from mindseye.pictures.tensors import to_model
from mindseye.recall.repair import protect, repair
from mindseye.train.data import CaptionList, Feed
from mindseye.train.facts import run_facts
from mindseye.train.loop import train
from mindseye.train.progress import TrainingProgress
from mindseye.train.run import RunFolder
from mindseye.train.signals import Interrupted


@pytest.fixture
def quick(tiny: ModuleType, collection: Collection) -> Any:
    """Trains the tiny family in this process: `quick(run, pictures, key="value", ...)`."""

    def run(folder: Path, pictures: int | None, log: Any = lambda line: None, **settings: str) -> RunFolder:
        settings = {key.replace("model_", "model."): value for key, value in settings.items()}
        return train(tiny.FAMILY, collection, folder, pictures=pictures, settings=tiny.FAST | settings, log=log)

    return run


def weights(run: RunFolder) -> dict[str, str]:
    """SHA-256 of each file of tensors in the newest checkpoint."""
    newest = max(run.checkpoints.glob("[0-9]*"))
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in newest.glob("*.safetensors")}


def events(run: RunFolder, name: str) -> list[dict[str, Any]]:
    return [event for event in run.events.read() if event["event"] == name]


def test_a_training_leaves_a_model_a_sheet_and_a_record(quick: Any, tmp_path: Path) -> None:
    run = quick(tmp_path / "run", 80)
    assert run.state == "finished"
    assert (run.model / "weights.safetensors").exists() and (run.model / "sheet.png").exists()
    assert [path.name for path in run.samples.iterdir()] == ["000000080.png"]
    names = [event["event"] for event in run.events.read()]
    for stage in ("read", "encode", "build", "estimate", "compile", "progress", "held_out", "preview", "checkpoint"):
        assert stage in names
    weighed = ("read", "encode", "held_out", "preview", "checkpoint", "saved")
    timed = [event for event in run.events.read() if event["event"] in weighed]
    assert all(event["bytes"] > 0 and event["seconds"] >= 0 for event in timed)
    (steps,) = [stage for stage in run_facts(run)["stages"] if stage["stage"] == "train"]
    assert steps["bytes"] == 80 * 8 * 8 * 4
    page = (Path(__file__).parents[2] / "docs" / "training.md").read_text(encoding="utf-8")
    listed = re.search(r"^my_run/\n((?:  \S.*\n)+)", page, re.MULTILINE)
    assert listed and {line.split()[0].rstrip("/") for line in listed[1].splitlines()} == {
        path.name for path in run.path.iterdir()
    }
    plan = tomllib.loads((run.path / "run.toml").read_text())
    known = KnownPictures.read(run.model / "nearest.safetensors", plan["fingerprint"], WEIGHTS_SHA256)
    assert len(known.file_names) == 20
    assert plan["train"]["batch_size"] == 8 and plan["machine"]["threads"] == 1 and plan["fingerprint"]


def test_a_finished_model_is_shown_every_training_picture_once_and_what_it_measures_is_saved(
    tiny: ModuleType, collection: Collection, tmp_path: Path
) -> None:
    shown: list[Batch] = []

    def finish(model: Any, batches: Iterable[Batch]) -> None:
        shown.extend(batches)
        model.out.bias.data.fill_(7)

    run = train(replace(tiny.FAMILY, finish=finish), collection, tmp_path / "run", pictures=80, settings=tiny.FAST)
    assert [len(batch.pictures) for batch in shown] == [8, 8, 4]
    train_split = collection.splits["train"]
    pixels = torch.cat([batch.pictures for batch in shown])
    assert torch.equal(pixels, to_model(train_split.arrays(tiny.SIZE_PX, 4)))
    first = load_text_encoder().encode([train_split.captions[3][0]]).sentence
    torch.testing.assert_close(shown[0].words.sentence[3:4].float(), first, atol=0.01, rtol=0.02)
    assert load_file(run.model / "weights.safetensors")["out.bias"].unique().tolist() == [7]
    assert [event["event"] for event in run.events.read()][-4:] == ["measured", "saved", "finished", "looked at"]


def test_who_stops_the_last_look_has_the_model_and_the_same_training_looks_again(quick: Any, tmp_path: Path) -> None:
    def stops(line: str) -> None:
        if line.startswith("looking at 20 training pictures"):
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(Interrupted):
        quick(tmp_path / "run", 80, log=stops)
    run = RunFolder(tmp_path / "run")
    weights = (run.model / "weights.safetensors").read_bytes()
    assert run.state == "finished" and not (run.model / "nearest.safetensors").exists()
    quick(tmp_path / "run", 80)
    assert (run.model / "nearest.safetensors").exists()
    assert (run.model / "weights.safetensors").read_bytes() == weights


def test_more_pictures_than_fit_into_memory_are_not_looked_at(
    quick: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mindseye.train.finish.MOST_KNOWN", 19)
    said: list[str] = []
    run = quick(tmp_path / "run", 80, log=said.append)
    assert not (run.model / "nearest.safetensors").exists()
    assert any("20 training pictures are too many" in line for line in said)


def test_it_learns(quick: Any, tmp_path: Path) -> None:
    run = quick(tmp_path / "run", 2400, learning_rate="3e-3")
    before = quick(tmp_path / "new", 8, learning_rate="3e-3")
    assert events(run, "held_out")[-1]["loss"] < 0.3 * events(before, "held_out")[-1]["loss"]


def test_a_finished_training_stays_as_it_is(quick: Any, tmp_path: Path) -> None:
    run = quick(tmp_path / "run", 80)
    before = {path: path.stat().st_mtime_ns for path in run.path.rglob("*") if path.name != "lock"}
    quick(tmp_path / "run", 80)
    assert {path: path.stat().st_mtime_ns for path in run.path.rglob("*") if path.name != "lock"} == before


def test_a_raised_goal_goes_on_from_where_it_was(quick: Any, tmp_path: Path) -> None:
    quick(tmp_path / "run", 80)
    run = quick(tmp_path / "run", 160)
    assert run.state == "finished"
    assert [event["pictures_seen"] for event in events(run, "started")] == [0, 80]
    assert events(run, "finished")[-1]["pictures_seen"] == 160


def test_a_raised_goal_drops_the_protection_of_the_plan_and_no_repair_brings_it_back(
    quick: Any, tmp_path: Path
) -> None:
    for module in ("zfec", "reedsolo"):
        pytest.importorskip(module)
    run = quick(tmp_path / "run", 80)
    assert "run.toml" in {file.path for file in protect(run.path)}
    quick(tmp_path / "run", 160)
    protect(run.path)
    assert not any(file.rewritten for file in repair(run.path))
    plan = run.read_plan()
    assert plan is not None and plan.train["pictures"] == 160


@pytest.mark.parametrize(
    ("settings", "field"),
    [({"batch_size": "16"}, "batch_size"), ({"seed": "1"}, "seed"), ({"model_width": "8"}, "model.width")],
)
def test_a_setting_that_contradicts_the_run_is_refused_by_name(
    quick: Any, tmp_path: Path, settings: dict[str, str], field: str
) -> None:
    quick(tmp_path / "run", 80)
    with pytest.raises(BadInput, match=f"^{field} is"):
        quick(tmp_path / "run", 80, **settings)
    with pytest.raises(BadInput, match="pictures is 80"):
        quick(tmp_path / "run", 40)
    assert RunFolder(tmp_path / "run").state == "finished"


def test_settings_under_which_nothing_was_learnt_bind_no_one(quick: Any, tmp_path: Path) -> None:
    run = quick(tmp_path / "run", 80)
    shutil.rmtree(run.checkpoints)
    with pytest.raises(BadInput, match="^batch_size is"):
        quick(tmp_path / "run", 80, batch_size="16")  # a finished model is not drawn over
    shutil.rmtree(run.model)
    assert quick(tmp_path / "run", 32, batch_size="16").read_plan().train["batch_size"] == 16
    with pytest.raises(BadInput, match="^batch_size is 16"):
        quick(tmp_path / "run", 32, batch_size="4")


def test_another_collection_is_refused(quick: Any, tiny: ModuleType, tmp_path: Path) -> None:
    quick(tmp_path / "run", 80)
    other = tiny.make_collection(tmp_path / "other", [tiny.example(50)])
    with pytest.raises(BadInput, match="the collection is not the one"):
        train(tiny.FAMILY, other, tmp_path / "run", settings=tiny.FAST)


def test_a_folder_with_other_things_in_it_is_left_alone(quick: Any, tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("do not lose me")
    with pytest.raises(BadInput, match="is not a run folder"):
        quick(tmp_path, 80)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_only_one_process_trains_in_a_folder(quick: Any, tmp_path: Path) -> None:
    run = quick(tmp_path / "run", 80)
    with run.lease():
        assert run.state == "running"
        with pytest.raises(BadInput, match="another process is training there"):
            quick(tmp_path / "run", 160)
    assert run.state == "finished"


@pytest.mark.parametrize(
    ("goal", "settings", "said"),
    [
        ({"pictures": 80}, {"batch_size": "-3"}, "batch_size cannot be -3"),
        ({"minutes": 0}, {}, "minutes cannot be 0"),
        ({"pictures": 80}, {"model.widht": "8"}, "no setting 'model.widht'"),
        ({"pictures": 80, "minutes": 1}, {}, "do not fit together"),
    ],
)
def test_a_training_that_is_refused_leaves_nothing_behind(
    tiny: ModuleType, collection: Collection, tmp_path: Path, goal: Any, settings: dict[str, str], said: str
) -> None:
    with pytest.raises(BadInput, match=said):
        train(tiny.FAMILY, collection, tmp_path / "runs" / "run", **goal, settings=tiny.FAST | settings)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_read_only_folder_is_refused_by_name(quick: Any, tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(Unavailable, match="cannot be used: permission denied"):
        quick(tmp_path / "run", 80)


def test_a_device_that_is_not_there_is_refused_by_name(quick: Any, tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="device mps is not on this machine"):
        quick(tmp_path / "run", 80, device="mps")


def test_a_loss_that_is_not_finite_stops_before_the_update_and_names_the_pictures(
    tiny: ModuleType, tmp_path: Path
) -> None:
    spoilt = tiny.make_collection(tmp_path / "spoilt", [tiny.example(60, opacity=0)])
    folder, settings = tmp_path / "run", tiny.FAST | {"model.brightness": "true", "checkpoint_minutes": "0"}
    settings |= {"seed": "3", "batch_size": "4"}
    with pytest.raises(NotFinite, match="pictures is inf") as caught:
        train(tiny.FAMILY, spoilt, folder, pictures=400, settings=settings)
    run = RunFolder(folder)
    assert "square60.png" in caught.value.why and caught.value.exit_code == 4
    assert run.state == "stopped by error"
    newest = max(run.checkpoints.glob("[0-9]*"))
    assert f"at {int(newest.name)} pictures" in caught.value.what  # the state just before the bad step
    assert all(tensor.isfinite().all() for tensor in load_file(newest / "weights.safetensors").values())


def test_a_gradient_that_is_not_finite_stops_before_the_update_even_where_the_loss_is(
    tiny: ModuleType, tmp_path: Path
) -> None:
    spoilt = tiny.make_collection(tmp_path / "spoilt", [tiny.example(60, opacity=0)])
    folder, settings = tmp_path / "run", tiny.FAST | {"model.visible": "true", "checkpoint_minutes": "0"}
    settings |= {"seed": "3", "batch_size": "4"}
    with pytest.raises(NotFinite, match=r"pictures is \d+\.\d+, its gradient's norm nan") as caught:
        train(tiny.FAMILY, spoilt, folder, pictures=400, settings=settings)
    run = RunFolder(folder)
    names = caught.value.why.partition(": ")[2].split(", ")
    assert "square60.png" in names and len(names) <= 4
    assert run.state == "stopped by error"
    newest = max(run.checkpoints.glob("[0-9]*"))
    assert f"at {int(newest.name)} pictures" in caught.value.what  # the state just before the bad step
    tensors = [tensor for path in newest.glob("*.safetensors") for tensor in load_file(path).values()]
    assert tensors and all(tensor.isfinite().all() for tensor in tensors)


def test_each_objective_moves_its_own_parameters_only(quick: Any, tmp_path: Path) -> None:
    alone = quick(tmp_path / "alone", 80)
    both = quick(tmp_path / "both", 80, model_rival="true")
    one, two = (load_file(run.checkpoints / "000000080" / "weights.safetensors") for run in (alone, both))
    assert (two.pop("rival") != 1).all()
    assert one.keys() == two.keys() and all((one[name] == two[name]).all() for name in one)


def test_an_objective_may_rest_between_its_steps(quick: Any, tmp_path: Path) -> None:
    run = quick(tmp_path / "run", 80, model_rival="true", model_rival_every="3")
    state = load_file(run.checkpoints / "000000080" / "optimiser.safetensors")
    assert state["picture/adamw/step/out.bias"] == 10
    assert state["rival/adamw/step/rival"] == 4  # of the steps 0 to 9: 0, 3, 6, 9


def test_a_step_counts_once_however_many_objectives_it_has(
    tiny: ModuleType, collection: Collection, tmp_path: Path
) -> None:
    shown: list[TrainingProgress] = []
    settings = tiny.FAST | {"model.rival": "true"}
    run = train(tiny.FAMILY, collection, tmp_path / "run", pictures=400, settings=settings, show=shown.append)
    [progress], [finished] = shown, events(run, "finished")
    assert progress.pictures_per_second * finished["seconds_trained"] < 1.5 * 400


def test_a_loss_that_says_nothing_on_unseen_pictures_is_not_taken_there(quick: Any, tmp_path: Path) -> None:
    run = quick(tmp_path / "run", 8, model_rival="true")
    assert events(run, "progress") and not events(run, "held_out")


def test_previews_and_checkpoints_do_not_touch_the_training(quick: Any, tmp_path: Path) -> None:
    plain = quick(tmp_path / "plain", 80)
    busy = quick(tmp_path / "busy", 80, checkpoint_minutes="0", preview_minutes="0", preview_pictures="3")
    assert weights(plain) == weights(busy)
    assert len(list(busy.samples.iterdir())) == 11


def test_a_batch_holds_the_same_samples_at_any_batch_size(tiny: ModuleType, collection: Collection) -> None:
    captions = CaptionList()
    pictures = captions.read(collection.splits["train"], PictureFormat(tiny.SIZE_PX, 4))
    count = len(captions.texts)
    states = torch.ones(count, 384, dtype=torch.float16)
    features = CaptionFeatures(tokens=states, starts=torch.arange(count + 1), sentence=states, token_limit=8)
    model = tiny.build(tiny.TinyConfig(size_px=tiny.SIZE_PX, channels=4, text_width=384), 0)
    feeds = [Feed(pictures, features, model.objectives(), 0, size, slice(size)) for size in (4, 16)]
    second = slice(4, 8)
    small, large = feeds[0].make(4), feeds[1].make(0)
    assert (small.batch.pictures == large.batch.pictures[second]).all()
    assert (small.draws["picture"]["noise"] == large.draws["picture"]["noise"][second]).all()
    half = Feed(pictures, features, model.objectives(), 0, 16, slice(8, 16)).make(0)
    assert (half.batch.pictures == large.batch.pictures[8:]).all()
    assert (half.draws["picture"]["noise"] == large.draws["picture"]["noise"][8:]).all()


def test_the_progress_is_shown_at_the_end_at_the_latest(
    tiny: ModuleType, collection: Collection, tmp_path: Path
) -> None:
    shown: list[TrainingProgress] = []
    train(tiny.FAMILY, collection, tmp_path / "run", pictures=80, settings=tiny.FAST, show=shown.append)
    assert shown[-1].progress == 1 and shown[-1].pictures_seen == 80 and shown[-1].eta_seconds == 0
    assert shown[-1].loss > 0 and shown[-1].gradient_norm > 0
    assert 0 < sum(shown[-1].shares.values()) <= 1


def test_who_watches_is_told_what_begins_in_its_order(tiny: ModuleType, collection: Collection, tmp_path: Path) -> None:
    told: list[str] = []
    settings = tiny.FAST | {"batch_size": "40"}
    train(tiny.FAMILY, collection, tmp_path / "run", pictures=80, settings=settings, doing=told.append)
    assert told == [
        "planning the training",
        "reading 20 pictures",
        "reading 36 captions",
        "building the model",
        "measuring how much memory it needs",
        "trying the first step",
        "measuring the speed",
        "training",
        "training",
        "looking at pictures held back",
        "drawing the sheet of samples",
        "looking for copies on the sheet",
        "saving a checkpoint",
        "measuring the finished model",
        "saving the model",
        "looking at the training pictures",
    ]


def test_compiling_is_announced_before_it_begins(tiny: ModuleType, collection: Collection, tmp_path: Path) -> None:
    heard: list[str] = []

    def told(words: str) -> None:
        heard.append(f"doing: {words}")
        if words.startswith("compiling"):
            raise KeyboardInterrupt  # the test is not about compiling

    settings = tiny.FAST | {"compile": "true"}
    with pytest.raises(KeyboardInterrupt):
        train(tiny.FAMILY, collection, tmp_path / "run", pictures=8, settings=settings, log=heard.append, doing=told)
    assert heard[-2:] == [
        "compiling the step, a minute or two; the training itself begins after that",
        "doing: compiling the step, a minute or two",
    ]


@pytest.mark.parametrize(
    ("precision", "least", "expected"), [("float32", 1, 32), ("bfloat16", 1, 64), ("float32", 48, 48)]
)
def test_a_slow_machine_takes_fewer_pictures_a_step_but_not_fewer_than_the_loss_needs(
    tiny: ModuleType, collection: Collection, tmp_path: Path, precision: str, least: int, expected: int
) -> None:
    settings = {key: value for key, value in tiny.FAST.items() if key != "batch_size"} | {"precision": precision}
    run = train(replace(tiny.FAMILY, least_batch=least), collection, tmp_path / "run", pictures=64, settings=settings)
    assert tomllib.loads((run.path / "run.toml").read_text())["train"]["batch_size"] == expected


def test_a_training_by_time_ends_in_time(tiny: ModuleType, collection: Collection, tmp_path: Path) -> None:
    run = train(tiny.FAMILY, collection, tmp_path / "run", minutes=0.01, settings=tiny.FAST)
    assert 0.6 <= events(run, "finished")[-1]["seconds_trained"] < 5


def test_tensorboard_gets_the_curves_or_the_line_that_installs_it(quick: Any, tmp_path: Path) -> None:
    if importlib.util.find_spec("tensorboard"):
        quick(tmp_path / "run", 80, tensorboard="true")
        assert list((tmp_path / "run" / "tensorboard").iterdir())
    else:
        with pytest.raises(Unavailable, match="tensorboard") as caught:
            quick(tmp_path / "run", 80, tensorboard="true")
        assert "mindseye[track]" in caught.value.next_step
