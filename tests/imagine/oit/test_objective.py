"""The three modules' losses against numbers worked out by hand, and the traps that the idea has by construction."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from mindseye.imagine.oit.config import OitConfig
from mindseye.imagine.oit.model import Oit, build
from mindseye.imagine.oit.network import Thought, blurred
from mindseye.imagine.oit.objective import (
    draw,
    imagine,
    imagining_loss,
    thinking_loss,
    undescribed,
    variety,
    with_slope,
)
from mindseye.learn.batch import Batch, Words
from mindseye.learn.learner import PictureFormat
from mindseye.randomness import rng_at


def tiny(**fields: Any) -> OitConfig:
    return OitConfig.for_pictures(PictureFormat(size_px=16, channels=4), "tiny").model_copy(update=fields)


def numbers(config: OitConfig, count: int, **fixed: Any) -> dict[str, torch.Tensor]:
    each = [draw(rng_at(0, "sample", position), config) for position in range(count)]
    stacked = {name: torch.from_numpy(np.stack([one[name] for one in each])) for name in each[0]}
    return stacked | {name: torch.full_like(stacked[name], value) for name, value in fixed.items()}


def batch(count: int = 4, absent: bool = False) -> Batch:
    rng = rng_at(0, "batch")
    pictures = torch.from_numpy(rng.uniform(-1, 1, (count, 4, 16, 16)).astype("float32"))
    tokens = torch.from_numpy(rng.standard_normal((count, 8, 384), dtype="float32"))
    mask = torch.full((count, 8), not absent)
    return Batch(pictures, Words(tokens * mask[..., None], mask, tokens.mean(1) * (not absent)), torch.arange(count))


@pytest.fixture
def model() -> Oit:
    return build(tiny(), 0)


def only(model: Oit, *modules: str) -> None:
    for name, parameter in model.named_parameters():
        parameter.requires_grad_(name.split(".")[0] in modules)


# ------------------------------------------------------------------------------------------------ the terms


def test_what_is_remembered_has_the_scale_of_what_was_observed_at_any_strength() -> None:
    observed = nn.functional.rms_norm(torch.randn(4096, 32, generator=torch.Generator().manual_seed(0)), (32,))
    chance = torch.randn(4096, 32, generator=torch.Generator().manual_seed(1))
    assert torch.equal(blurred(observed, torch.zeros(4096), chance), observed)
    assert torch.equal(blurred(observed, torch.ones(4096), chance), chance)
    halfway = blurred(observed, torch.full((4096,), 0.6), chance)
    assert halfway.square().mean() == pytest.approx(1, abs=0.02)
    assert (halfway * observed).mean() == pytest.approx(0.8, abs=0.02), "sqrt(1 - 0.6^2) of it is left"


def test_variety_is_the_ratio_of_the_distances_and_no_more_than_enough() -> None:
    one, z = torch.zeros(3, 4, 16, 16), torch.zeros(3, 16)
    shares = variety(one, one + 0.5, z, z + 2, enough=1.0)
    torch.testing.assert_close(shares, torch.full((3,), 0.25))
    torch.testing.assert_close(variety(one, one + 0.5, z, z + 2, enough=0.1), torch.full((3,), 0.1))


def test_two_equal_pictures_have_no_variety_and_a_finite_gradient() -> None:
    one = torch.zeros(2, 4, 16, 16, requires_grad=True)
    variety(one, one.detach(), torch.zeros(2, 16), torch.ones(2, 16), enough=1.0).sum().backward()
    assert one.grad is not None and torch.isfinite(one.grad).all()


def test_a_description_is_as_wrong_as_the_share_of_its_caption_among_those_of_the_batch_is_small() -> None:
    some = batch(3)
    own = nn.functional.normalize(some.words.sentence, dim=1)
    between = nn.functional.normalize(2 * own + own.roll(1, 0), dim=1)
    expected = [
        math.log(sum(math.exp(10 * cosine) for cosine in row)) - 10 * row[place]
        for place, row in enumerate((between @ own.T).tolist())
    ]
    assert undescribed(Thought(torch.zeros(3), between), some).tolist() == pytest.approx(expected, rel=1e-3)
    assert (undescribed(Thought(torch.zeros(3), own.roll(1, 0)), some) > 5).all(), "those of others"


def test_other_pictures_of_the_same_concept_do_not_count_and_absent_captions_cost_nothing() -> None:
    some = batch(3)
    own = nn.functional.normalize(some.words.sentence, dim=1)
    alike = Batch(some.pictures, some.words, torch.zeros(3, dtype=torch.long))
    assert undescribed(Thought(torch.zeros(3), own.roll(1, 0)), alike).tolist() == [0, 0, 0]
    assert undescribed(Thought(torch.zeros(3), own), batch(3, absent=True)).tolist() == [0, 0, 0]


def test_the_slope_is_how_fast_the_doubt_changes_in_its_steepest_direction(model: Oit) -> None:
    pictures = batch(1).pictures
    _, slope = with_slope(model, pictures)
    variable = pictures.clone().requires_grad_()
    [way] = torch.autograd.grad(model.thinker(model.observer(variable)).real.sum(), variable)
    step = 0.02 * way / way.norm()
    ahead, behind = (model.thinker(model.observer(pictures + sign * step)).real.item() for sign in (1, -1))
    assert slope.item() == pytest.approx(((ahead - behind) / 0.04) ** 2, rel=0.02)


# ------------------------------------------------------------------------------------------------ the traps


def test_the_imaginer_s_loss_reaches_the_imaginer_and_through_a_frozen_observer(model: Oit) -> None:
    only(model, "imaginer")
    imagining_loss(model, batch(), numbers(model.config, 4), model.config).backward()
    assert all(p.grad is None for name, p in model.named_parameters() if not name.startswith("imaginer"))
    assert any(p.grad is not None and p.grad.abs().max() > 0 for p in model.imaginer.parameters())


def test_what_was_observed_of_the_real_picture_is_a_goal_that_does_not_move(model: Oit) -> None:
    """Trap: were E(x) part of the Imaginer's loss, an Observer that observes nothing would be its best."""
    imagined = imagine(model, batch(), numbers(model.config, 4), model.config)
    assert not imagined.observed.requires_grad
    assert imagined.seen_first.requires_grad


