"""TIME and UCE on our own network, of both shapes: what each word means afterwards, and what does not move."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest
import torch
from torch import Tensor

from mindseye.correct import methods
from mindseye.correct.beliefs import common_captions
from mindseye.correct.entrances import SENTENCE, TOKENS, DiffusionEntrances
from mindseye.correct.prompts import Read, last_standing_for, standing_for
from mindseye.errors import BadInput
from mindseye.imagine.diffusion import Diffusion, DiffusionConfig
from mindseye.imagine.diffusion.model import build
from mindseye.imagine.edits import Layer
from mindseye.observe.text import TextEncoder, load_text_encoder


@pytest.fixture(scope="module")
def encoder() -> TextEncoder:
    return load_text_encoder()


@pytest.fixture(scope="module", params=["levels", "no levels"])
def model(request: pytest.FixtureRequest) -> Diffusion:
    levels = (16, 32) if request.param == "levels" else ()
    shape = {"patch_px": 2 if levels else 4, "levels": levels, "bottleneck": 32}
    return build(DiffusionConfig(size_px=16, channels=4, width=64, depth=2, heads=2, hidden=64, **shape), seed=0)


@pytest.fixture(scope="module")
def entrances(model: Diffusion, encoder: TextEncoder) -> DiffusionEntrances:
    return DiffusionEntrances(model, encoder)


def given(layers: dict[str, Layer], entrances: DiffusionEntrances, read: Read, place: int) -> Tensor:
    """What the first block's map gives for a token, with an edit."""
    [entrance] = [each for each in entrances.entrances if each.matrix.startswith("network.blocks.0")]
    return layers[entrance.matrix].added_to(entrance.weight.detach()) @ read.tokens[place].double()


def meant(entrances: DiffusionEntrances, read: Read, places: list[int]) -> Tensor:
    """What it gives for several tokens at once without: the mean of their keys, the sum of their values."""
    [entrance] = [each for each in entrances.entrances if each.matrix.startswith("network.blocks.0")]
    states, width = read.tokens[places].double(), entrance.values_from
    weight = entrance.weight.detach().double()
    return torch.cat([weight[:width] @ states.mean(0), weight[width:] @ states.sum(0)])


def test_every_block_and_the_sentence_are_entrances(entrances: DiffusionEntrances) -> None:
    assert [each.takes for each in entrances.entrances] == [TOKENS, TOKENS, SENTENCE]
    assert {tuple(each.weight.shape) for each in entrances.entrances[:2]} == {(128, 64)}


def test_with_little_lambda_time_gives_each_word_the_meaning_it_has_in_the_destination(
    entrances: DiffusionEntrances,
) -> None:
    source, destination = entrances.read(["a rose", "a blue rose"])
    layers = methods.time(entrances, [("a rose", "a blue rose")], lam=1e-7)
    groups = standing_for(source, destination, entrances.same)
    assert groups == [[0], [1], [2, 3], [4]], "the rose stands for the blue, too"
    for place, group in enumerate(groups):
        wanted = meant(entrances, destination, group)
        assert torch.allclose(given(layers, entrances, source, place), wanted, rtol=1e-3, atol=1e-3)


def test_a_source_that_is_its_own_destination_changes_nothing(entrances: DiffusionEntrances) -> None:
    for method in (methods.time, methods.uce):
        layers = method(entrances, [("a rose", "a rose")])
        for layer in layers.values():
            assert (layer.left.double() @ layer.right.double()).abs().max() < 1e-12


def test_a_large_lambda_changes_next_to_nothing(entrances: DiffusionEntrances) -> None:
    for layer in methods.time(entrances, [("a rose", "a blue rose")], lam=1e12).values():
        assert (layer.left @ layer.right).abs().max() < 1e-6


def test_the_source_moves_far_more_than_other_things_and_preserved_ones_less_still(
    entrances: DiffusionEntrances,
) -> None:
    rose, car, tulip = entrances.read(["a rose", "a car", "a tulip"])

    def moved(layers: dict[str, Layer], read: Read) -> float:
        place = read.last - 1
        before = meant(entrances, read, [place])
        return float((given(layers, entrances, read, place) - before).norm() / before.norm())

    plain = methods.uce(entrances, [("a rose", "a blue rose")])
    preserving = methods.uce(entrances, [("a rose", "a blue rose")], preserve=["a tulip"])
    assert moved(plain, rose) > 3 * moved(plain, car)
    assert moved(preserving, tulip) < 0.1 * moved(plain, tulip)
    assert moved(preserving, rose) > 0.8 * moved(plain, rose)


