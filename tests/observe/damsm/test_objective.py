"""DAMSM's scores and losses: the paper's equations written out, and what they must be before training."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from mindseye.learn.batch import Batch, Words
from mindseye.learn.learner import PictureFormat
from mindseye.observe.damsm import DamsmConfig
from mindseye.observe.damsm.network import build
from mindseye.observe.damsm.objective import draw, sentence_scores, shifted, terms, word_scores

CONFIG = DamsmConfig.for_pictures(PictureFormat(size_px=16, channels=3), "tiny").model_copy(update={"text_tokens": 12})


def random(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def captions(lengths: list[int], tokens: int = 12, seed: int = 0) -> Words:
    """Captions of so many words each, between their two marks."""
    mask = torch.arange(tokens) < torch.tensor(lengths)[:, None] + 2
    states = random(len(lengths), tokens, 384, seed=seed) * mask[..., None]
    return Words(states, mask, states.sum(1) / mask.sum(1, keepdim=True))


def test_the_word_score_is_the_papers() -> None:
    regions, words = random(2, 5, 8), random(3, 4, 8, seed=1)
    lengths = [4, 2, 3]
    mask = torch.arange(4) < torch.tensor(lengths)[:, None]
    scores, attention = word_scores(regions, words, mask, CONFIG)
    for q in range(2):
        for d in range(3):
            e, v = words[d, : lengths[d]], regions[q]
            s = e @ v.T
            alpha = (CONFIG.gamma1 * s.softmax(dim=0)).softmax(dim=1)
            c = alpha @ v
            r = (CONFIG.gamma2 * F.cosine_similarity(c, e)).exp().sum().log() / CONFIG.gamma2
            assert scores[q, d].item() == pytest.approx(r.item(), abs=1e-5)
            torch.testing.assert_close(attention[q, d, : lengths[d]], alpha)
            assert attention[q, d, lengths[d] :].abs().sum() == 0


def test_the_released_form_is_sharper_by_gamma_2() -> None:
    regions, words, mask = random(2, 5, 8), random(2, 4, 8, seed=1), torch.ones(2, 4, dtype=torch.bool)
    paper, _ = word_scores(regions, words, mask, CONFIG)
    released, _ = word_scores(regions, words, mask, CONFIG.model_copy(update={"word_score": "released"}))
    torch.testing.assert_close(released, paper * CONFIG.gamma2)


@torch.no_grad()
def test_padding_of_one_caption_never_reaches_another() -> None:
    """The often-copied mistake: a mask laid out by region where the scores are laid out by caption."""
    model = build(CONFIG, seed=0)
    pictures = model.pictures(random(3, 3, 16, 16).clamp(-1, 1))
    text = captions([7, 2, 4])
    together = model.match(pictures, model.text(text))
    for row in range(3):
        alone = model.match(pictures, model.text(text.rows([row])))
        torch.testing.assert_close(alone[:, 0], together[:, row], atol=1e-5, rtol=1e-5)
    shorter = Words(text.tokens[:, :10], text.mask[:, :10], text.sentence)
    torch.testing.assert_close(model.match(pictures, model.text(shorter)), together, atol=1e-5, rtol=1e-5)


@torch.no_grad()
def test_the_sentence_reads_the_caption_in_both_directions() -> None:
    model = build(CONFIG, seed=0)
    text = captions([5])
    whole = model.text(text).sentence
    for word in (1, 5):  # the first and the last
        other = text.tokens.clone()
        other[0, word] += 1
        assert not torch.allclose(model.text(Words(other, text.mask, text.sentence)).sentence, whole)


@torch.no_grad()
def test_a_caption_without_words_has_a_score_too() -> None:
    model = build(CONFIG, seed=0)
    scores = model.match(model.pictures(random(2, 3, 16, 16)), model.text(captions([0, 3])))
    assert torch.isfinite(scores).all()


@torch.no_grad()
def test_of_a_long_caption_the_first_words_count() -> None:
    model = build(CONFIG.model_copy(update={"most_words": 4}), seed=0)
    text = captions([9])
    code = model.text(text)
    assert code.words.shape[1] == 4
    later = text.tokens.clone()
    later[0, 6] += 1  # the sixth word
    torch.testing.assert_close(model.text(Words(later, text.mask, text.sentence)).sentence, code.sentence)


def test_scores_that_tell_nothing_cost_the_logarithm_of_the_batch() -> None:
    for term in terms(torch.zeros(48, 48), torch.arange(48), CONFIG):
        assert term.item() == pytest.approx(math.log(48), abs=1e-4)


@torch.no_grad()
def test_before_training_the_loss_is_the_logarithm_of_the_batch_and_half_the_variance_of_the_logits() -> None:
    """log(1/B sum exp) of normal logits lies half their variance above their mean; the cosines of untrained vectors
    differ by about 1 / sqrt(width), and gamma3 = 10 makes up to 0.4 nats of it at a width of 128."""
    config = CONFIG.model_copy(update={"channels_fine": 32, "channels_coarse": 64, "width": 128})
    above = []
    for seed in range(3):
        model = build(config, seed)
        pictures = model.pictures(random(48, 3, 16, 16, seed=seed).clamp(-1, 1))
        text = model.text(captions([6] * 48, seed=seed))
        by_words, _ = word_scores(pictures.regions, text.words, text.mask, config)
        for scores in (by_words, sentence_scores(pictures.whole, text.sentence)):
            for dim, term in zip((1, 0), terms(scores, torch.arange(48), config), strict=True):
                above.append(float(term - (config.gamma3 * scores).var(dim).mean() / 2))
    assert sum(above) / len(above) == pytest.approx(math.log(48), abs=0.1)


def test_pictures_of_one_concept_do_not_contradict_each_other() -> None:
    scores = torch.full((4, 4), -1.0).fill_diagonal_(1.0)
    scores[0, 1] = scores[1, 0] = 1.0
    strict, _ = terms(scores, torch.arange(4), CONFIG)
    lenient, _ = terms(scores, torch.tensor([0, 0, 1, 2]), CONFIG)
    assert strict > 0.3
    assert lenient < 1e-3


def test_a_shift_moves_each_picture_by_its_own_pixels() -> None:
    picture = torch.arange(16.0).reshape(1, 1, 4, 4).expand(2, 1, 4, 4)
    moved = shifted(picture, torch.tensor([[1, 0], [0, -2]]))
    assert moved[0, 0, :, 0].tolist() == [0, 0, 4, 8]
    assert moved[1, 0, 0].tolist() == [2, 3, 3, 3]


def test_it_learns_which_caption_belongs_to_which_picture() -> None:
    """Coloured discs and the words for them: each of the four terms falls below ln B - 1."""
    generator = torch.Generator().manual_seed(0)
    count = 12
    pictures = F.interpolate(torch.rand(count, 3, 4, 4, generator=generator) * 2 - 1, size=16)
    batch = Batch(pictures, captions([4] * count), torch.arange(count))
    model: Any = build(CONFIG, seed=0)
    (objective,) = model.objectives()
    optimiser = torch.optim.Adam(model.parameters(), lr=3e-3)
    for step in range(40):
        each = [draw(np.random.default_rng(step * count + row), CONFIG) for row in range(count)]
        draws = {key: torch.from_numpy(np.stack([numbers[key] for numbers in each])) for key in each[0]}
        optimiser.zero_grad()
        objective.loss(model, batch, draws).backward()
        optimiser.step()
    with torch.no_grad():
        seen, text = model.pictures(batch.pictures), model.text(batch.words)
        by_words, _ = word_scores(seen.regions, text.words, text.mask, CONFIG)
        for scores in (by_words, sentence_scores(seen.whole, text.sentence)):
            for term in terms(scores, batch.concepts, CONFIG):
                assert term < math.log(count) - 1
