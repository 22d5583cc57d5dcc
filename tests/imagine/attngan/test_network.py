"""The networks: the attention and its mask, the conditioning, the sizes of all stages."""

from __future__ import annotations

import pytest
import torch
from tests.imagine.attngan.small import captions, config, model, normal
from torch.nn import functional as F

from mindseye.errors import BadInput
from mindseye.imagine.attngan.config import PRESETS, AttnGanConfig
from mindseye.imagine.attngan.discriminator import Discriminator, trunk
from mindseye.imagine.attngan.network import ConditioningAugmentation, Generator, up_block, word_context
from mindseye.learn.learner import PictureFormat

# ------------------------------------------------------------------------------------------------ word attention


def test_the_word_context_is_the_papers() -> None:
    """c_j = sum_i beta_ji e'_i with beta_j the softmax of h_j . e'_i over the caption's own words, place by place."""
    hidden, words = normal(2, 5, 2, 3), normal(2, 4, 5, seed=1)
    lengths = [4, 2]
    mask = torch.arange(4) < torch.tensor(lengths)[:, None]
    context, beta = word_context(hidden, words, mask)
    for row, length in enumerate(lengths):
        for y in range(2):
            for x in range(3):
                e = words[row, :length]
                expected = (e @ hidden[row, :, y, x]).softmax(0)
                torch.testing.assert_close(beta[row, :length, y, x], expected)
                torch.testing.assert_close(context[row, :, y, x], expected @ e)
                assert beta[row, length:, y, x].abs().sum() == 0


def test_a_mask_is_laid_over_the_places_of_its_own_caption() -> None:
    """Two captions of 4 and 2 words, three places each. Flattened to six rows, batch first, those of the second caption
    are 3, 4 and 5; the authors' code masks rows 1, 3 and 5."""
    mask = torch.tensor([[True] * 4, [True, True, False, False]])
    _, beta = word_context(normal(2, 5, 1, 3), normal(2, 4, 5, seed=1), mask)
    rows = beta.permute(0, 2, 3, 1).reshape(6, 4)  # caption and place, then word
    padded = (rows[:, 2:] == 0).all(1)
    assert padded.nonzero().flatten().tolist() == [3, 4, 5]
    torch.testing.assert_close(rows.sum(1), torch.ones(6))


@torch.no_grad()
def test_what_stands_in_the_padding_changes_nothing_and_nor_do_other_captions() -> None:
    generator = Generator(config()).eval()
    words, mask = normal(2, 6, 32), torch.arange(6) < torch.tensor([[6], [2]])
    latent, condition = normal(2, 16), normal(2, 16, seed=1)
    *_, together = generator(latent, condition, words, mask)
    *_, other = generator(latent, condition, words.masked_fill(~mask[..., None], 7.0), mask)
    *_, alone = generator(latent[1:], condition[1:], words[1:, :2], mask[1:, :2])
    assert torch.equal(together.pictures, other.pictures)
    torch.testing.assert_close(alone.pictures[0], together.pictures[1], atol=1e-5, rtol=1e-5)


@torch.no_grad()
def test_the_first_stage_knows_the_sentence_only_and_the_later_ones_the_words() -> None:
    generator = Generator(config()).eval()
    latent, condition, mask = normal(1, 16), normal(1, 16, seed=1), torch.ones(1, 4, dtype=torch.bool)
    one, other = (list(generator(latent, condition, normal(1, 4, 32, seed=seed), mask)) for seed in (2, 3))
    assert torch.equal(one[0].pictures, other[0].pictures) and one[0].attention is None
    for stage in (1, 2):
        assert not torch.equal(one[stage].pictures, other[stage].pictures)
        assert one[stage].attention is not None


# ------------------------------------------------------------------------------------------------ conditioning


def test_the_conditioning_is_mu_and_the_exponential_of_half_the_log_variance() -> None:
    augment = ConditioningAugmentation(width=8, condition=3)
    sentence, noise = normal(5, 8), normal(5, 3, seed=1)
    code, mean, log_variance = augment(sentence, noise)
    a, b = augment.linear(sentence).chunk(2, dim=1)
    torch.testing.assert_close(torch.cat([mean, log_variance], dim=1), a * torch.sigmoid(b))
    torch.testing.assert_close(code, mean + torch.exp(0.5 * log_variance) * noise)
    still, _, _ = augment(sentence, torch.zeros_like(noise))
    assert torch.equal(still, mean)


