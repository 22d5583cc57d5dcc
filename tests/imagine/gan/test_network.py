"""The networks' shapes and how they start."""

import pytest
import torch
from torch import nn

from mindseye.errors import BadInput
from mindseye.imagine.adversarial.blocks import Block
from mindseye.imagine.gan.config import PRESETS, GanConfig
from mindseye.imagine.gan.model import NETWORKS, build
from mindseye.imagine.gan.network import scores
from mindseye.learn.learner import PictureFormat


@pytest.mark.parametrize("method", NETWORKS)
@pytest.mark.parametrize("size_px", [16, 20, 24, 32, 48, 64])
def test_pictures_of_every_size_are_drawn_and_looked_at(method: str, size_px: int) -> None:
    config = GanConfig.for_pictures(PictureFormat(size_px=size_px, channels=3), "tiny")
    model = build(config.model_copy(update={"method": method}), seed=0)
    sentence = torch.ones(2, 384)
    drawn = model.generator(torch.ones(2, config.latent), sentence)
    assert drawn.shape == (2, 3, size_px, size_px)
    assert model.critic(drawn, torch.stack([sentence] * 3, dim=1)).shape == (2, 3)


def test_a_size_that_cannot_be_reached_by_doubling_is_refused() -> None:
    with pytest.raises(BadInput, match="gan cannot draw pictures of 50 px"):
        GanConfig.for_pictures(PictureFormat(size_px=50, channels=4))


def test_an_unknown_preset_is_refused_with_the_ones_there_are() -> None:
    with pytest.raises(BadInput, match="enormous") as caught:
        GanConfig.for_pictures(PictureFormat(16, 3), "enormous")
    assert all(name in str(caught.value) for name in PRESETS)


@pytest.mark.parametrize(("size_px", "patch_px"), [(16, 1), (20, 1), (24, 1), (32, 2), (48, 2), (64, 4), (128, 8)])
def test_the_finest_grid_is_about_as_fine_for_every_size_since_it_is_what_costs(size_px: int, patch_px: int) -> None:
    assert GanConfig.for_pictures(PictureFormat(size_px=size_px, channels=4)).patch_px == patch_px


@pytest.mark.parametrize("patch_px", [3, 5, 128])
def test_a_patch_that_cannot_be_reached_by_doubling_is_refused(patch_px: int) -> None:
    with pytest.raises(ValueError, match="patch_px"):
        GanConfig(size_px=96, channels=4, patch_px=patch_px)


def test_stages_double_their_width_inwards_up_to_the_greatest() -> None:
    config = GanConfig(size_px=64, channels=4, patch_px=2, width=256, width_out=64)
    assert (config.base_px, config.widths) == (4, [256, 256, 128, 64])


def test_the_fewer_pictures_there_are_the_more_they_are_changed_unless_one_says_how() -> None:
    config = GanConfig.for_pictures(PictureFormat(size_px=32, channels=4))
    changes = [
        config.model_copy(update={"training_pictures": pictures}).changes for pictures in (1999, 2000, 9999, 10**6)
    ]
    assert changes == [("colour", "move", "cut"), ("move", "cut"), ("move", "cut"), ("move",)]
    assert config.model_copy(update={"augment": ()}).changes == ()


def test_every_block_starts_as_the_identity_and_passes_a_gradient_to_what_makes_it_more() -> None:
    block = Block(width=16, group=8, blocks=3)
    x = torch.randn(2, 16, 4, 4, generator=torch.Generator().manual_seed(0))
    assert torch.equal(block(x), x)
    block(x).square().sum().backward()
    assert block.narrow.weight.grad is not None and block.narrow.weight.grad.abs().max() > 0


def test_at_the_start_both_networks_pass_on_the_scale_of_what_they_are_given() -> None:
    config = GanConfig.for_pictures(PictureFormat(32, 4), "base")
    model = build(config, seed=0)
    generator = torch.Generator().manual_seed(0)
    latent, sentence = torch.randn(64, 64, generator=generator), torch.randn(64, 384, generator=generator)
    drawn = model.generator(latent, sentence)
    assert 0.3 < drawn.std() < 1.5
    judged = model.critic(torch.randn(drawn.shape, generator=generator), sentence[:, None])
    assert 0.05 < judged.std() < 1.5


def test_a_score_is_the_scalar_product_with_each_caption() -> None:
    features = torch.tensor([[1.0, 2.0, 3.0, 4.0]])
    captions = torch.tensor([[[1.0, 1.0, 1.0, 1.0], [0.0, 0.0, 0.0, -2.0]]])
    assert scores(features, captions).tolist() == [[5.0, -4.0]]


def test_the_length_of_a_sentence_vector_means_nothing() -> None:
    model = build(GanConfig.for_pictures(PictureFormat(16, 4), "tiny"), seed=0)
    latent, sentence = torch.ones(1, 16), torch.linspace(-1, 1, 384)[None]
    torch.testing.assert_close(model.generator(latent, sentence), model.generator(latent, 3 * sentence))


def test_only_dcgan_and_the_generator_of_wgan_gp_have_batch_norms() -> None:
    norms = {}
    for method in NETWORKS:
        config = GanConfig.for_pictures(PictureFormat(16, 4), "tiny").model_copy(update={"method": method})
        for network in ("generator", "critic"):
            layers = getattr(build(config, seed=0), network).modules()
            norms[method, network] = sum(isinstance(layer, nn.BatchNorm2d) for layer in layers)
    assert [name for name, count in norms.items() if count] == [
        ("wgan-gp", "generator"),
        ("dcgan", "generator"),
        ("dcgan", "critic"),
    ]


def test_the_seed_decides_the_weights_and_the_global_generator_is_left_alone() -> None:
    config = GanConfig.for_pictures(PictureFormat(16, 3), "tiny")
    before = torch.get_rng_state()
    one, same, other = build(config, 1).state_dict(), build(config, 1).state_dict(), build(config, 2).state_dict()
    assert torch.equal(before, torch.get_rng_state())
    assert all(torch.equal(one[name], same[name]) for name in one)
    assert any(not torch.equal(one[name], other[name]) for name in one)
