"""Drawing and varying: seeds, company and strength against bit equality."""

import itertools

import numpy as np
import pytest
import torch
from tests.imagine.vae import small

from mindseye.imagine.family import Given, Settings
from mindseye.imagine.vae.model import Vae, finish
from mindseye.learn.batch import Batch, Words
from mindseye.pictures.tensors import from_model
from mindseye.randomness import rng_at


@pytest.fixture(scope="module")
def model() -> Vae:
    made = small.model()
    rows = 200
    pictures = small.pictures(rows)
    finish(made, [Batch(pictures, small.words(*range(rows)), torch.arange(rows))])
    return made


def draw(model: Vae, numbers, seeds, given=None, **fields) -> torch.Tensor:
    *_, last = model.draw(small.words(*numbers), None, seeds, Settings(**fields), given)
    return last.pictures


@pytest.mark.parametrize("sampler", ["prior", "mixture"])
@pytest.mark.parametrize("given", [None, Given(small.pictures(1)[0], strength=0.6)], ids=["drawn", "varied"])
def test_a_picture_is_the_same_bytes_alone_and_in_any_company(model: Vae, sampler: str, given: Given | None) -> None:
    alone = draw(model, [2], [7], given, sampler=sampler)
    company = [(1, 3), (2, 7), (3, 9), (4, 4), (5, 1)]
    for order in itertools.islice(itertools.permutations(company), 0, 120, 17):
        together = draw(model, *zip(*order, strict=True), given, sampler=sampler)
        assert torch.equal(together[order.index((2, 7))], alone[0])


def test_words_and_seeds_change_the_picture_and_a_temperature_of_zero_leaves_the_seed_no_say(model: Vae) -> None:
    plain = draw(model, [1], [0])
    assert not torch.equal(plain, draw(model, [2], [0]))
    assert not torch.equal(plain, draw(model, [1], [1]))
    cold = draw(model, [1, 1], [0, 1], temperature=0.0)
    assert torch.equal(cold[0], cold[1])
    assert torch.equal(cold[:1], model.decode(torch.zeros(1, 4), small.words(1)))


def test_the_mixture_draws_codes_like_those_of_the_training_pictures(model: Vae) -> None:
    trained = model.encode(small.pictures(200), small.words(*range(200))).numpy()
    drawn = np.stack([model.with_words.mixture.draw(rng_at(seed, "picture")) for seed in range(500)])
    assert drawn.mean(0) == pytest.approx(trained.mean(0), abs=0.3)
    assert not torch.equal(draw(model, [1], [0], sampler="mixture"), draw(model, [1], [0], sampler="prior"))


def test_a_prompt_without_words_draws_from_the_codes_of_pictures_alone(model: Vae) -> None:
    blank = small.words(1, tokens=0)
    *_, last = model.draw(blank, None, [5], Settings(sampler="mixture"))
    code = torch.from_numpy(model.without_words.mixture.draw(rng_at(5, "picture")).astype(np.float32))[None]
    assert torch.equal(last.pictures, model.decode(code, blank))
    assert not np.array_equal(model.without_words.mixture.means, model.with_words.mixture.means)


def test_a_variation_of_strength_zero_is_the_picture_and_of_one_keeps_nothing_of_it(model: Vae) -> None:
    one, other = small.pictures(2)
    assert np.array_equal(from_model(draw(model, [1], [4], Given(one, strength=0.0))[0]), from_model(one))
    of_one, of_other = (draw(model, [1], [4], Given(picture, strength=1.0)) for picture in (one, other))
    assert torch.equal(of_one, of_other)
    torch.testing.assert_close(of_one, draw(model, [1], [4]))


def test_the_stronger_the_farther_from_the_picture(model: Vae) -> None:
    [picture] = small.pictures(1)
    away = [
        (draw(model, [1] * 8, range(8), Given(picture, strength=strength)) - picture).square().mean().item()
        for strength in (0.0, 0.25, 0.5, 0.75, 1.0)
    ]
    assert away == sorted(away)


def test_the_settings_that_were_used_are_told(model: Vae) -> None:
    assert model.settings(Settings()) == Settings(sampler="prior", temperature=1.0)
    assert model.settings(Settings(temperature=0.5, sampler="mixture")) == Settings(sampler="mixture", temperature=0.5)


def test_progress_counts_every_picture_once(model: Vae) -> None:
    seen = list(model.draw(Words.cat([small.words(1)] * 3), None, range(3), Settings()))
    assert [(progress.step, progress.steps) for progress in seen] == [(1, 3), (2, 3), (3, 3)]
    assert seen[-1].pictures.shape == (3, 4, 16, 16)
