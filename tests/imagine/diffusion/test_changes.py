"""Changes of training pictures against numpy's own; the network is told, and nothing leaks into what it draws."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
import torch

from mindseye.imagine.diffusion.changes import CHANCE, FEW, TOLD, changed, draw
from mindseye.imagine.diffusion.config import DiffusionConfig
from mindseye.imagine.diffusion.model import build
from mindseye.learn.batch import Batch, Words
from mindseye.learn.learner import PictureFormat
from mindseye.randomness import rng_at
from mindseye.train.data import draws_at

SIZE = 16
WORDS = Words(torch.zeros(4, 32, 384), torch.ones(4, 32, dtype=torch.bool), torch.zeros(4, 384))


def stacked(samples: list[Mapping[str, Any]]) -> dict[str, torch.Tensor]:
    return {name: torch.from_numpy(np.stack([sample[name] for sample in samples])) for name in samples[0]}


def by_numpy(picture: np.ndarray, told: np.ndarray) -> np.ndarray:
    """`picture` [channel, height, width] changed as `told` says."""
    turned, mirrored_y, mirrored_x, *moves = told
    if turned:
        picture = picture.transpose(0, 2, 1)
    for axis, (mirrored, move) in enumerate(zip((mirrored_y, mirrored_x), moves, strict=True), start=1):
        steps = round(float(move) * SIZE / 8)
        padded = np.pad(picture, [(0, 0), *[(2, 2) if axis == each else (0, 0) for each in (1, 2)]], mode="edge")
        picture = np.take(padded, range(2 - steps, 2 - steps + SIZE), axis)
        if mirrored:
            picture = np.flip(picture, axis)
    return picture


def test_every_change_is_what_it_says_and_keeps_pixels_whole() -> None:
    samples = [draw(rng_at(0, "changes", i), SIZE, 0.5) for i in range(64)]
    pictures = np.random.default_rng(0).standard_normal((64, 3, SIZE, SIZE), np.float32)
    got = changed(torch.from_numpy(pictures), stacked(samples)).numpy()
    assert len({sample["told"].tobytes() for sample in samples}) > 30
    for picture, sample, after in zip(pictures, samples, got, strict=True):
        np.testing.assert_array_equal(after, by_numpy(picture, sample["told"]))


def test_each_change_is_made_as_often_as_it_is_to_be_and_never_where_it_is_not() -> None:
    told = np.stack([draw(rng_at(0, "changes", i), 64, 0.12)["told"] for i in range(4000)])
    assert np.mean(told[:, :3] != 0, axis=0) == pytest.approx([0.12] * 3, abs=0.02)
    assert np.mean(told[:, 3:] != 0, axis=0) == pytest.approx([0.12 * 16 / 17] * 2, abs=0.02)  # a move may be by none
    assert np.abs(told).max() == 1
    still = draw(rng_at(0, "changes", 0), SIZE, 0.0)
    picture = torch.randn(1, 3, SIZE, SIZE)
    assert torch.equal(changed(picture, stacked([still])), picture)
    assert not still["told"].any()


@pytest.mark.parametrize(
    ("settings", "chance"),
    [({"training_pictures": 1}, CHANCE), ({"training_pictures": FEW - 1}, CHANCE), ({"training_pictures": FEW}, 0.0),
     ({}, 0.0), ({"training_pictures": 9, "change": 0.0}, 0.0), ({"training_pictures": 9999, "change": 0.3}, 0.3)],
)  # fmt: skip
def test_few_pictures_are_changed_and_many_are_not_unless_it_is_said(settings: dict[str, Any], chance: float) -> None:
    config = DiffusionConfig(size_px=SIZE, channels=3, patch_px=2, width=64, heads=2, **settings)
    assert config.chance_of_change == chance
    assert config.told == (TOLD if chance else 0)


def test_the_loss_is_of_changed_pictures_in_training_and_of_the_pictures_themselves_on_those_held_back() -> None:
    config = DiffusionConfig.for_pictures(PictureFormat(SIZE, 3), "tiny").model_copy(update={"change": 1.0})
    model = build(config, seed=0)
    [objective] = model.objectives()
    pictures = torch.rand(4, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(0)) * 2 - 1
    seen: list[tuple[torch.Tensor, torch.Tensor]] = []
    model.network.register_forward_pre_hook(
        lambda module, inputs, named: seen.append((inputs[0], named["told"])), with_kwargs=True
    )
    for finished in (False, True):
        draws = draws_at(objective, 0, "test", range(4), None if finished else range(4))
        loss = objective.loss(model, Batch(pictures, WORDS, torch.arange(4)), draws)
        shown = pictures if finished else changed(pictures, draws)
        t = draws["t"][:, None, None, None]
        torch.testing.assert_close(seen[-1][0], (1 - t) * shown + t * draws["noise"])
        assert bool(seen[-1][1].any()) is not finished
        weight = draws["t"].clamp(min=config.time_floor)[:, None, None, None]
        torch.testing.assert_close(loss, (shown / weight).square().mean())  # it predicts zero as yet


def test_who_is_told_of_a_change_may_answer_otherwise_and_who_is_told_of_none_as_if_untold() -> None:
    config = DiffusionConfig.for_pictures(PictureFormat(SIZE, 3), "tiny").model_copy(update={"change": 0.1})
    network = build(config, seed=0).network
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.1, generator=torch.Generator().manual_seed(1))
    noisy = torch.randn(4, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(0))
    asked = (noisy, torch.full((4,), 0.5), WORDS, torch.zeros(4, dtype=torch.bool))
    assert torch.equal(network(*asked), network(*asked, told=torch.zeros(4, TOLD)))
    assert not torch.equal(network(*asked), network(*asked, told=torch.ones(4, TOLD)))
