"""What every family promises to what stands around it: one suite for all of them."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from mindseye.collection.collection import Collection, Example, write_collection
from mindseye.errors import BadInput
from mindseye.imagine.families import NAMES, family
from mindseye.imagine.family import Abilities, Blend, Given, Settings
from mindseye.imagine.imaginer import Imaginer, load
from mindseye.imagine.request import Request
from mindseye.learn.batch import Batch, Words
from mindseye.learn.folder import load_model, save_model
from mindseye.learn.learner import Objective
from mindseye.pictures.tensors import from_model, to_model
from mindseye.randomness import rng_at
from mindseye.report.film import filmed
from mindseye.train.config import TrainConfig
from mindseye.train.data import draws_at
from mindseye.train.loop import train
from mindseye.train.optimiser import make_optimiser

SIZE_PX = 16
PICTURES = 16
STEPS = 8
INKS = np.array([[0, 0, 0, 0], [200, 30, 30, 255], [20, 20, 40, 255], [240, 230, 90, 255]], np.uint8)
FAST = {
    "preset": "tiny", "compile": "false", "threads": "1", "precision": "float32", "batch_size": "8",
    "warmup_pictures": "0", "preview_pictures": "4", "held_out_pictures": "0", "learning_rate": "0.01",
}  # fmt: skip
KNOBS: Mapping[str, Any] = {"guidance": 1.5, "steps": 2, "temperature": 0.5, "top_p": 0.9}


def pixels_of(index: int) -> np.ndarray:
    return INKS[rng_at(index, "contract picture").integers(0, len(INKS), (SIZE_PX, SIZE_PX))]


def png(pixels: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def example(index: int) -> Example:
    captions = (f"a speckled square number {index}",)
    return Example(png(pixels_of(index)), f"{index}.png", captions, f"square {index}", f"{index}", "test")


@pytest.fixture(scope="module")
def collection(tmp_path_factory: pytest.TempPathFactory) -> Collection:
    info = {"size_px": SIZE_PX, "transparent": True, "pixel_art": True, "seconds": {}}
    folder = tmp_path_factory.mktemp("contract") / "squares"
    return write_collection(folder, {"train": [*map(example, range(PICTURES))]}, info)


@pytest.fixture(scope="module", params=NAMES)
def imaginer(
    request: pytest.FixtureRequest, collection: Collection, tmp_path_factory: pytest.TempPathFactory
) -> Imaginer:
    """A model of each family, trained for a few steps on random pictures."""
    folder = tmp_path_factory.mktemp(request.param)
    run = train(request.param, collection, folder, pictures=8 * STEPS, settings=FAST)
    return load(run.model, device="cpu")


@dataclass(frozen=True)
class Subject:
    """A family's trained model, opened as the training and the imaginer open it."""

    model: Any
    abilities: Abilities
    channels: int


@pytest.fixture(scope="module")
def subject(imaginer: Imaginer) -> Subject:
    member, model, about = load_model(imaginer.path, family)
    return Subject(model.eval(), member.abilities, about.config["channels"])


@pytest.fixture
def fresh(imaginer: Imaginer) -> Any:
    """An untrained model of the same family."""
    member = family(imaginer.about.family)
    return member.build(member.config.model_validate(imaginer.about.config), 0)


@pytest.fixture(scope="module")
def words(imaginer: Imaginer) -> Words:
    """Six captions."""
    return imaginer.painter.encoder.encode([f"a {word} square" for word in "red blue green large small odd".split()])


def batch_of(subject: Subject, words: Words) -> Batch:
    pictures = to_model(np.stack([pixels_of(index) for index in range(6)])[..., : subject.channels])
    return Batch(pictures, words, torch.arange(6))


def drawn(
    subject: Subject, words: Words, seeds: Sequence[int], given: Given | None = None, **fields: Any
) -> torch.Tensor:
    *_, last = subject.model.draw(words, None, seeds, Settings(**fields), given)
    return last.pictures


def offered(abilities: Abilities) -> Iterator[tuple[str, Any, bool]]:
    """Every field of a request that not every family takes: its name, a value, whether this one takes it."""
    for field, value in KNOBS.items():
        yield field, value, getattr(abilities, field)
    yield "sampler", next(iter(abilities.samplers), "any"), bool(abilities.samplers)
    yield "prompt", "a red square", abilities.prompt
    yield "negative_prompt", "a blue square", abilities.negative_prompt
    yield "keep", 0.5, abilities.complete
    yield "mask", png(np.where(np.indices((SIZE_PX, SIZE_PX)).sum(0) % 3, 255, 0).astype(np.uint8)), abilities.complete
    yield "strength", 0.5, abilities.vary


