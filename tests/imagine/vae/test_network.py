"""The networks' shapes, and what a caption means to them."""

import pytest
import torch
from tests.imagine.vae import small

from mindseye.errors import BadInput
from mindseye.imagine.vae.config import PRESETS, VaeConfig
from mindseye.imagine.vae.model import build
from mindseye.learn.learner import PictureFormat


@pytest.mark.parametrize("size_px", [16, 20, 24, 32, 48, 64, 128])
@pytest.mark.parametrize("channels", [3, 4])
def test_every_size_from_16_to_128_becomes_a_code_and_a_picture_again(size_px: int, channels: int) -> None:
    model = small.model(size_px, channels)
    assert 10 <= model.config.sides[0] <= 20 and 3 <= model.config.sides[-1] <= 5
    codes = model.encode(small.pictures(2, size_px, channels), small.words(0, 1))
    assert codes.shape == (2, 4)
    assert model.decode(codes, small.words(0, 1)).shape == (2, channels, size_px, size_px)


def test_a_dropped_caption_is_none_whatever_it_says() -> None:
    network = small.model().network
    dropped, kept = torch.tensor([True]), torch.tensor([False])
    assert torch.equal(network.condition(small.words(1), dropped), network.condition(small.words(2), dropped))
    assert not torch.equal(network.condition(small.words(1), kept), network.condition(small.words(2), kept))


def test_a_caption_without_words_is_none_and_one_word_is_some() -> None:
    network = small.model().network
    kept, dropped = torch.tensor([False]), torch.tensor([True])
    none = network.condition(small.words(1), dropped)
    assert torch.equal(network.condition(small.words(1, tokens=0), kept), none)
    assert not torch.equal(network.condition(small.words(1, tokens=1), kept), none)


def test_code_and_words_both_change_the_picture() -> None:
    model = small.model()
    one, other = torch.zeros(1, 4), torch.ones(1, 4)
    picture = model.decode(one, small.words(1))
    assert not torch.equal(picture, model.decode(other, small.words(1)))
    assert not torch.equal(picture, model.decode(one, small.words(2)))


def test_the_seed_decides_the_weights_and_the_global_generator_is_left_alone() -> None:
    before = torch.get_rng_state()
    one, same, other = (build(small.config(), seed).state_dict() for seed in (1, 1, 2))
    assert torch.equal(before, torch.get_rng_state())
    assert all(torch.equal(one[name], same[name]) for name in one)
    assert any(not torch.equal(one[name], other[name]) for name in one)


def test_an_unknown_preset_is_refused_with_the_ones_there_are() -> None:
    with pytest.raises(BadInput, match="enormous") as caught:
        VaeConfig.for_pictures(PictureFormat(16, 3), "enormous")
    assert all(name in str(caught.value) for name in PRESETS)


def test_sizes_that_do_not_fit_together_are_refused() -> None:
    with pytest.raises(ValueError, match="patch_px 5 does not divide"):
        VaeConfig(size_px=16, channels=3, patch_px=5)


def test_the_course_preset_has_ten_numbers() -> None:
    assert VaeConfig.for_pictures(PictureFormat(32, 4), "course").code == 10
