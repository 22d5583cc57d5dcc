"""Drawing: how many codes stay hidden after each step, which ones stay, guidance by hand, and what is never touched."""

from __future__ import annotations

import math

import pytest
import torch
from tests.imagine.maskgit.small import CONFIG, model, words
from torch import Tensor

from mindseye.imagine.family import Given, Settings
from mindseye.imagine.maskgit.sample import Manner, _least, fill_in, guided_logits

HIDDEN = CONFIG.codes


def manner(steps: int = 6, guidance: float = 1.0, temperature: float = 1.0) -> Manner:
    return Manner(steps, guidance, temperature, choice_noise=4.5)


def shown_to(made: torch.nn.Module) -> list[Tensor]:
    """The codes that the network is shown from now on."""
    seen: list[Tensor] = []
    made.network.register_forward_pre_hook(lambda module, arguments: seen.append(arguments[0].clone()))
    return seen


def test_after_each_step_as_many_are_hidden_as_the_cosine_says_and_what_stays_is_never_changed() -> None:
    made = model()
    seen = shown_to(made)
    start = torch.full((2, CONFIG.cells), HIDDEN)
    with torch.no_grad():
        *_, last = fill_in(made.network, start, words(2), None, [1, 2], manner())
    counts = [int((codes == HIDDEN).sum(1)[0]) for codes in seen]
    assert counts == [16, *(int(16 * math.cos(math.pi / 2 * step / 6)) for step in range(1, 6))]
    for codes, later in zip(seen, [*seen[1:], last], strict=True):
        stays = codes != HIDDEN
        assert torch.equal(codes[stays], later[stays])
    assert (last != HIDDEN).all() and last.max() < HIDDEN


def test_without_chance_the_likeliest_codes_are_taken_and_the_surest_stay() -> None:
    made = model()
    seen = shown_to(made)
    start = torch.full((1, CONFIG.cells), HIDDEN)
    with torch.no_grad():
        fill = fill_in(made.network, start, words(), None, [1], manner(steps=2, temperature=0))
        first = next(fill)
        likely = made.network(start, words(), torch.tensor([False])).log_softmax(-1).max(-1)
        assert torch.equal(first, likely.indices)
        next(fill)
    left = int(16 * math.cos(math.pi / 4))
    least = set(likely.values[0].argsort()[:left].tolist())
    assert set((seen[-1][0] == HIDDEN).nonzero()[:, 0].tolist()) == least


def test_guidance_is_a_step_beyond_the_caption_and_a_weight_of_one_asks_for_it_alone() -> None:
    made, codes = model(), torch.full((1, CONFIG.cells), HIDDEN)
    no, yes = torch.tensor([False]), torch.tensor([True])
    with torch.no_grad():
        caption, without = made.network(codes, words(), no), made.network(codes, words(), yes)
        assert torch.equal(guided_logits(made.network, codes, words(), None, 1.0), caption)
        torch.testing.assert_close(
            guided_logits(made.network, codes, words(), None, 3.0), without + 3 * (caption - without)
        )
        negative = words(2).rows([1])
        against = made.network(codes, negative, no)
        torch.testing.assert_close(
            guided_logits(made.network, codes, words(), negative, 3.0), against + 3 * (caption - against)
        )
    assert not torch.equal(caption, without)


def test_padding_after_a_caption_changes_nothing() -> None:
    made, codes = model(), torch.full((1, CONFIG.cells), HIDDEN)
    short = words(2).rows([1])
    noisy = short.tokens + 5 * (~short.mask)[..., None]
    with torch.no_grad():
        one = made.network(codes, short, torch.tensor([False]))
        other = made.network(codes, type(short)(noisy, short.mask, short.sentence), torch.tensor([False]))
    torch.testing.assert_close(one, other)


def test_the_lowest_values_are_found_and_equal_ones_by_their_place() -> None:
    values = torch.tensor([[0.3, 0.1, 0.1, math.inf], [1.0, 2.0, 0.0, -1.0]])
    assert _least(values, 2).tolist() == [[False, True, True, False], [False, False, True, True]]
    assert not _least(values, 0).any()


def test_a_completion_keeps_the_codes_of_whole_cells_and_does_not_look_behind_the_mask() -> None:
    made = model()
    known = torch.zeros(16, 16, dtype=torch.bool)
    known[:9] = True  # two rows of cells, and a line of the third
    picture = torch.rand(4, 16, 16, generator=torch.Generator().manual_seed(4)) * 2 - 1
    behind = torch.where(known, picture, -picture)
    seen = shown_to(made)
    first, second = (list(made.draw(words(), None, [5], Settings(), Given(each, known))) for each in (picture, behind))
    assert torch.equal(first[-1].pictures, second[-1].pictures)
    assert (seen[0][0, :8] != HIDDEN).all() and (seen[0][0, 8:] == HIDDEN).all()


@pytest.mark.parametrize(("strength", "cells"), [(0.0, 0), (0.5, 8), (1.0, 16)])
def test_a_variation_hides_a_share_of_the_codes_by_its_strength(strength: float, cells: int) -> None:
    made = model()
    seen = shown_to(made)
    picture = torch.rand(4, 16, 16, generator=torch.Generator().manual_seed(4)) * 2 - 1
    list(made.draw(words(), None, [5], Settings(guidance=1.0), Given(picture, strength=strength)))
    assert int((seen[0] == HIDDEN).sum()) == cells
