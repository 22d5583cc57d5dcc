"""The objective: how much is hidden, that only hidden cells count and are guessed, and what learns of what."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from tests.imagine.maskgit.small import CONFIG, batch, model

from mindseye.imagine.maskgit.objective import draw, hidden_share, loss
from mindseye.randomness import rng_at
from mindseye.train.config import TrainConfig
from mindseye.train.data import draws_at
from mindseye.train.optimiser import make_optimiser


def test_a_cosine_decides_how_much_is_hidden() -> None:
    assert [round(hidden_share(r), 6) for r in (0, 1 / 3, 0.5, 1)] == [1, 0.866025, 0.707107, 0]
    drawn = [draw(rng_at(0, "sample", position), CONFIG)["hidden"] for position in range(4000)]
    counts = np.array([hidden.sum() for hidden in drawn])
    assert counts.min() >= 1 and counts.max() == CONFIG.cells
    rounded_up = np.mean([max(1, math.ceil(16 * math.cos(math.pi / 2 * r))) for r in np.linspace(0, 1, 4001)])
    assert counts.mean() == pytest.approx(rounded_up, abs=0.2)
    assert np.mean(drawn, axis=0) == pytest.approx(
        np.full(16, counts.mean() / 16), abs=0.04
    )  # no cell more than others


def test_the_loss_is_that_of_hidden_cells_and_hidden_codes_are_not_looked_at() -> None:
    made, given = model(), batch()
    hidden = torch.zeros(6, CONFIG.cells, dtype=torch.bool)
    hidden[:, :3] = True
    draws = {"hidden": hidden, "without_caption": torch.zeros(6, dtype=torch.bool)}
    seen: list[torch.Tensor] = []
    made.network.register_forward_pre_hook(lambda module, arguments: seen.append(arguments[0]))
    value = loss(made, given, draws, CONFIG)
    index = made.codes.fsq.index(made.codes.encode(given.pictures))
    assert torch.equal(seen[0], torch.where(hidden, CONFIG.codes, index))
    likely = made.network(seen[0], given.words, draws["without_caption"]).log_softmax(-1)
    true = likely.gather(-1, index[..., None])[..., 0]
    each = -0.9 * true[:, :3] - 0.1 * likely.mean(-1)[:, :3]  # smoothed: a tenth goes to all codes alike
    off = (made.codes.decode(made.codes.encode(given.pictures)) - given.pictures).abs().mean()
    assert value.item() == pytest.approx((off + each.mean()).item(), rel=1e-5)


def test_guessing_codes_sends_nothing_back_to_the_networks_that_make_them() -> None:
    made, given = model(), batch()
    draws = draws_at(made.objectives()[0], 0, "sample", range(6))
    loss(made, given, draws, CONFIG).backward()
    with_guesses = [parameter.grad.clone() for parameter in made.codes.parameters() if parameter.grad is not None]
    made.zero_grad()
    (made.codes.decode(made.codes.encode(given.pictures)) - given.pictures).abs().mean().backward()
    for one, parameter in zip(with_guesses, made.codes.parameters(), strict=True):
        torch.testing.assert_close(one, parameter.grad)


def test_eight_pictures_are_learnt_by_heart() -> None:
    made, given = model().train(), batch(8)
    [objective] = made.objectives()
    optimiser = make_optimiser(made, objective, TrainConfig(learning_rate=0.01))
    losses = []
    for step in range(100):
        value = objective.loss(made, given, draws_at(objective, 0, "sample", range(8 * step, 8 * step + 8)))
        value.backward()
        optimiser.step(1.0)
        optimiser.clear()
        losses.append(value.item())
    assert np.mean(losses[-10:]) < 0.6 * np.mean(losses[:10])
