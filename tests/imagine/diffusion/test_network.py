"""The network's shape: sizes, presets and how a picture becomes tokens."""

import pytest
import torch

from mindseye.errors import BadInput
from mindseye.imagine.diffusion.config import PRESETS, DiffusionConfig
from mindseye.imagine.diffusion.model import build
from mindseye.learn.learner import PictureFormat


@pytest.mark.parametrize("size_px", [16, 20, 24, 32, 48, 64, 128])
def test_every_size_from_16_to_128_becomes_about_64_tokens(size_px: int) -> None:
    config = DiffusionConfig.for_pictures(PictureFormat(size_px=size_px, channels=3))
    assert 64 <= (size_px // config.patch_px) ** 2 <= 100


def test_patches_put_together_again_are_the_picture() -> None:
    network = build(DiffusionConfig.for_pictures(PictureFormat(24, 4), "tiny"), seed=0).network
    picture = torch.randn(2, 4, 24, 24, generator=torch.Generator().manual_seed(0))
    tokens = network._patchify(picture)
    assert tokens.shape == (2, 64, 36)
    assert torch.equal(tokens[0, 9], picture[0, :, 3:6, 3:6].permute(1, 2, 0).flatten())
    assert torch.equal(network._unpatchify(tokens), picture)


def test_the_base_model_fits_25_megabytes_in_bfloat16() -> None:
    network = build(DiffusionConfig.for_pictures(PictureFormat(64, 4), "base"), seed=0).network
    assert sum(parameter.numel() for parameter in network.parameters()) * 2 <= 24.9e6


def test_the_seed_decides_the_weights_and_the_global_generator_is_left_alone() -> None:
    config = DiffusionConfig.for_pictures(PictureFormat(16, 3), "tiny")
    before = torch.get_rng_state()
    one, same, other = build(config, 1).state_dict(), build(config, 1).state_dict(), build(config, 2).state_dict()
    assert torch.equal(before, torch.get_rng_state())
    assert all(torch.equal(one[name], same[name]) for name in one)
    assert any(not torch.equal(one[name], other[name]) for name in one)


def test_an_unknown_preset_is_refused_with_the_ones_there_are() -> None:
    with pytest.raises(BadInput, match="enormous") as caught:
        DiffusionConfig.for_pictures(PictureFormat(16, 3), "enormous")
    assert all(name in str(caught.value) for name in PRESETS)


def test_sizes_that_do_not_fit_together_are_refused() -> None:
    with pytest.raises(ValueError, match="patch_px 5 does not divide"):
        DiffusionConfig(size_px=16, channels=3, patch_px=5)
    with pytest.raises(ValueError, match="heads"):
        DiffusionConfig(size_px=16, channels=3, patch_px=4, width=64, heads=5)