def test_a_picture_is_the_same_bytes_alone_at_any_count_and_in_any_company(subject: Subject, words: Words) -> None:
    seeds = [7, 3, 2**32 - 1, 7, 0, 5]
    together = drawn(subject, words, seeds)
    for row in (0, 3, 5):
        assert torch.equal(drawn(subject, words.rows([row]), [seeds[row]])[0], together[row])
    for count in (2, 3, 4, 5):
        assert torch.equal(drawn(subject, words.rows(range(count)), seeds[:count]), together[:count])
    other_way = drawn(subject, words.rows(range(5, -1, -1)), seeds[::-1])
    assert torch.equal(other_way.flip(0), together)


def test_another_seed_and_another_prompt_are_another_picture(subject: Subject, words: Words) -> None:
    same_words = words.rows([0] * 6)
    pictures = drawn(subject, same_words, range(6))
    assert all(not torch.equal(pictures[0], pictures[row]) for row in range(1, 6))
    if subject.abilities.prompt:
        assert not torch.equal(pictures, drawn(subject, words.rows([1] * 6), range(6)))


def test_every_step_is_counted_once_and_the_pictures_are_finite(subject: Subject, words: Words) -> None:
    seen = list(subject.model.draw(words.rows([0, 1, 2]), None, [0, 1, 2], Settings()))
    assert [now.step for now in seen] == list(range(1, len(seen) + 1))
    assert {now.steps for now in seen} == {len(seen)}
    for now in seen:
        assert now.pictures.shape == (3, subject.channels, SIZE_PX, SIZE_PX)
        assert now.pictures.dtype == torch.float32
        assert torch.isfinite(now.pictures).all()


def test_drawing_and_learning_leave_the_global_random_numbers_alone(subject: Subject, fresh: Any, words: Words) -> None:
    before = torch.get_rng_state(), np.random.get_state()[1].copy()
    drawn(subject, words, range(6))
    for objective in fresh.objectives():
        objective.loss(fresh, batch_of(subject, words), draws_at(objective, 0, "contract", range(6)))
    assert torch.equal(before[0], torch.get_rng_state())
    assert np.array_equal(before[1], np.random.get_state()[1])


def test_saved_and_loaded_again_it_draws_the_same_bytes(
    imaginer: Imaginer, subject: Subject, words: Words, tmp_path
) -> None:
    member = family(imaginer.about.family)
    save_model(tmp_path / "again", member, subject.model, imaginer.about, ["square"], sheet=None)
    _, again, _ = load_model(tmp_path / "again", family)
    loaded = Subject(again, subject.abilities, subject.channels)
    assert torch.equal(drawn(loaded, words, range(6)), drawn(subject, words, range(6)))
    assert load(tmp_path / "again").sha256 == imaginer.sha256
    suffixes = {path.suffix for path in (tmp_path / "again").rglob("*") if path.is_file()}
    assert suffixes == {".safetensors", ".json", ".txt", ".md"}


def test_the_seed_decides_the_first_weights(imaginer: Imaginer, fresh: Any) -> None:
    member = family(imaginer.about.family)
    config = member.config.model_validate(imaginer.about.config)
    weights = fresh.state_dict()
    again, other = member.build(config, 0).state_dict(), member.build(config, 1).state_dict()
    assert all(torch.equal(weights[name], again[name]) for name in weights)
    assert any(not torch.equal(weights[name], other[name]) for name in weights)


def test_the_settings_name_all_that_is_used_and_nothing_else(subject: Subject, words: Words) -> None:
    used = subject.model.settings(Settings())
    abilities = {
        **{field: getattr(subject.abilities, field) for field in KNOBS},
        "sampler": bool(subject.abilities.samplers),
    }
    for field, able in abilities.items():
        assert (getattr(used, field) is not None) == able, field
    assert subject.model.settings(used) == used
    assert torch.equal(drawn(subject, words, range(6)), drawn(subject, words, range(6), **used.model_dump()))
    for field, value in KNOBS.items():
        if abilities[field]:
            assert getattr(subject.model.settings(Settings(**{field: value})), field) == value


def test_what_is_offered_draws_and_what_is_not_is_refused_by_name(imaginer: Imaginer, subject: Subject) -> None:
    for field, value, able in offered(subject.abilities):
        purpose = {"picture": png(pixels_of(0))} if field in ("keep", "mask", "strength") else {}
        request = Request.of(**{"prompt": "", **purpose, field: value})
        if able:
            assert imaginer.imagine(request)[0].pixels.shape == (SIZE_PX, SIZE_PX, subject.channels)
        else:
            with pytest.raises(BadInput, match=field):
                imaginer.imagine(request)


