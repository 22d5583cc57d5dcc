"""ReFACT: the memory says exactly what was stored, rank one, and the encoder then reads one thing as another."""

from __future__ import annotations

import pytest
import torch

from mindseye.correct.memories import Memory, last_place, memory_of
from mindseye.correct.refact import WORDINGS, Found, find_value, rank_one, refact, second_moment
from mindseye.errors import BadInput
from mindseye.imagine.edits import Layer
from mindseye.observe.text import TextEncoder, load_text_encoder

CAPTIONS = [f"a {colour} {thing}" for colour in ("red", "big", "old") for thing in "car house tree cup dog hat".split()]


@pytest.fixture(scope="module")
def encoder() -> TextEncoder:
    return load_text_encoder()


@pytest.fixture(scope="module")
def memory(encoder: TextEncoder) -> Memory:
    return memory_of(encoder)


@pytest.fixture(scope="module")
def edit(memory: Memory) -> tuple[Layer, Found]:
    return refact(memory, "a rose", "a blue rose", CAPTIONS, steps=30)


def test_the_new_matrix_gives_the_value_for_the_key_and_differs_by_rank_one() -> None:
    generator = torch.Generator().manual_seed(0)
    weight, key, value = (torch.randn(shape, generator=generator).double() for shape in ((6, 10), (10,), (6,)))
    C = second_moment(torch.randn(50, 10, generator=generator))
    new = rank_one(weight, key, value, C).added_to(weight)
    assert torch.allclose(new @ key, value, atol=1e-12)
    assert torch.linalg.matrix_rank(new - weight) == 1


def test_of_all_changes_that_store_the_value_it_moves_captions_least() -> None:
    """What ROME's closed form minimises: the change of what W makes of other inputs, whose second moment is C."""
    generator = torch.Generator().manual_seed(0)
    weight, key, value = (torch.randn(shape, generator=generator).double() for shape in ((6, 10), (10,), (6,)))
    others = torch.randn(200, 10, generator=generator).double()
    C = others.T @ others / len(others)
    best = rank_one(weight, key, value, C).added_to(weight) - weight
    for seed in range(20):
        step = torch.randn(6, 10, generator=torch.Generator().manual_seed(seed)).double()
        step -= torch.outer(step @ key, key) / (key @ key)  # it still gives the value for the key
        assert (others @ (best + 0.1 * step).T).norm() > (others @ best.T).norm()


def test_the_encoder_then_reads_the_source_as_the_destination_and_others_as_before(
    encoder: TextEncoder, memory: Memory, edit: tuple[Layer, Found]
) -> None:
    layer, found = edit
    changed = encoder.changed({memory.matrix: layer.added_to(memory.weight).float()})
    rose, blue, house = encoder.encode(["a rose", "a blue rose", "a house"]).sentence
    rose_now, also_now, house_now = changed.encode(["a rose", "my rose", "a house"]).sentence
    assert found.probability > 0.4 and found.steps <= 30, "among 20 texts"
    assert (rose_now - blue).norm() < 0.7 * (rose - blue).norm()
    assert (also_now - blue).norm() < (encoder.encode(["my rose"]).sentence[0] - blue).norm(), "in other words, too"
    assert (house_now - house).norm() < 0.2 * (rose_now - rose).norm()
    assert torch.equal(encoder.encode(["a rose"]).sentence[0], rose), "the encoder itself is as it was"


def test_what_is_stored_is_what_the_descent_found(memory: Memory, edit: tuple[Layer, Found]) -> None:
    layer, found = edit
    new = layer.added_to(memory.weight)
    assert torch.allclose(new @ layer.keys[0].double(), found.value.double(), atol=1e-5)
    assert layer.left.shape == (384, 1) and layer.right.shape == (1, 1536)


def test_the_descent_goes_towards_the_destination(memory: Memory) -> None:
    few, more = (
        find_value(memory, ["a rose"], "a rose", "a blue rose", ["a rose", *CAPTIONS[:5]], steps) for steps in (1, 20)
    )
    assert more.probability > few.probability


def test_the_key_is_the_mean_over_wordings(memory: Memory, edit: tuple[Layer, Found]) -> None:
    keys = memory.keys([wording.format("a rose") for wording in WORDINGS], "a rose")
    assert len(keys) == 10 and torch.allclose(edit[0].keys[0], keys.mean(0))


def test_the_destination_is_told_from_other_captions_too_and_not_from_the_source_alone(memory: Memory) -> None:
    alone, among = (
        find_value(memory, ["a rose"], "a rose", "a blue rose", others, 1)
        for others in (["a rose"], ["a rose", *CAPTIONS])
    )
    assert among.probability < alone.probability


def test_the_descent_ends_when_the_destination_is_likely_enough(
    memory: Memory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mindseye.correct.refact.ENOUGH", 0.0)
    assert find_value(memory, ["a rose"], "a rose", "a blue rose", ["a rose"], 20).steps == 1


def test_what_is_added_is_never_longer_than_some_multiple_of_what_was_there(
    memory: Memory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mindseye.correct.refact.FARTHEST", 0.1)
    found = find_value(memory, ["a rose"], "a rose", "a blue rose", ["a rose"], 4)
    start = memory.weight @ memory.keys(["a rose"], "a rose")[0]
    assert (found.value - start).norm().item() == pytest.approx(0.1 * start.norm().item(), rel=1e-4)


def test_the_keys_are_those_of_the_subjects_last_token(memory: Memory) -> None:
    one, other = memory.keys(["a rose", "a drawing of a rose in a vase"], "a rose")
    every = memory.all_keys(["a rose"])
    assert every.shape == (4, 1536) and torch.allclose(every[2], one, atol=1e-5)
    assert torch.cosine_similarity(one, other, dim=0) > torch.cosine_similarity(one, every[1], dim=0)
    assert last_place([0, 5, 6, 7, 5, 6, 9], [5, 6]) == 5
    with pytest.raises(BadInput, match="too long"):
        last_place([0, 1, 2], [7])


def test_what_it_cannot_do_says_why(memory: Memory) -> None:
    with pytest.raises(BadInput, match="words"):
        refact(memory, "a rose", "", CAPTIONS)
    with pytest.raises(BadInput, match="captions"):
        refact(memory, "a rose", "a dog", [])
