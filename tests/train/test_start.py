"""Beginning from a trained model, with the tiny family and with the default one."""

from __future__ import annotations

import io
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

from mindseye.collection.collection import Collection, Example, write_collection
from mindseye.errors import BadInput
from mindseye.imagine.families import family
from mindseye.learn.folder import ABOUT, load_model, read_about
from mindseye.train.loop import train
from mindseye.train.run import RunFolder

DIFFUSION = {
    "compile": "false", "threads": "1", "precision": "float32", "batch_size": "4", "warmup_pictures": "0",
    "preview_pictures": "0", "held_out_pictures": "0",
}  # fmt: skip


@pytest.fixture
def quick(tiny: ModuleType, collection: Collection) -> Any:
    def run(folder: Path, pictures: int, log: Any = lambda line: None, **settings: str) -> RunFolder:
        return train(tiny.FAMILY, collection, folder, pictures=pictures, settings=tiny.FAST | settings, log=log)

    return run


def finished(run: RunFolder) -> dict[str, torch.Tensor]:
    return load_file(run.model / "weights.safetensors")


def squares(folder: Path, size_px: int) -> Collection:
    png = io.BytesIO()
    Image.fromarray(np.random.default_rng(size_px).integers(0, 256, (size_px, size_px, 4), np.uint8)).save(png, "PNG")
    examples = [Example(png.getvalue(), f"{i}.png", (f"square {i}",), f"{i}", f"{i}", "test") for i in range(4)]
    return write_collection(folder, {"train": examples}, {"size_px": size_px, "transparent": True, "pixel_art": False})


def drawing(place: Path, size_px: int, log: Any = lambda line: None, **settings: str) -> RunFolder:
    """The default family, for one step, on pictures of this edge."""
    made = squares(place / f"squares {size_px}", size_px)
    return train("diffusion", made, place / f"run {size_px}", pictures=4, settings=DIFFUSION | settings, log=log)


def test_it_begins_with_the_other_s_weights(quick: Any, tmp_path: Path) -> None:
    first = quick(tmp_path / "first", 80)
    lines: list[str] = []
    run = quick(tmp_path / "run", 8, lines.append, start=str(first.path), learning_rate="1e-9")
    for name, weight in finished(run).items():
        assert torch.allclose(weight, finished(first)[name], atol=1e-5), name
    assert f"begins from {first.path}: 100% of its weights" in lines
    other = quick(tmp_path / "other", 8, learning_rate="1e-9")
    assert not torch.allclose(finished(other)["out.weight"], finished(first)["out.weight"], atol=1e-3)


def test_what_goes_on_does_not_begin_again(quick: Any, tmp_path: Path) -> None:
    first = quick(tmp_path / "first", 80)
    settings = {"start": str(first.path), "checkpoint_minutes": "0", "preview_minutes": "0", "preview_pictures": "2"}
    whole = quick(tmp_path / "whole", 80, **settings)
    sheets = 0

    class CutError(Exception):
        pass

    def cut(line: str) -> None:
        nonlocal sheets
        sheets += line.startswith("sample sheet")
        if sheets == 4:
            raise CutError

    with pytest.raises(CutError):
        quick(tmp_path / "broken", 80, cut, **settings)
    first.model.rename(tmp_path / "gone")  # it is not needed any more
    broken = finished(quick(tmp_path / "broken", 80, **settings))
    assert all(torch.equal(broken[name], weight) for name, weight in finished(whole).items())


def test_another_size_takes_all_but_the_ends(tmp_path: Path) -> None:
    first = drawing(tmp_path, 32, preset="tiny")
    lines: list[str] = []
    run = drawing(tmp_path, 64, lines.append, start=str(first.path), learning_rate="1e-9")
    (_, small, _), (_, large, about) = (load_model(each.model, family) for each in (first, run))
    assert (about.config["size_px"], about.config["patch_px"]) == (64, 2 * small.config.patch_px)
    theirs, own = small.state_dict(), large.state_dict()
    assert theirs.keys() == own.keys()
    new = {name for name in own if own[name].shape != theirs[name].shape}
    assert {name.split(".")[1] for name in new} == {"picture_in", "picture_out"}
    assert all(torch.allclose(own[name], theirs[name], atol=1e-2) for name in own.keys() - new)
    assert any("begins from" in line and "9" in line for line in lines)


def test_a_size_that_does_not_fit_is_refused_and_leaves_no_folder(tmp_path: Path) -> None:
    first = drawing(tmp_path, 32, preset="tiny")
    with pytest.raises(BadInput, match="20 px cannot begin from .* 32 px"):
        drawing(tmp_path, 20, start=str(first.path))
    assert not (tmp_path / "run 20").exists()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"start": "nowhere"}, "there is no model 'nowhere'"),
        ({"start": "emoji"}, "cannot begin from emoji, which is of the kind diffusion"),
    ],
)
def test_a_model_that_cannot_be_begun_from_is_refused_by_name(
    quick: Any, tmp_path: Path, settings: dict[str, str], message: str
) -> None:
    with pytest.raises(BadInput, match=message):
        quick(tmp_path / "run", 8, **settings)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("field", ["preset", "text_encoder"])
def test_what_the_model_decides_cannot_be_chosen(quick: Any, tmp_path: Path, field: str) -> None:
    first = quick(tmp_path / "first", 8)
    with pytest.raises(BadInput, match=f"{field} cannot be chosen"):
        quick(tmp_path / "run", 8, start=str(first.path), **{field: "tiny"})


def test_another_text_encoder_of_the_same_name_is_refused(quick: Any, tmp_path: Path) -> None:
    first = quick(tmp_path / "first", 8)
    about = read_about(first.model)
    read = about.model_copy(update={"text_encoder": about.text_encoder.model_copy(update={"sha256": "0" * 64})})
    (first.model / ABOUT).write_text(read.model_dump_json())
    with pytest.raises(BadInput, match="is not the one it was trained with"):
        quick(tmp_path / "run", 8, start=str(first.path))
    assert not (tmp_path / "run").exists()


def test_a_model_that_changed_between_plan_and_beginning_is_refused(quick: Any, tmp_path: Path) -> None:
    first = quick(tmp_path / "first", 8)
    run = quick(tmp_path / "run", 8, start=str(first.path))
    for path in (run.checkpoints, run.model):
        path.rename(tmp_path / path.name)
    quick(tmp_path / "again", 80)
    weights = tmp_path / "again" / "model" / "weights.safetensors"
    (first.model / "weights.safetensors").write_bytes(weights.read_bytes())
    with pytest.raises(BadInput, match="is not what it was when this training was planned"):
        quick(run.path, 8, start=str(first.path))