def test_a_sampler_that_is_not_there_is_refused_by_name(imaginer: Imaginer) -> None:
    with pytest.raises(BadInput, match="sampler"):
        imaginer.imagine(Request(prompt="", sampler="dice"))


def test_each_parameter_belongs_to_one_objective(fresh: Any) -> None:
    named = [name for objective in fresh.objectives() for name in objective.parameters]
    assert sorted(named) == sorted(name for name, _ in fresh.named_parameters())
    assert len({objective.name for objective in fresh.objectives()}) == len(fresh.objectives())


def test_an_objective_moves_all_its_parameters_and_no_others(subject: Subject, fresh: Any, words: Words) -> None:
    batch = batch_of(subject, words)
    config = TrainConfig(learning_rate=0.01)
    optimisers = {objective.name: make_optimiser(fresh, objective, config) for objective in fresh.objectives()}
    reached: set[str] = set()
    for step in range(STEPS):
        for objective in fresh.objectives():
            reached |= one_step(fresh, objective, optimisers[objective.name], batch, step)
    assert reached == {name for name, _ in fresh.named_parameters()}


def one_step(model: Any, objective: Objective, optimiser: Any, batch: Batch, step: int) -> set[str]:
    """One step of one objective, which must not move what is not its own; the names of what had a gradient."""
    before = {name: parameter.detach().clone() for name, parameter in model.named_parameters()}
    for name, parameter in model.named_parameters():
        parameter.requires_grad_(name in objective.parameters)
    positions = range(6 * step, 6 * step + 6)
    draws = draws_at(objective, 0, "contract", positions, seen=positions)  # as in a training
    loss = objective.loss(model, batch, draws)
    assert loss.dtype == torch.float32 and loss.shape == () and torch.isfinite(loss)
    loss.backward()
    reached = {name for name, p in optimiser.parameters.items() if p.grad is not None and p.grad.abs().max() > 0}
    optimiser.step(1.0)
    optimiser.clear()
    for name, parameter in model.named_parameters():
        if name not in objective.parameters:
            assert torch.equal(parameter, before[name]), f"{objective.name} moved {name}"
    return reached


def test_an_objective_is_a_pure_function_of_the_sample_s_position(subject: Subject, fresh: Any, words: Words) -> None:
    batch = batch_of(subject, words)
    for objective in fresh.objectives():
        forwards = [objective.draw(rng_at(0, "pure", position)) for position in range(6)]
        backwards = [objective.draw(rng_at(0, "pure", position)) for position in reversed(range(6))]
        for one, other in zip(forwards, reversed(backwards), strict=True):
            assert all(np.array_equal(one[key], other[key]) for key in one)
        draws = draws_at(objective, 0, "pure", range(6))
        first, second = (objective.loss(fresh, batch, draws) for _ in range(2))
        assert torch.equal(first, second)