# ------------------------------------------------------------------------------------------------ sizes


@torch.no_grad()
@pytest.mark.parametrize(
    ("size_px", "edges"),
    [
        (8, [4, 8]),
        (16, [4, 8, 16]),
        (20, [5, 10, 20]),
        (24, [6, 12, 24]),
        (32, [8, 16, 32]),
        (48, [12, 24, 48]),
        (64, [16, 32, 64]),
        (128, [32, 64, 128]),
    ],
)
def test_pictures_of_every_size_are_drawn_in_stages_and_looked_at(size_px: int, edges: list[int]) -> None:
    attngan = model(size_px, channels=3)
    text = attngan.text(captions([4, 2]))
    stages = list(attngan.generator(normal(2, 16), normal(2, 16, seed=1), text.words, text.mask))
    assert [stage.pictures.shape for stage in stages] == [(2, 3, edge, edge) for edge in edges]
    assert [stage.attention.shape[2] for stage in stages[1:]] == edges[:-1]
    for discriminator, stage in zip(attngan.discriminators, stages, strict=True):
        seen = discriminator(stage.pictures)
        assert discriminator.real(seen).shape == discriminator.fits(seen, text.sentence).shape == (2,)


def test_at_256_px_all_is_as_in_the_paper() -> None:
    """64, 128, 256 px; F_0 begins with 16 Ng channels at 4 x 4; trunks end with 8 Nd at 4 x 4 by way of 16 and 32."""
    paper = AttnGanConfig.for_pictures(PictureFormat(256, 3), "base")
    assert (paper.edges_px, paper.base_px, paper.ngf, paper.ndf, paper.residuals) == ([64, 128, 256], 4, 32, 64, 2)
    assert (paper.latent, paper.condition) == (100, 100)
    generator = Generator(paper)
    assert generator.first.shape == (16 * 32, 4, 4) and len(generator.first.doublings) == 4
    widths = [
        [layer.out_channels // 64 for layer in trunk(3, 64, halvings) if isinstance(layer, torch.nn.Conv2d)]
        for halvings in (4, 5, 6)
    ]
    assert widths == [[1, 2, 4, 8], [1, 2, 4, 8, 16, 8], [1, 2, 4, 8, 16, 32, 16, 8]]


def test_an_up_block_gates_half_of_its_channels_by_the_other_half() -> None:
    block = up_block(6, 4).eval()
    x = normal(2, 6, 3, 3)
    wide = block[2](block[1](F.interpolate(x, scale_factor=2, mode="nearest")))
    torch.testing.assert_close(block(x), wide[:, :4] * torch.sigmoid(wide[:, 4:]))
    assert block(x).shape == (2, 4, 6, 6)


def test_a_discriminator_s_first_answer_does_not_depend_on_the_sentence_and_its_second_does() -> None:
    discriminator = Discriminator(config(), 16)
    seen = discriminator(normal(4, 4, 16, 16))
    one, other = normal(4, 32, seed=1), normal(4, 32, seed=2)
    assert torch.equal(discriminator.real(seen), discriminator.real(seen))
    assert not torch.allclose(discriminator.fits(seen, one), discriminator.fits(seen, other))


@pytest.mark.parametrize("size_px", [9, 22, 50, 100])
def test_a_size_that_cannot_be_reached_by_doubling_is_refused(size_px: int) -> None:
    with pytest.raises(BadInput, match=f"attngan cannot draw pictures of {size_px} px"):
        AttnGanConfig.for_pictures(PictureFormat(size_px=size_px, channels=4))


def test_an_unknown_preset_is_refused_with_the_ones_there_are() -> None:
    with pytest.raises(BadInput, match="enormous") as caught:
        AttnGanConfig.for_pictures(PictureFormat(16, 3), "enormous")
    assert all(name in str(caught.value) for name in PRESETS)
