"""The categorical likelihood: probabilities of colours, and pictures in exactly those."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from tests.imagine.vae import small

from mindseye.errors import BadInput
from mindseye.imagine.family import Given, Settings
from mindseye.imagine.vae import FAMILY
from mindseye.imagine.vae.likelihood import Categorical
from mindseye.imagine.vae.model import Vae, build, finish
from mindseye.imagine.vae.objective import kl, loss, sampled
from mindseye.learn.batch import Batch
from mindseye.pictures.indexed import rgb_of
from mindseye.pictures.tensors import from_model, to_model
from mindseye.randomness import rng_at

PALETTE = ("transparent", "#ffffff", "#000000", "#e03020", "#2040d0")


def model(**changes: object) -> Vae:
    return small.model(likelihood="categorical", palette=PALETTE, **changes)


def pixels(count: int, purpose: str = "pixels") -> np.ndarray:
    """Pictures in the colours of the palette, at random."""
    alpha = np.array([[0], *[[255]] * (len(PALETTE) - 1)], np.uint8)
    colours = np.concatenate([rgb_of(PALETTE), alpha], axis=1)
    return colours[rng_at(0, purpose).integers(0, len(PALETTE), (count, 16, 16))]


def batch(count: int) -> Batch:
    return Batch(to_model(pixels(count)), small.words(*range(count)), torch.arange(count))


def in_the_palette(drawn: torch.Tensor) -> bool:
    colours = {tuple(pixel) for pixel in from_model(drawn).reshape(-1, 4).tolist()}
    return colours <= {(0, 0, 0, 0), *((*map(int, rgb), 255) for rgb in rgb_of(PALETTE)[1:])}


def test_the_probabilities_of_all_colours_of_a_pixel_sum_to_one() -> None:
    likelihood = Categorical(model().config)
    logits = torch.from_numpy(rng_at(0, "logits").standard_normal((1, 5, 1, 1), dtype="float32") * 4)
    every = torch.arange(5)[:, None, None]
    assert torch.equal(likelihood.read(likelihood.palette.show(every)), every)
    log_p = likelihood.log_probability(every, logits.expand(5, -1, -1, -1), 0.0)
    assert log_p.double().exp().sum().item() == pytest.approx(1, abs=1e-6)


def test_a_picture_is_as_likely_as_its_pixels_together() -> None:
    likelihood = Categorical(model().config)
    logits = torch.from_numpy(rng_at(0, "logits").standard_normal((3, 5, 16, 16), dtype="float32"))
    read = likelihood.read(to_model(pixels(3)))
    each = logits.log_softmax(1).gather(1, read[:, None])[:, 0]
    torch.testing.assert_close(likelihood.log_probability(read, logits, 0.0), each.sum((1, 2)))


def test_both_parts_of_the_loss_are_sums_over_a_picture_and_given_for_each_pixel() -> None:
    made, shown = model(), batch(6)
    chance = small.draws(made.config, 6)
    condition = made.network.condition(shown.words, chance["without_caption"])
    found = made.network.encode(shown.pictures, condition)
    logits = made.network.decode(sampled(found, chance["noise"]), condition)
    read = made.network.likelihood.read(shown.pictures)
    surprise = -logits.log_softmax(1).gather(1, read[:, None]).flatten(1).sum(1)
    expected = (surprise + kl(found).sum(1)).mean() / 16**2
    assert loss(made.network, shown, chance, made.config).item() == pytest.approx(expected.item(), rel=1e-5)


def test_what_is_drawn_decoded_and_varied_has_the_colours_of_the_palette_and_no_others() -> None:
    made, words = model(), small.words(1, 2, 3)
    given = Given(to_model(pixels(1)[0]), strength=0.5)
    for start in (None, given):
        *_, last = made.draw(words, None, [1, 2, 3], Settings(), start)
        assert in_the_palette(last.pictures)
    assert in_the_palette(made.decode(torch.zeros(3, 4), words))


def test_a_variation_of_strength_zero_is_the_picture_in_its_palette() -> None:
    made = model()
    picture = pixels(1)[0]
    *_, same = made.draw(small.words(1), None, [4], Settings(), Given(to_model(picture), strength=0.0))
    assert np.array_equal(from_model(same.pictures[0]), picture)
    strange = np.full((16, 16, 4), (250, 10, 10, 200), np.uint8)
    *_, near = made.draw(small.words(1), None, [4], Settings(), Given(to_model(strange), strength=0.0))
    assert np.array_equal(from_model(near.pictures[0]), np.full((16, 16, 4), (0xE0, 0x30, 0x20, 255), np.uint8))


def test_a_model_whose_codes_say_nothing_has_the_likelihood_of_its_pixels_exactly() -> None:
    """With q(c | x) = N(0, I) and a decoder that does not look at the code, the bound is the probability itself."""
    made, shown = model(), batch(3)
    for layer in (made.network.encoder.code, made.network.decoder.code):
        torch.nn.init.zeros_(layer.weight)
    torch.nn.init.zeros_(made.network.encoder.code.bias)
    finish(made, [batch(40)])
    condition = made.network.condition(shown.words, torch.zeros(3, dtype=torch.bool))
    with torch.no_grad():
        logits = made.network.decode(torch.zeros(3, 4), condition)
        found = made.surprise(shown.pictures, shown.words, range(3))
    assert found is not None and (found.numbers, found.levels, found.exact) == (16**2, 5, False)
    read = made.network.likelihood.read(shown.pictures)
    nats = -logits.log_softmax(1).gather(1, read[:, None]).flatten(1).sum(1)
    torch.testing.assert_close(found.bits, nats / math.log(2), rtol=1e-4, atol=1e-2)


def test_the_palette_is_found_in_the_pictures_of_a_training_and_only_where_it_is_wanted() -> None:
    said: list[str] = []
    assert FAMILY.measure is not None
    measured = FAMILY.measure(small.config(likelihood="categorical"), pixels(4), said.append)
    assert set(measured.palette) == set(PALETTE) and "a palette of 5" in said[0]
    assert FAMILY.measure(measured, pixels(4), said.append) is measured
    assert FAMILY.measure(small.config(), pixels(4), said.append).palette == () and len(said) == 1


def test_without_a_palette_there_is_no_such_model() -> None:
    with pytest.raises(BadInput, match="palette"):
        build(small.config(likelihood="categorical"), seed=0)
