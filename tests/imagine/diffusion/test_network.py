"""The network's shape: sizes, presets and how a picture becomes tokens."""

from typing import Any

import pytest
import torch

from mindseye.errors import BadInput
from mindseye.imagine.diffusion.config import PRESETS, DiffusionConfig
from mindseye.imagine.diffusion.model import build
from mindseye.imagine.diffusion.network import DiffusionTransformer
from mindseye.learn.batch import Words
from mindseye.learn.learner import PictureFormat


@pytest.mark.parametrize(
    ("size_px", "patch_px", "levels"),
    [(16, 1, 1), (20, 1, 1), (24, 1, 2), (32, 1, 2), (40, 1, 2), (48, 2, 2), (64, 2, 2), (96, 3, 2), (128, 4, 2)],
)
def test_every_size_becomes_about_64_tokens_with_the_levels_it_has_room_for(
    size_px: int, patch_px: int, levels: int
) -> None:
    config = DiffusionConfig.for_pictures(PictureFormat(size_px=size_px, channels=3))
    assert (config.patch_px, len(config.levels)) == (patch_px, levels)
    assert 36 <= (size_px // config.patch_px >> levels) ** 2 <= 100
    assert config.levels == (64, 128)[2 - levels :]


@pytest.mark.parametrize("size_px", range(8, 129))
def test_every_size_has_a_network(size_px: int) -> None:
    config = DiffusionConfig.for_pictures(PictureFormat(size_px=size_px, channels=3), "tiny")
    network = build(config, seed=0).network
    words = Words(torch.zeros(1, 32, 384), torch.ones(1, 32, dtype=torch.bool), torch.zeros(1, 384))
    noisy = torch.zeros(1, 3, size_px, size_px)
    assert network(noisy, torch.tensor([0.5]), words, torch.tensor([False])).shape == noisy.shape


def test_patches_put_together_again_are_the_picture() -> None:
    config = DiffusionConfig(size_px=24, channels=4, patch_px=3, width=64, heads=2)
    network = build(config, seed=0).network
    picture = torch.randn(2, 4, 24, 24, generator=torch.Generator().manual_seed(0))
    tokens = network._patchify(picture)
    assert tokens.shape == (2, 64, 36)
    assert torch.equal(tokens[0, 9], picture[0, :, 3:6, 3:6].permute(1, 2, 0).flatten())
    assert torch.equal(network._unpatchify(tokens), picture)


def test_what_a_level_keeps_reaches_the_picture_without_the_transformer() -> None:
    config = DiffusionConfig.for_pictures(PictureFormat(16, 3), "tiny")
    network = build(config, seed=0).network
    torch.nn.init.normal_(network.picture_out.weight, generator=torch.Generator().manual_seed(0))
    torch.nn.init.zeros_(network.levels_out[0].up.weight)  # nothing comes up from the tokens
    words = Words(torch.randn(1, 32, 384), torch.ones(1, 32, dtype=torch.bool), torch.randn(1, 384))
    noisy = torch.randn(1, 3, 16, 16, requires_grad=True)
    network(noisy, torch.tensor([0.5]), words, torch.tensor([False]))[0, :, 4, 4].sum().backward()
    assert noisy.grad[0, :, 4, 4].abs().sum() > 0


WORDS = Words(torch.randn(2, 32, 384), torch.ones(2, 32, dtype=torch.bool), torch.randn(2, 384))
NOISY, LEVELS, WITH = torch.randn(2, 3, 16, 16), torch.tensor([0.9, 0.5]), torch.tensor([False, True])


def randomised(**settings: Any) -> DiffusionTransformer:
    """A network none of whose weights is zero."""
    network = build(
        DiffusionConfig(size_px=16, channels=3, patch_px=2, width=64, depth=3, heads=2, **settings), 0
    ).network
    generator = torch.Generator().manual_seed(1)
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.1, generator=generator)
    return network


def test_blocks_with_matrices_of_their_own_that_are_alike_are_blocks_with_one() -> None:
    shared, own = randomised(), randomised(own_modulation=True)
    alike = {
        f"modulation.{kind}": shared.get_parameter(f"modulation.{kind}").repeat(3, *rest)
        for kind, rest in (("weight", (1,)), ("bias", ()))
    }
    own.load_state_dict({**shared.state_dict(), **alike})
    torch.testing.assert_close(own(NOISY, LEVELS, WORDS, WITH), shared(NOISY, LEVELS, WORDS, WITH))


def test_the_layout_is_nothing_at_first_and_then_gives_each_place_its_own_by_sentence_and_noise_level() -> None:
    fresh = build(DiffusionConfig.for_pictures(PictureFormat(16, 3), "tiny"), 0).network.layout_in
    assert torch.equal(fresh(torch.randn(2, 64)), torch.zeros(2, 64, 64))
    network = randomised(layout=5)
    begun: list[torch.Tensor] = []
    network.layout_in.register_forward_hook(lambda module, inputs, out: begun.append(out))
    picture = network(NOISY, LEVELS, WORDS, WITH)
    network(NOISY, LEVELS, WORDS, ~WITH)
    network(NOISY, LEVELS.flip(0), WORDS, WITH)
    assert begun[0].shape == (2, 64, 64)
    assert len({tuple(place) for place in begun[0][0].tolist()}) == 64
    assert not torch.equal(begun[0], begun[1])
    assert not torch.equal(begun[0], begun[2])
    torch.nn.init.zeros_(network.layout_in.spread.weight)
    assert not torch.equal(picture, network(NOISY, LEVELS, WORDS, WITH))


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
    with pytest.raises(ValueError, match="grid of 6 cannot be halved 2 times"):
        DiffusionConfig(size_px=24, channels=3, patch_px=4, levels=(16, 32))
    with pytest.raises(ValueError, match="multiple of 16"):
        DiffusionConfig(size_px=24, channels=3, patch_px=3, levels=(20,))
    with pytest.raises(ValueError, match="heads"):
        DiffusionConfig(size_px=16, channels=3, patch_px=4, width=64, heads=5)
