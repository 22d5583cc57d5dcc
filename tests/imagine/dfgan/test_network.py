"""The networks of DF-GAN: sizes, how they start, where the sentence speaks."""

from __future__ import annotations

import pytest
import torch
from tests.imagine.dfgan.small import awake, model, normal
from torch import nn
from torch.nn import functional as F

from mindseye.errors import BadInput
from mindseye.imagine.dfgan.config import PRESETS, DfGanConfig
from mindseye.imagine.dfgan.network import Affine, DeepFusion, DownBlock, normalised
from mindseye.learn.learner import PictureFormat


@torch.no_grad()
@pytest.mark.parametrize("size_px", [8, 16, 20, 24, 32, 48, 64, 128])
def test_pictures_of_every_size_are_drawn_and_looked_at(size_px: int) -> None:
    dfgan = model(size_px, channels=3)
    sentence = normalised(normal(2, 384))
    drawn = dfgan.generator(normal(2, 16), sentence)
    assert drawn.shape == (2, 3, size_px, size_px)
    assert dfgan.discriminator.fits(dfgan.discriminator(drawn), sentence).shape == (2,)


@pytest.mark.parametrize(("size_px", "widths"), [(32, [8, 4, 2, 1]), (64, [8, 8, 4, 2, 1]), (256, [8] * 4 + [4, 2, 1])])
def test_the_widths_are_the_papers(size_px: int, widths: list[int]) -> None:
    config = DfGanConfig.for_pictures(PictureFormat(size_px, 3), "base")
    assert (config.nf, config.latent, config.base_px) == (32, 100, 4)
    assert config.widths == [32 * width for width in widths]
    assert (config.penalty, config.penalty_power) == (2, 6)


def test_an_affine_change_starts_as_none_and_is_a_scale_and_a_shift_of_each_channel() -> None:
    affine, x, y = Affine(4, 6, 8), normal(2, 4, 3, 3), normal(2, 6, seed=1)
    assert torch.equal(affine(x, y), x)
    nn.init.normal_(affine.gamma[-1].weight)
    nn.init.normal_(affine.beta[-1].weight)
    expected = affine.gamma(y)[1, 2] * x[1, 2] + affine.beta(y)[1, 2]
    torch.testing.assert_close(affine(x, y)[1, 2], expected)
    assert not torch.allclose(affine(x, y), affine(x, normal(2, 6, seed=2)))


def test_a_deep_fusion_block_is_affine_rectified_twice() -> None:
    block, x, y = DeepFusion(4, 6, 8), normal(2, 4, 3, 3), normal(2, 6, seed=1)
    torch.testing.assert_close(block(x, y), F.leaky_relu(F.leaky_relu(x, 0.2), 0.2))


def test_a_block_of_the_discriminator_starts_as_its_shortcut_and_its_weight_has_a_gradient() -> None:
    block, x = DownBlock(4, 6), normal(2, 4, 8, 8)
    torch.testing.assert_close(block(x), F.avg_pool2d(block.shortcut(x), 2))
    block(x).square().sum().backward()
    assert block.weight.grad.abs() > 0


@torch.no_grad()
def test_the_sentence_speaks_in_every_block() -> None:
    generator = awake(model()).generator
    grid = normal(1, generator.shape[0], 4, 4)
    one, other = (torch.cat([normal(1, 16), normalised(normal(1, 384, seed=seed))], dim=1) for seed in (1, 2))
    for block in generator.blocks:
        assert not torch.allclose(block(grid, one), block(grid, other))
        grid = block(grid, one)


def test_the_length_of_a_sentence_vector_means_nothing_and_none_stays_none() -> None:
    sentence = normal(2, 384)
    torch.testing.assert_close(normalised(sentence), normalised(3 * sentence))
    assert normalised(sentence).square().mean().item() == pytest.approx(1, abs=1e-3)
    assert normalised(torch.zeros(1, 384)).abs().sum() == 0


def test_neither_network_has_a_normalisation_layer() -> None:
    kinds = {type(layer).__name__ for layer in model().modules()}
    assert not [kind for kind in kinds if "Norm" in kind]


@pytest.mark.parametrize("size_px", [9, 22, 50, 100])
def test_a_size_that_cannot_be_reached_by_doubling_is_refused(size_px: int) -> None:
    with pytest.raises(BadInput, match=f"dfgan cannot draw pictures of {size_px} px"):
        DfGanConfig.for_pictures(PictureFormat(size_px=size_px, channels=4))


def test_an_unknown_preset_is_refused_with_the_ones_there_are() -> None:
    with pytest.raises(BadInput, match="enormous") as caught:
        DfGanConfig.for_pictures(PictureFormat(16, 3), "enormous")
    assert all(name in str(caught.value) for name in PRESETS)