def test_the_thinker_is_not_told_what_imagined_pictures_are_meant_to_show_unless_asked(model: Oit) -> None:
    """Trap: with beta > 0 any sign that can be read would do for a description."""
    only(model, "observer", "thinker")
    draws = numbers(model.config, 4)
    plain, told = (
        thinking_loss(model, batch(), draws, model.config.model_copy(update={"heeds_imagined": beta}))
        for beta in (0.0, 1.0)
    )
    assert model.config.heeds_imagined == 0 and told > plain
    imagined = imagine(model, batch(), draws, model.config)
    assert imagined.first.requires_grad is False or not any(p.requires_grad for p in model.imaginer.parameters())


def test_where_nothing_was_observed_the_picture_does_not_reach_the_imagined_one(model: Oit) -> None:
    draws, pictures = numbers(model.config, 4, strength=1.0), batch()
    other = Batch(pictures.pictures.flip(0), pictures.words, pictures.concepts)
    first, flipped = (imagine(model, each, draws, model.config).first for each in (pictures, other))
    assert torch.equal(first, flipped)
    seen = numbers(model.config, 4, strength=0.0)
    first, flipped = (imagine(model, each, seen, model.config).first for each in (pictures, other))
    assert not torch.equal(first, flipped)


def test_without_the_hint_of_a_prompt_the_words_do_not_matter(model: Oit) -> None:
    draws, pictures = numbers(model.config, 4, without_caption=True), batch()
    silent = Batch(pictures.pictures, batch(absent=True).words, pictures.concepts)
    first, again = (imagine(model, each, draws, model.config).first for each in (pictures, silent))
    assert torch.equal(first, again)


def test_the_loss_of_the_round_is_that_of_the_formula(model: Oit) -> None:
    """Everything written out once more, sample by sample, with s = 0."""
    config = tiny(augment=(), varied=0.7, same=0.5, described=0.3)
    draws, pictures = numbers(config, 2, strength=0.0, without_caption=False), batch(2)
    loss = imagining_loss(model, pictures, draws, config)
    sentences = nn.functional.normalize(pictures.words.sentence, dim=1)
    expected = 0.0
    for row in range(2):
        words = pictures.words.rows([row])
        h = model.observer(pictures.pictures[row : row + 1])
        still, no = torch.zeros(1), torch.zeros(1, dtype=torch.bool)
        one, two = (model.imaginer(h, still, draws[z][row : row + 1], words, no) for z in ("z1", "z2"))
        three = model.imaginer(model.observer(one), still, draws["z3"][row : row + 1], words, no)
        for drawn in (one, two, three):
            seen = model.observer(drawn)
            thought = model.thinker(seen)
            shares = (thought.description @ sentences.T / 0.1).softmax(1)
            expected += torch.log1p(torch.exp(-thought.real)).item() / 3
            expected += 0.5 * (1 - torch.cosine_similarity(seen, h)).item() / 3
            expected -= 0.3 * math.log(shares[0, row].item()) / 3
        apart = (one - two).square().mean().sqrt() / (draws["z1"] - draws["z2"])[row].square().mean().sqrt()
        expected -= 0.7 * min(apart.item(), config.varied_enough)
    assert loss.item() == pytest.approx(expected / 2, rel=1e-3)
