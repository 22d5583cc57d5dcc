"""Trained by the loop as everything is: what comes out opens again, and looking at held-out films trains nothing."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from tests.imagine.frames.small import NETWORKS, batch_of, model_of

import mindseye
from mindseye.collection.builtin.moving import write_moving
from mindseye.collection.builtin.moving.picture import frames_of, sheet_of
from mindseye.collection.builtin.moving.scene import film_at
from mindseye.collection.collection import Collection
from mindseye.errors import BadInput
from mindseye.imagine.frames import FramesConfig
from mindseye.imagine.frames.animate import open_animator
from mindseye.imagine.frames.measure import copy_last, psnr
from mindseye.imagine.imaginer import load
from mindseye.learn.learner import PictureFormat
from mindseye.train.data import draws_at
from mindseye.train.learners import learner
from mindseye.train.loop import train
from mindseye.train.run import RunFolder

FAST = {
    "preset": "tiny", "compile": "false", "threads": "1", "precision": "float32", "batch_size": "4",
    "warmup_pictures": "0", "held_out_pictures": "2", "learning_rate": "0.01",
}  # fmt: skip


@pytest.fixture(scope="module")
def joystick(tmp_path_factory: pytest.TempPathFactory) -> Collection:
    return write_moving("joystick", tmp_path_factory.mktemp("films") / "joystick", pictures=24, frame_px=8)


@pytest.mark.parametrize("network", NETWORKS)
def test_a_training_ends_with_a_model_that_goes_on_with_films(network: str, joystick: Collection, tmp_path) -> None:
    run = train("frames", joystick, tmp_path, pictures=8, settings={**FAST, "model.network": network})
    animator = open_animator(tmp_path, device="cpu")
    assert animator.config.network == network and animator.actions == animator.config.actions
    given = frames_of(film_at("joystick", 0, "test", 0, frame_px=8))
    film = animator.animate(given, "right up", seed=3)
    assert film.imagined.shape == (2, 8, 8, 3) and film.imagined.dtype == np.uint8
    Image.fromarray(sheet_of(given)).save(tmp_path / "given.png")
    again = mindseye.animate(tmp_path, [tmp_path / "given.png"], ["right", "up"], seed=3)
    assert np.array_equal(again.imagined, film.imagined) and again.captions[2] == "imagined 1 right"
    card = (run.model / "README.md").read_text()
    assert "mindseye animate" in card and "24 films" in card
    assert [event for event in run.events.read() if event["event"] == "held_out"]


def test_looking_at_held_out_films_trains_nothing_and_shows_no_true_frame(joystick: Collection, tmp_path: Path) -> None:
    model = model_of("cdna")
    [objective] = model.objectives()
    before = {name: weight.clone() for name, weight in model.state_dict().items()}
    draws = draws_at(objective, 0, "held out", range(3))
    with torch.no_grad():
        objective.loss(model, batch_of(model.config), draws)
    assert float(draws["truth_share"].max()) == 0
    assert all(torch.equal(before[name], weight) for name, weight in model.state_dict().items())
    settings = {**FAST, "checkpoint_minutes": "0"}
    often = train("frames", joystick, tmp_path / "often", pictures=12, settings={**settings, "preview_minutes": "0"})
    never = train("frames", joystick, tmp_path / "never", pictures=12, settings={**settings, "held_out_pictures": "0"})
    weights = [run_weights(run) for run in (often, never)]
    assert weights[0] == weights[1]


def run_weights(run: RunFolder) -> bytes:
    [path] = run.model.rglob("*.safetensors")
    return path.read_bytes()


def test_it_is_no_imaginer_and_says_what_to_do_instead(joystick: Collection, tmp_path) -> None:
    run = train("frames", joystick, tmp_path, pictures=4, settings=FAST)
    with pytest.raises(BadInput, match="mindseye animate"):
        load(run.model)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_cdna_beats_copying_by_6_db_where_all_is_foreseeable_and_keeps_the_sprite(tmp_path: Path) -> None:
    films = write_moving("bouncing", tmp_path / "films")
    settings = {"compile": "false", "threads": "1", "batch_size": "16", "warmup_pictures": "500"}
    short = {**settings, "learning_rate": "3e-3", "model.clip": "6"}
    train("frames", films, tmp_path / "short", pictures=17_152, settings=short)
    alone = {**settings, "start": str(tmp_path / "short"), "model.k": "1", "model.clip": "12"}
    train("frames", films, tmp_path / "run", pictures=3_344, settings=alone)
    animator = open_animator(tmp_path / "run")
    true = np.stack([frames_of(film_at("bouncing", 0, "validation", index, frame_px=16)) for index in range(100)])
    imagined = np.stack([animator.animate(film[:2], count=10).imagined for film in true])
    copied = copy_last(true[:, :2], 10)
    gain = psnr(imagined, true[:, 2:12]).mean(0) - psnr(copied, true[:, 2:12]).mean(0)
    assert gain[0] >= 6
    mass = imagined.astype(float).sum((2, 3, 4)) / true[:, 2:12].astype(float).sum((2, 3, 4))
    assert 0.8 < mass.mean(0)[-1] < 1.2


@pytest.mark.parametrize("preset", learner("frames").presets)
def test_the_settings_of_every_preset_are_possible_for_frames_of_16_px(preset: str) -> None:
    assert FramesConfig.for_pictures(PictureFormat(64, 4), preset).frame_px == 16


@pytest.mark.parametrize("network", NETWORKS)
def test_films_with_transparency_go_on_with_four_channels(network: str) -> None:
    model = model_of(network, channels=4)
    [frame] = model.go_on(torch.full((1, 2, 4, 8, 8), -1.0), torch.zeros(1, 1, 5), [0])
    assert frame.shape == (1, 4, 8, 8)
