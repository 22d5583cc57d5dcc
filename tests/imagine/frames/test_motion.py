"""CDNA against its oracles: kernels and masks are shares, nothing is lost, and pixels go where a kernel says."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from tests.imagine.frames.small import batch_of, config_of, model_of

from mindseye.imagine.frames.films import film_of, unit
from mindseye.imagine.frames.lstm import NOTHING, ConvLstm
from mindseye.imagine.frames.motion import Composed, composed, kernels_of, moved


def random(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(seed).standard_normal(shape).astype(np.float32))


def step(network: str = "cdna") -> tuple[Composed, torch.Tensor]:
    model = model_of(network)
    frame = unit(film_of(batch_of(model.config).pictures, 4)[:, 0])
    features, _ = model.network.tower(frame, torch.zeros(3, 5), NOTHING)
    return model.network.head(features, frame), frame


def test_kernels_have_no_negative_entry_and_sum_to_1() -> None:
    kernels = kernels_of(random(4, 10, 5, 5))
    assert kernels.min() >= 0
    assert torch.allclose(kernels.sum((2, 3)), torch.ones(4, 10))
    nothing_positive = kernels_of(-torch.ones(1, 1, 5, 5))
    assert torch.allclose(nothing_positive, torch.full((1, 1, 5, 5), 1 / 25))


def test_the_network_s_own_kernels_and_masks_sum_to_1() -> None:
    predicted, frame = step()
    config = config_of("cdna")
    assert predicted.kernels.shape == (3, config.kernels, 5, 5)
    assert torch.allclose(predicted.kernels.sum((2, 3)), torch.ones(3, config.kernels))
    assert predicted.masks.shape == (3, config.kernels + 2, *frame.shape[2:])
    assert predicted.masks.min() >= 0
    assert torch.allclose(predicted.masks.sum(1), torch.ones(3, *frame.shape[2:]))


def test_the_identity_kernel_with_a_mask_of_1_gives_back_the_frame_exactly() -> None:
    frame = random(2, 3, 8, 8).sigmoid()
    identity = torch.zeros(2, 1, 5, 5)
    identity[:, :, 2, 2] = 1
    layers = torch.cat([torch.rand(2, 2, 3, 8, 8, generator=torch.Generator()), moved(frame, identity)], dim=1)
    masks = torch.zeros(2, 3, 8, 8)
    masks[:, 2] = 1
    assert torch.equal(composed(masks, layers), frame)


def test_a_kernel_moves_the_whole_frame_and_brings_in_nothing() -> None:
    frame = random(1, 3, 8, 8).sigmoid()
    to_the_right = torch.zeros(1, 1, 5, 5)
    to_the_right[0, 0, 2, 0] = 1  # every pixel comes from two to its left
    shifted = moved(frame, to_the_right)[0, 0]
    assert torch.equal(shifted[:, :, 2:], frame[0, :, :, :-2])
    assert shifted[:, :, :2].abs().max() == 0


def test_each_film_is_moved_by_its_own_kernels() -> None:
    frames, kernels = random(3, 3, 8, 8).sigmoid(), kernels_of(random(3, 4, 5, 5, seed=1))
    together = moved(frames, kernels)
    for row in range(3):
        assert torch.allclose(together[row], moved(frames[row : row + 1], kernels[row : row + 1])[0], atol=1e-6)


def test_no_kernel_is_dropped_the_last_one_changes_the_frame_too() -> None:
    frame, kernels = random(1, 3, 8, 8).sigmoid(), kernels_of(random(1, 4, 5, 5, seed=1))
    layers = torch.cat([frame[:, None], frame[:, None], moved(frame, kernels)], dim=1)
    masks = torch.softmax(random(1, 6, 8, 8, seed=2), dim=1)
    for layer in range(6):
        changed = layers.clone()
        changed[:, layer] += 1
        assert torch.allclose(composed(masks, changed) - composed(masks, layers), masks[:, layer, None], atol=1e-6)


def test_every_entry_of_every_kernel_begins_where_it_learns() -> None:
    model = model_of("cdna")
    batch = batch_of(model.config)
    frame, true = (unit(film_of(batch.pictures, 4)[:, index]) for index in (0, 1))
    features, _ = model.network.tower(frame, torch.zeros(3, 5), NOTHING)
    (model.network.head(features, frame).frame - true).square().mean().backward()
    bias = model.network.head.kernels.bias.grad
    assert bias is not None and (bias != 0).all()


def test_layers_without_a_mask_each_are_a_mistake_of_ours() -> None:
    with pytest.raises(AssertionError):
        composed(torch.ones(1, 2, 8, 8), torch.ones(1, 3, 3, 8, 8))


def test_the_convlstm_paints_every_pixel() -> None:
    predicted, _ = step("convlstm")
    assert predicted.masks.shape[1] == 1 and (predicted.masks == 1).all() and predicted.kernels.numel() == 0


def test_a_convlstm_is_the_equations_of_an_lstm_at_every_place() -> None:
    lstm = ConvLstm(2, 3)
    with torch.no_grad():
        lstm.gates.weight.zero_()
        lstm.gates.bias.copy_(torch.arange(12.0).repeat_interleave(1) / 6 - 1)
    i, j, f, o = lstm.gates.bias.detach().chunk(4)
    _, (h, c) = lstm(torch.zeros(1, 2, 4, 4), (torch.zeros(1, 3, 4, 4), torch.ones(1, 3, 4, 4)))
    expected = torch.sigmoid(f + 1) + torch.sigmoid(i) * torch.tanh(j)
    assert torch.allclose(c[0, :, 2, 2], expected)
    assert torch.allclose(h[0, :, 2, 2], torch.sigmoid(o) * torch.tanh(expected))


def test_the_action_reaches_the_kernels() -> None:
    model = model_of("cdna")
    frame = unit(film_of(batch_of(model.config).pictures, 4)[:, 0])
    kernels = []
    for action in range(5):
        told = torch.zeros(3, 5)
        told[:, action] = 1
        kernels.append(model.network.head(model.network.tower(frame, told, NOTHING)[0], frame).kernels)
    assert all(not torch.equal(kernels[0], other) for other in kernels[1:])
