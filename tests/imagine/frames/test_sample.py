"""Going on with films: frame after frame, the same alone and in company, by chance only where chance has a say."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from tests.imagine.frames.small import NETWORKS, batch_of, model_of

from mindseye.imagine.frames import LEARNER
from mindseye.imagine.frames.films import actions_of, film_of, unit
from mindseye.imagine.frames.model import Frames, build
from mindseye.imagine.frames.objective import unrolled


def gone_on(
    model: Frames, rows: slice = slice(None), seeds: tuple[int, ...] = (7, 3, 5), count: int = 4
) -> torch.Tensor:
    batch = batch_of(model.config)
    given, actions = film_of(batch.pictures, 4)[rows, :2], actions_of(batch.words, model.config)[rows, 1 : 1 + count]
    return torch.stack(list(model.go_on(given, actions, seeds[rows])), dim=1)


@pytest.mark.parametrize("network", NETWORKS)
def test_it_goes_on_with_one_frame_an_action_in_the_films_format(network: str) -> None:
    frames = gone_on(model_of(network))
    assert frames.shape == (3, 4, 3, 8, 8) and frames.dtype == torch.float32
    assert torch.isfinite(frames).all() and frames.abs().max() <= 1 + 1e-5


@pytest.mark.parametrize("network", NETWORKS)
def test_a_film_alone_goes_on_as_it_does_in_company(network: str) -> None:
    model = model_of(network)
    together = gone_on(model)
    for row in range(3):
        alone = gone_on(model, slice(row, row + 1))[0]
        assert torch.allclose(alone, together[row], atol=2 / 255)
    again = gone_on(model)
    assert torch.equal(again, together)


def test_another_seed_is_another_film_of_the_flow_and_the_same_of_the_others() -> None:
    for network in NETWORKS:
        model = model_of(network)
        same = torch.equal(gone_on(model), gone_on(model, seeds=(8, 3, 5)))
        assert same != model.kind.by_chance
        assert torch.equal(gone_on(model)[1:], gone_on(model, seeds=(8, 3, 5))[1:])


@pytest.mark.parametrize("network", ["cdna", "convlstm"])
def test_a_finished_training_is_asked_what_it_was_trained_for(network: str) -> None:
    model = model_of(network)
    batch = batch_of(model.config)
    film, actions = film_of(batch.pictures, 4), actions_of(batch.words, model.config)
    nothing_shown = torch.zeros(3, 15, dtype=torch.bool)
    with torch.no_grad():
        trained = unrolled(model.network, unit(film), actions, nothing_shown, model.config)
    going_on = list(model.go_on(film[:, :2], actions[:, 1:], (0, 0, 0)))
    assert len(going_on) == len(trained) == 14
    for frame, each in zip(going_on, trained, strict=True):
        assert torch.allclose(unit(frame), each.frame, atol=2e-2)  # it goes on in the device's fastest arithmetic


@pytest.mark.parametrize("network", NETWORKS)
def test_going_on_leaves_the_global_random_numbers_and_the_weights_alone(network: str) -> None:
    model = model_of(network)
    before, weights = torch.get_rng_state(), {name: w.clone() for name, w in model.state_dict().items()}
    gone_on(model)
    assert torch.equal(before, torch.get_rng_state())
    assert all(torch.equal(weights[name], weight) for name, weight in model.state_dict().items())


@pytest.mark.parametrize("network", NETWORKS)
def test_saved_and_loaded_again_it_goes_on_with_the_same_bytes(network: str, tmp_path) -> None:
    model = model_of(network)
    LEARNER.save(model, tmp_path)
    again = LEARNER.load(model.config, tmp_path)
    assert torch.equal(gone_on(again), gone_on(model))
    assert {path.suffix for path in tmp_path.rglob("*") if path.is_file()} == {".safetensors", ".json"}


@pytest.mark.parametrize("network", NETWORKS)
def test_the_seed_decides_the_first_weights(network: str) -> None:
    config = model_of(network).config
    one, same, other = (build(config, seed).state_dict() for seed in (0, 0, 1))
    assert all(torch.equal(one[name], same[name]) for name in one)
    assert any(not torch.equal(one[name], other[name]) for name in one)


def test_the_flow_s_frames_begin_with_the_noise_of_their_own_seed_and_place() -> None:
    model = model_of("flow")
    with torch.no_grad():
        model.network.frame_out.weight.normal_(generator=torch.Generator().manual_seed(0))
    long, short = gone_on(model, count=6), gone_on(model, count=4)
    assert torch.equal(long[:, :4], short)
    assert not np.allclose(long[:, 0], long[:, 1])