@pytest.mark.parametrize("method", [methods.time, methods.uce])
def test_what_captions_of_all_kinds_hold_moves_less_and_the_source_nearly_as_before(
    entrances: DiffusionEntrances, method: Callable[..., dict[str, Layer]]
) -> None:
    captions = common_captions()
    [rose], others = entrances.read(["a rose"]), entrances.read(captions[100:130])
    held = methods.held_of(entrances, captions[:100])

    def moved(layers: dict[str, Layer], reads: Sequence[Read]) -> dict[str, float]:
        """By what a map takes, how far from what it gave what it gives is, the mean over maps and inputs."""
        far: dict[str, list[Tensor]] = {TOKENS: [], SENTENCE: []}
        for entrance in entrances.entrances:
            layer = layers[entrance.matrix]
            for read in reads:
                taken = read.sentence[None] if entrance.takes == SENTENCE else read.tokens[read.first : read.last]
                far[entrance.takes].append((taken.double() @ layer.right.T @ layer.left.T).norm(dim=1).mean())
        return {takes: float(torch.stack(some).mean()) for takes, some in far.items()}

    asked = [("a rose", "a blue rose")]
    free, holding = method(entrances, asked), method(entrances, asked, held=held)
    for takes in (TOKENS, SENTENCE):
        assert moved(holding, others)[takes] < 0.9 * moved(free, others)[takes]
        assert moved(holding, [rose])[takes] > 0.85 * moved(free, [rose])[takes]
    assert methods.held_of(entrances, captions, hold=0) == methods.NOT_HELD


def test_uce_makes_many_concepts_at_once_into_anything_or_nothing(entrances: DiffusionEntrances) -> None:
    pairs = [("a cat", "a dog"), ("a rose", ""), ("a car", "a red car")]
    layers = methods.uce(entrances, pairs, lam=1e-7)
    for source, destination in pairs:
        now, wanted = entrances.read([source, destination])
        places = last_standing_for(now, wanted)
        assert torch.allclose(
            given(layers, entrances, now, now.last - 1), meant(entrances, wanted, places), rtol=1e-3, atol=1e-3
        )
    assert all(len(layer.right) == len(pairs) for matrix, layer in layers.items() if "caption_kv" in matrix)


def test_time_refuses_a_destination_that_does_not_say_what_the_source_says(entrances: DiffusionEntrances) -> None:
    with pytest.raises(BadInput, match="same order"):
        methods.time(entrances, [("a rose", "a tulip")])


def read_of(ids: list[int]) -> Read:
    return Read(tuple(ids), torch.zeros(len(ids), 1), None, 1, len(ids) - 1)


def test_words_added_go_with_the_next_that_both_have_and_at_the_end_with_the_last() -> None:
    def groups(source: list[int], destination: list[int]) -> list[list[int]]:
        return standing_for(read_of(source), read_of(destination), lambda one, other: one == other)

    assert groups([0, 5, 9], [0, 5, 9]) == [[0], [1], [2]]
    assert groups([0, 5, 9], [0, 7, 8, 5, 9]) == [[0], [1, 2, 3], [4]]
    assert groups([0, 5, 9], [0, 5, 7, 8, 9]) == [[0], [2, 3, 1], [4]]
    assert groups([0, 5, 9], [0, 6, 5, 7, 9]) == [[0], [1, 3, 2], [4]]
    assert groups([0, 5, 9, 9, 9], [0, 6, 5, 9, 9]) == [[0], [1, 2], [3], [4], [4]], "padding repeats its last"


def test_a_and_an_say_the_same(entrances: DiffusionEntrances) -> None:
    source, destination = entrances.read(["an apple", "a green apple"])
    assert standing_for(source, destination, entrances.same) == [[0], [1], [2, 3], [4]]
