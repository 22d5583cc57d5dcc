from __future__ import annotations

import json
from pathlib import Path

import pytest

from mindseye.cli.runs import sparkline
from mindseye.train.run import Plan, RunFolder


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    """A training that was interrupted after 40 seconds."""
    run = RunFolder(tmp_path / "runs" / "sprites")
    run.path.mkdir(parents=True)
    nothing = {name: {} for name in ("pictures", "train", "model", "machine")}
    names = {name: name for name in Plan.model_fields if name not in (*nothing, "format")}
    run.write_plan(Plan.model_validate({**names, **nothing}))
    run.event("started", pictures_seen=0)
    run.event("read", seconds=2.0, bytes=4096)
    run.event("encode", seconds=8.0, bytes=2**20)
    shares = {"gradient": 0.75, "optimiser": 0.25}
    for step, loss in enumerate([0.9, 0.5, 0.3, 0.2], start=1):
        run.event("progress", pictures_seen=100 * step, seconds=10.0 * step, loss=loss, shares=shares)
        if step % 2 == 0:
            run.event("checkpoint", seconds=1.0, bytes=512)
    return run


def test_one_run_shows_its_state_its_stages_and_its_loss(mindseye, run: RunFolder) -> None:
    facts = json.loads(mindseye("runs", run.path, "--json").out)
    assert facts["state"] == "interrupted"
    assert facts["pictures_seen"] == 400 and facts["loss"] == 0.2
    stages = {stage["stage"]: stage for stage in facts["stages"]}
    assert stages["train"]["seconds"] == 39.0, "the checkpoint is not counted twice"
    assert stages["checkpoint"]["seconds"] == 2.0
    assert stages["train"]["share"] == pytest.approx(39 / 51, abs=1e-4)
    assert stages["encode"]["bytes"] == 2**20
    assert facts["step_shares"] == {"gradient": 0.75, "optimiser": 0.25}


def test_after_a_crash_it_counts_what_the_newest_checkpoint_holds(mindseye, run: RunFolder) -> None:
    (run.checkpoints / "000000390").mkdir(parents=True)
    assert json.loads(mindseye("runs", run.path, "--json").out)["pictures_seen"] == 400
    for name in ("000000720", "000001952", ".000002704.7.writing"):
        (run.checkpoints / name).mkdir()
    assert json.loads(mindseye("runs", run.path, "--json").out)["pictures_seen"] == 1952
    assert "1,952 pictures seen" in mindseye("runs", run.path).out
    assert "1,952" in mindseye("runs", run.path.parent).out


def test_for_people_the_stages_are_a_table_and_the_loss_a_curve(mindseye, run: RunFolder) -> None:
    said = mindseye("runs", run.path)
    assert "loss 0.9 █▄▂▁ 0.2" in said.out
    assert "encode      8.0 s  15.7%  1.0 MiB" in said.out


def test_copies_on_its_last_sheet_are_told(mindseye, run: RunFolder) -> None:
    assert "copies of" not in mindseye("runs", run.path).out
    for copies in (1, 3):
        run.event("copies", seconds=0.1, copies=copies, pictures=16)
    assert "copies of training pictures on its last sheet: 3 of 16" in mindseye("runs", run.path).out
    facts = json.loads(mindseye("runs", run.path, "--json").out)
    assert (facts["copies"], facts["copies_among"]) == (3, 16)


def test_a_folder_of_runs_is_listed(mindseye, run: RunFolder) -> None:
    found = json.loads(mindseye("runs", run.path.parent, "--json").out)["runs"]
    assert [(one["run"], one["state"]) for one in found] == [(str(run.path), "interrupted")]


def test_one_that_is_under_way_is_running(mindseye, run: RunFolder) -> None:
    with run.lease():
        assert "running" in mindseye("runs", run.path.parent).out
        assert mindseye("runs", run.path).out.startswith(f"{run.path}: running")
    assert "running" not in mindseye("runs", run.path).out


def test_a_folder_without_runs_says_so(mindseye, tmp_path: Path) -> None:
    assert "no runs" in mindseye("runs", tmp_path).out


def test_a_path_that_is_no_folder_is_refused_by_name(mindseye, tmp_path: Path) -> None:
    said = mindseye("runs", tmp_path / "nowhere")
    assert said.code == 2 and "nowhere" in said.err


@pytest.mark.parametrize(
    ("values", "curve"),
    [([1.0], "▁"), ([2.0, 2.0], "▁▁"), ([0.0, 7.0], "▁█"), ([7.0, 3.0, 0.0], "█▄▁"), ([0, 0, 14, 14], "▁▁██")],
)
def test_a_sparkline_spans_lowest_to_highest(values: list[float], curve: str) -> None:
    assert sparkline(values) == curve


def test_a_long_curve_fits_its_columns() -> None:
    assert len(sparkline([float(value) for value in range(1000)], columns=60)) == 60
