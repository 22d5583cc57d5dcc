"""Drawing with DF-GAN: chance, prompts of every kind; and a model folder."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from tests.imagine.dfgan.small import awake, captions, model

from mindseye.imagine.dfgan import DfGan
from mindseye.imagine.dfgan.folder import load, save
from mindseye.imagine.family import Settings
from mindseye.learn.batch import Words
from mindseye.observe.text import load_text_encoder


@pytest.fixture(scope="module")
def dfgan() -> DfGan:
    return awake(model()).eval()


def draw(dfgan: DfGan, words: Words, seeds: list[int], **fields: float) -> torch.Tensor:
    *_, last = dfgan.draw(words, None, seeds, Settings(**fields))
    return last.pictures


def test_drawing_is_one_pass_a_picture_and_every_picture_counts_once(dfgan: DfGan) -> None:
    seen = list(dfgan.draw(captions(5), None, range(5), Settings()))
    assert [(now.step, now.steps) for now in seen] == [(step, 5) for step in range(1, 6)]


def test_at_temperature_nought_the_seed_has_no_say_and_one_is_the_default(dfgan: DfGan) -> None:
    words = captions(1)
    assert torch.equal(draw(dfgan, words, [0], temperature=0), draw(dfgan, words, [5], temperature=0))
    assert torch.equal(draw(dfgan, words, [5]), draw(dfgan, words, [5], temperature=1))


def test_every_prompt_draws_and_an_empty_one_is_as_a_blank_one(dfgan: DfGan) -> None:
    encoder = load_text_encoder()
    prompts = ["", "  ", "!?", "xqzzt blorfing wug", "火の玉", "a \x00 cat", "red " * 400, "a cat"]
    pictures = draw(dfgan, encoder.encode(prompts), [0] * len(prompts))
    assert torch.isfinite(pictures).all() and pictures.abs().max() <= 1
    assert torch.equal(pictures[0], pictures[1]) and not torch.equal(pictures[0], pictures[-1])


def test_a_saved_model_has_no_discriminator_and_draws_the_same_to_the_precision_of_its_weights(
    dfgan: DfGan, tmp_path: Path
) -> None:
    save(dfgan, tmp_path)
    again = load(dfgan.config, tmp_path)
    assert again.discriminator is None
    torch.testing.assert_close(draw(again, captions(1), [0]), draw(dfgan, captions(1), [0]), rtol=0, atol=0.05)