def test_a_completion_has_the_known_pixels_exactly(subject: Subject, words: Words) -> None:
    if not subject.abilities.complete:
        pytest.skip("this family does not complete")
    picture = to_model(pixels_of(99)[..., : subject.channels])
    top = torch.zeros(SIZE_PX, SIZE_PX, dtype=torch.bool)
    top[: SIZE_PX // 2] = True
    scattered = torch.from_numpy(rng_at(0, "known").random((SIZE_PX, SIZE_PX)) < 0.3)
    for known in (top, scattered):
        pictures = drawn(subject, words, range(6), Given(picture, known))
        assert torch.equal(pictures[:, :, known], picture[:, known].expand(6, -1, -1))
        assert not torch.equal(pictures[0], pictures[1]), "the rest is drawn"
        assert torch.equal(drawn(subject, words.rows([4]), [4], Given(picture, known))[0], pictures[4])


def test_the_known_pixels_of_a_finished_completion_are_the_given_bytes(imaginer: Imaginer, subject: Subject) -> None:
    if not subject.abilities.complete:
        pytest.skip("this family does not complete")
    strange = np.full((SIZE_PX, SIZE_PX, 4), (1, 254, 127, 255), np.uint8)  # a colour that no training picture has
    [picture] = imaginer.imagine(Request(prompt="", picture=png(strange), keep=0.25))
    assert np.array_equal(picture.pixels[:4], strange[:4, :, : subject.channels])
    assert not np.array_equal(picture.pixels[4:], strange[4:, :, : subject.channels])


def test_between_two_seeds_the_way_begins_and_ends_with_their_pictures(subject: Subject, words: Words) -> None:
    if not subject.abilities.blend:
        pytest.skip("this family does not go from seed to seed")
    ends = drawn(subject, words.rows([0, 0]), [1, 2])
    way = drawn(subject, words.rows([0] * 5), [Blend(1, 2, share) for share in (0.0, 0.01, 0.5, 0.99, 1.0)])
    assert torch.equal(way[0], ends[0]) and torch.equal(way[4], ends[1])
    whole = (ends[1] - ends[0]).norm()
    assert (way[1] - way[0]).norm() < 0.1 * whole and (way[4] - way[3]).norm() < 0.1 * whole


def test_where_a_picture_looks_is_said_of_the_picture_that_is_drawn(subject: Subject, words: Words) -> None:
    if not subject.abilities.attention:
        pytest.skip("this family does not look at words one by one")
    pictures, maps = subject.model.attention(words, None, range(6), Settings())
    assert torch.equal(pictures, drawn(subject, words, range(6)))
    assert maps.shape[:2] == words.mask.shape
    shares, marks = maps.flatten(2).sum(2), 1  # at both ends, which are no words and need not be looked at
    assert torch.all(shares[~words.mask] == 0)
    assert torch.all(shares[:, marks:-marks][words.mask[:, 2 * marks :]] > 0)
    assert maps.sum(1).max() <= 1 + 1e-5


def test_the_stages_end_with_the_picture_that_is_drawn(subject: Subject, words: Words) -> None:
    if not subject.abilities.stages:
        pytest.skip("this family does not draw in stages")
    stages = subject.model.stages(words, range(6), Settings())
    assert len(stages) > 1 and subject.abilities.attention
    assert torch.equal(stages[-1].pictures, drawn(subject, words, range(6)))
    for stage in stages:
        assert stage.pictures.shape[:2] == (6, subject.channels)
        assert stage.attention is None or stage.attention.shape[:2] == words.mask.shape


def test_how_likely_a_picture_is_depends_on_it_its_caption_and_its_seed_alone(subject: Subject, words: Words) -> None:
    if not subject.abilities.likelihood:
        pytest.skip("this family gives pictures no probability")
    pictures = batch_of(subject, words).pictures
    together = subject.model.surprise(pictures, words, range(6))
    alone = subject.model.surprise(pictures[[4]], words.rows([4]), [4])
    torch.testing.assert_close(alone.bits[0], together.bits[4], rtol=1e-4, atol=1e-2)
    assert torch.isfinite(together.bits).all() and (together.bits > 0).all()
    assert together.numbers in (SIZE_PX**2, subject.channels * SIZE_PX**2)


def test_a_variation_of_strength_zero_is_the_picture_and_of_more_is_not(subject: Subject, words: Words) -> None:
    if not subject.abilities.vary:
        pytest.skip("this family does not vary")
    picture = to_model(pixels_of(99)[..., : subject.channels])
    still = drawn(subject, words, range(6), Given(picture, strength=0.0))
    assert (from_model(still) == from_model(picture)).all()
    varied = drawn(subject, words, range(6), Given(picture, strength=0.7))
    assert not torch.equal(varied[0], picture) and not torch.equal(varied[0], varied[1])
    assert torch.equal(drawn(subject, words.rows([4]), [4], Given(picture, strength=0.7))[0], varied[4])


def test_pixel_art_is_drawn_in_the_collection_s_palette_and_saved_indexed(imaginer: Imaginer) -> None:
    assert set(imaginer.palette) == {"c81e1e", "141428", "f0e65a"}, "the inks of these pictures"
    for picture in imaginer.imagine(Request(prompt="", count=2)):
        assert picture.image.mode == "P"
        there = {tuple(colour) for colour in picture.pixels.reshape(-1, picture.pixels.shape[2]).tolist()}
        assert there <= {tuple(ink) for ink in INKS.tolist()}
    assert np.array_equal(imaginer.imagine_each([""], [1])[0], picture.pixels)


def test_the_sample_sheet_shows_pixel_art_as_it_will_be_drawn(imaginer: Imaginer) -> None:
    sheet = np.asarray(Image.open(imaginer.path / "sheet.png").convert("RGB"))
    coloured = sheet[np.ptp(sheet.astype(int), axis=2) > 60]
    assert len(coloured)
    assert {tuple(colour) for colour in coloured.tolist()} <= {tuple(ink[:3]) for ink in INKS.tolist()}


def test_how_a_picture_came_about_ends_with_the_picture(imaginer: Imaginer) -> None:
    request = Request(prompt="", count=2)
    for film, picture in zip(filmed(imaginer, request), imaginer.imagine(request), strict=True):
        assert np.array_equal(film.frames[-1], picture.pixels)
        assert all(frame.shape == picture.pixels.shape for frame in film.frames)
