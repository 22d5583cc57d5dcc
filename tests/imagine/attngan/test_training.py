"""From a folder of pictures to a model that draws them: with a DAMSM trained along, and with a given one."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path

import pytest
import torch
from PIL import Image
from tests.imagine.attngan.small import batch, config, model

from mindseye.collection.collection import Collection, Example, write_collection
from mindseye.errors import BadInput
from mindseye.imagine.attngan.model import build, measure_norms
from mindseye.imagine.imaginer import load
from mindseye.imagine.request import Request
from mindseye.learn.batch import Batch
from mindseye.learn.folder import weights_digest
from mindseye.train.loop import train
from mindseye.train.run import RunFolder

COLOURS = ("red", "green", "blue", "yellow", "white", "black", "cyan", "magenta")
FAST = {"preset": "tiny", "threads": "1", "precision": "float32", "batch_size": "8", "warmup_pictures": "0"}
OFTEN = {"checkpoint_minutes": "0", "preview_minutes": "0", "preview_pictures": "2"}


def square(colour: str) -> Example:
    image = Image.new("RGB", (16, 16), "grey")
    image.paste(colour, (3, 3, 13, 13))
    png = io.BytesIO()
    image.save(png, format="PNG")
    return Example(png.getvalue(), f"{colour}.png", (f"a {colour} square",), colour, colour, "test")


@pytest.fixture(scope="module")
def squares(tmp_path_factory: pytest.TempPathFactory) -> Collection:
    made = [square(colour) for colour in COLOURS]
    facts = {"size_px": 16, "transparent": False, "pixel_art": True, "seconds": {}}
    return write_collection(tmp_path_factory.mktemp("collection") / "squares", {"train": made}, facts)


@pytest.fixture(scope="module")
def damsm(squares: Collection, tmp_path_factory: pytest.TempPathFactory) -> Path:
    run = train("damsm", squares, tmp_path_factory.mktemp("damsm"), pictures=16, settings=FAST | {"compile": "false"})
    return run.model


class PowerCutError(Exception):
    """Something that ends a training where it should not end."""


def digest(run: RunFolder) -> list[str]:
    """SHA-256 of the finished model and of the newest checkpoint: all networks, the average, the optimisers."""
    files = [*run.model.rglob("*.safetensors"), *sorted(max(run.checkpoints.glob("0*")).glob("*.safetensors"))]
    return [hashlib.sha256(file.read_bytes()).hexdigest() for file in sorted(files)]


def test_a_training_that_was_cut_off_three_times_ends_in_the_bytes_of_one_that_was_not(
    squares: Collection, tmp_path: Path
) -> None:
    whole = train("attngan", squares, tmp_path / "whole", pictures=40, settings=FAST | OFTEN)
    for _ in range(3):
        sheets = 0

        def cut_off(line: str) -> None:
            nonlocal sheets
            sheets += line.startswith("sample sheet")
            if sheets == 2:
                raise PowerCutError

        with pytest.raises(PowerCutError):
            train("attngan", squares, tmp_path / "broken", pictures=40, settings=FAST | OFTEN, log=cut_off)
    broken = train("attngan", squares, tmp_path / "broken", pictures=40, settings=FAST | OFTEN)
    assert digest(broken) == digest(whole)


def test_it_says_which_damsm_there_is(squares: Collection, damsm: Path, tmp_path: Path) -> None:
    for name, settings, said in (
        ("along", {}, "no DAMSM was given, so one is trained along with the rest"),
        ("given", {"model.damsm": str(damsm)}, f"by the DAMSM of {damsm}, which stays as it is"),
        ("none", {"model.damsm_weight": "0"}, "damsm_weight is 0"),
    ):
        lines: list[str] = []
        train("attngan", squares, tmp_path / name, pictures=8, settings=FAST | settings, log=lines.append)
        assert any(said in line for line in lines), name


def test_a_given_damsm_reads_and_looks_and_stays_as_it_is(squares: Collection, damsm: Path, tmp_path: Path) -> None:
    settings = FAST | {"model.damsm": str(damsm)}
    run = train("attngan", squares, tmp_path / "run", pictures=32, settings=settings)
    plan = run.read_plan()
    assert plan.model["damsm_sha256"] == weights_digest(damsm)
    resolved = config(channels=3).model_validate(plan.model)
    trained, begun = load(run.model, device="cpu"), build(resolved, seed=0)
    weights = trained.painter.model.text.state_dict()
    assert all(torch.equal(weights[name], value) for name, value in begun.text.state_dict().items())
    assert [objective.name for objective in begun.objectives()] == ["discriminators", "generator"]
    assert begun.text.most_words == 30, "it reads all of a caption, although it was trained on the first 16 words"


def test_a_finished_model_draws_after_its_damsm_is_gone_and_a_run_does_not_go_on_without(
    squares: Collection, damsm: Path, tmp_path: Path
) -> None:
    here = tmp_path / "damsm"
    here.symlink_to(damsm)
    settings = FAST | {"model.damsm": str(here)}
    run = train("attngan", squares, tmp_path / "run", pictures=16, settings=settings)
    here.unlink()
    assert load(run.model, device="cpu").imagine(Request(prompt="a red square"))[0].pixels.shape == (16, 16, 3)
    with pytest.raises(BadInput, match="there is no model"):
        train("attngan", squares, tmp_path / "run", pictures=32, settings=settings)


def test_another_damsm_in_its_place_is_noticed(squares: Collection, damsm: Path) -> None:
    with pytest.raises(BadInput, match="is not the one that this training was begun with"):
        build(config(channels=3, damsm=str(damsm), damsm_sha256="0" * 64), seed=0)


def test_what_is_no_damsm_or_does_not_fit_is_refused(
    squares: Collection, damsm: Path, tiny_folder: Path, tiny_thinker: Path, tmp_path: Path
) -> None:
    for folder, why in (
        (tmp_path / "nowhere", "there is no model"),
        (tiny_folder, "a model of the family diffusion"),
        (tiny_thinker, "its channels are 4, here they are 3"),
    ):
        with pytest.raises(BadInput, match=why):
            settings = FAST | {"model.damsm": str(folder)}
            train("attngan", squares, tmp_path / "run", pictures=8, settings=settings)
        assert not (tmp_path / "run" / "model").exists()


# ------------------------------------------------------------------------------------------------ batch norms


def test_when_a_training_is_done_the_batch_norms_know_the_averaged_weights() -> None:
    """They have the mean over all batches of what the averaged generator itself gives for the captions."""
    attngan, shown = model().eval(), batch(12)
    layer = attngan.generator.first.linear[1]
    seen: list[torch.Tensor] = []
    layer.register_forward_hook(lambda layer, given, result: seen.append(given[0]))
    layer.running_mean += 7  # whatever the training left
    measure_norms(attngan, [shown, shown])
    assert not attngan.generator.training and len(seen) == 2 and not torch.equal(*seen)
    torch.testing.assert_close(layer.running_mean, torch.stack([one.mean(0) for one in seen]).mean(0))
    torch.testing.assert_close(layer.running_var, torch.stack([one.var(0) for one in seen]).mean(0))


def test_they_are_measured_the_same_every_time_and_a_last_batch_of_one_is_left_out() -> None:
    attngan, shown = model().eval(), batch(12)
    one = Batch(shown.pictures[:1], shown.words.rows([0]), shown.concepts[:1])
    buffers = []
    for _ in range(2):
        measure_norms(attngan, [shown, one])
        buffers.append([buffer.clone() for buffer in attngan.generator.buffers()])
    assert all(torch.equal(first, second) for first, second in zip(*buffers, strict=True))
