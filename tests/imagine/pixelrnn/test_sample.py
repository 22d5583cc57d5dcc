"""Drawing: the same bytes in any company, the memory changes nothing, and what is known stays."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from mindseye.imagine.family import Given, Settings
from mindseye.imagine.pixelrnn.network import NETWORKS
from mindseye.imagine.pixelrnn.sample import Chance, choose, guided, nucleus, picture_luck
from mindseye.learn.batch import Words
from mindseye.randomness import rng_at


def drawn(model: Any, words: Words, seeds: list[int], given: Given | None = None, **fields: Any) -> Tensor:
    *_, last = model.draw(words, None, seeds, Settings(**fields), given)
    return last.pictures


def test_levels_are_drawn_as_often_as_they_are_likely() -> None:
    probabilities = torch.tensor([0.1, 0.0, 0.6, 0.3])
    luck = torch.from_numpy((np.arange(10_000) + 0.5) / 10_000)
    levels = choose(probabilities.log().repeat(10_000, 1), luck, Chance(1.0, 1.0, 1.0))
    assert torch.bincount(levels, minlength=4).tolist() == [1000, 0, 6000, 3000]


def test_temperature_sharpens_by_its_inverse_power() -> None:
    probabilities = torch.tensor([0.2, 0.8])
    luck = torch.from_numpy((np.arange(10_000) + 0.5) / 10_000)
    levels = choose(probabilities.log().repeat(10_000, 1), luck, Chance(0.5, 1.0, 1.0))
    assert levels.double().mean().item() == pytest.approx(0.64 / 0.68, abs=1e-3)  # p^2 / sum p^2


def test_top_p_keeps_the_fewest_likeliest_levels_of_that_probability() -> None:
    probabilities = torch.tensor([[0.1, 0.4, 0.2, 0.3]])
    for top_p, kept in ((0.05, [1]), (0.4, [1]), (0.41, [1, 3]), (0.7, [1, 3]), (0.85, [1, 2, 3]), (1.0, [0, 1, 2, 3])):
        assert nucleus(probabilities.double(), top_p)[0].nonzero().flatten().tolist() == kept, top_p


def test_luck_just_below_one_still_gives_a_level_that_is_possible() -> None:
    log_probabilities = torch.tensor([[0.5, 0.5, 0.0]]).log()
    assert choose(log_probabilities, torch.tensor([1 - 2**-24]), Chance(1.0, 1.0, 1.0)).item() == 1


def test_guidance_is_linear_in_the_log_probabilities() -> None:
    assert guided(torch.tensor([3.0]), torch.tensor([1.0]), 2.0).item() == 5.0


@pytest.mark.parametrize("network", NETWORKS)
def test_a_picture_is_the_same_bytes_alone_and_in_any_company(network: str, model, captions) -> None:
    made = model(network=network, pixels="levels")
    alone = drawn(made, captions(2), [7])
    company = [(1, 3), (2, 7), (3, 9), (4, 4), (5, 1), (6, 0), (7, 8), (8, 2), (9, 5), (10, 6)]
    for count in (2, 3, 8, 10):
        pictures = drawn(made, captions(*[c for c, _ in company[:count]]), [s for _, s in company[:count]])
        assert torch.equal(pictures[1], alone[0]), count
    for shuffle in range(3):
        order = [company[index] for index in rng_at(shuffle, "order").permutation(10)]
        pictures = drawn(made, captions(*[c for c, _ in order]), [s for _, s in order])
        assert torch.equal(pictures[[seed for _, seed in order].index(7)], alone[0])


def without_memory(model: Any) -> Any:
    """The same network, which looks at the whole picture again for every pixel."""
    size, width = model.config.size_px, model.config.width

    def look_again(memory: Any, place: int, before: Tensor) -> Tensor:
        condition, seen = memory
        if place:
            seen[:, place - 1] = before
        return model.network(seen.unflatten(1, (size, size)), condition).flatten(1, 2)[:, place]

    model.network.begin = lambda condition: (condition, torch.zeros(len(condition), size**2, width))
    model.network.step = look_again
    return model


@pytest.mark.parametrize("fields", [{}, {"guidance": 2.5}, {"temperature": 0.7, "top_p": 0.8}])
@pytest.mark.parametrize("pixels", ["palette", "levels", "logistics", "regression"])
def test_the_memory_changes_nothing_in_what_is_drawn(pixels: str, fields: dict[str, float], model, captions) -> None:
    made, slow = model(pixels=pixels), without_memory(model(pixels=pixels))
    assert torch.equal(drawn(made, captions(0, 1), [3, 4], **fields), drawn(slow, captions(0, 1), [3, 4], **fields))


@pytest.mark.parametrize("network", NETWORKS)
def test_every_network_draws_with_its_memory_what_it_draws_without_one(network: str, model, captions) -> None:
    made, slow = model(network=network, size_px=6), without_memory(model(network=network, size_px=6))
    pictures = drawn(made, captions(0, 1), [3, 4], top_p=1.0)
    assert torch.equal(pictures, drawn(slow, captions(0, 1), [3, 4], top_p=1.0))
    assert not torch.equal(pictures[0], pictures[1])


def test_free_pictures_differ_and_the_likeliest_one_is_always_the_same(model, captions) -> None:
    """Why there must be chance in it: an arg-max has no choice."""
    one, other = drawn(model(), captions(0, 0), [1, 2], temperature=1.0, top_p=1.0)
    assert not torch.equal(one, other)
    one, other = drawn(model(), captions(0, 0), [1, 2], temperature=0.0)
    assert torch.equal(one, other)


def test_the_caption_a_negative_one_and_guidance_each_change_the_picture(model, captions) -> None:
    made = model(size_px=8)
    plain = drawn(made, captions(0), [1], guidance=3.0)
    assert not torch.equal(plain, drawn(made, captions(1), [1], guidance=3.0))
    assert not torch.equal(plain, drawn(made, captions(0), [1], guidance=1.0))
    *_, last = made.draw(captions(0), captions(2), [1], Settings(guidance=3.0))
    assert not torch.equal(plain, last.pictures)


def test_known_pixels_stay_to_the_bit_wherever_they_are_and_the_rest_is_drawn(model, captions) -> None:
    made = model(size_px=6)
    picture = torch.rand(3, 6, 6, generator=torch.Generator().manual_seed(0)) * 2 - 1  # colours of no palette
    known = torch.rand(6, 6, generator=torch.Generator().manual_seed(1)) < 0.4
    free = drawn(made, captions(0), [5])[0]
    completed = drawn(made, captions(0), [5], Given(picture, known))[0]
    assert torch.equal(completed[:, known], picture[:, known])
    assert set(completed[:, ~known].unique().tolist()) <= set(made.pixels.palette.colours.unique().tolist())
    assert not torch.equal(completed[:, ~known], free[:, ~known])  # it was drawn to fit what is known


def test_known_pixels_further_on_are_not_looked_at_before_their_turn(model, captions) -> None:
    known = torch.zeros(6, 6, dtype=torch.bool)
    known[4:] = True
    white, black = torch.ones(3, 6, 6), -torch.ones(3, 6, 6)
    completed = [drawn(model(size_px=6), captions(0), [5], Given(picture, known))[0] for picture in (white, black)]
    assert torch.equal(completed[0][:, :4], completed[1][:, :4])
    assert torch.equal(completed[0][:, :4], drawn(model(size_px=6), captions(0), [5])[0][:, :4])


def test_progress_counts_every_row_once_and_ends_with_a_whole_picture(model, captions) -> None:
    seen = list(model().draw(captions(*range(9)), None, range(9), Settings()))
    assert [(progress.step, progress.steps) for progress in seen] == [(i, 8) for i in range(1, 9)]
    assert (seen[0].pictures[:, :, -1] == -1).all()
    assert set(seen[-1].pictures.unique().tolist()) <= set(model().pixels.palette.colours.unique().tolist())


def test_luck_is_a_function_of_the_seed_over_its_whole_range() -> None:
    lucks = [picture_luck(seed, 4, 1) for seed in (0, 1, 2**31, 2**32 - 1)]
    assert all(not torch.equal(one, other) for one, other in itertools.combinations(lucks, 2))
    assert all(((luck >= 0) & (luck < 1)).all() for luck in lucks)
