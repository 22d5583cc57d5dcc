"""Drawing: stages, chance, prompts of every kind; and a model folder."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from tests.imagine.attngan.small import captions, config, knowing
from torch.nn import functional as F

from mindseye.imagine.attngan import AttnGan
from mindseye.imagine.attngan.folder import load, save
from mindseye.imagine.family import Settings
from mindseye.learn.batch import Words
from mindseye.observe.text import TextEncoder, load_text_encoder


@pytest.fixture(scope="module")
def attngan() -> AttnGan:
    return knowing()


@pytest.fixture(scope="module")
def encoder() -> TextEncoder:
    return load_text_encoder()


def draw(attngan: AttnGan, words: Words, seeds: list[int], **fields: float) -> torch.Tensor:
    *_, last = attngan.draw(words, None, seeds, Settings(**fields))
    return last.pictures


def test_while_it_draws_each_stage_shows_its_picture_enlarged(attngan: AttnGan) -> None:
    words = captions([3])
    seen = list(attngan.draw(words, None, [7], Settings()))
    stages = attngan.stages(words, [7], Settings())
    assert [stage.pictures.shape[2] for stage in stages] == [4, 8, 16]
    assert [(now.step, now.steps) for now in seen] == [(1, 3), (2, 3), (3, 3)]
    for now, stage in zip(seen, stages, strict=True):
        assert torch.equal(now.pictures, F.interpolate(stage.pictures, size=16))


def test_a_stage_looks_at_each_word_of_the_caption_and_at_nothing_else(attngan: AttnGan) -> None:
    words = captions([5, 2])
    first, second, third = attngan.stages(words, [0, 1], Settings())
    assert first.attention is None
    for stage, edge in ((second, 4), (third, 8)):
        looks = stage.attention
        assert looks.shape == (2, 32, edge, edge)
        assert torch.all(looks[0, 1:6] > 0) and looks[0, 6:].abs().sum() == looks[0, 0].abs().sum() == 0
        assert torch.all(looks[1, 1:3] > 0) and looks[1, 3:].abs().sum() == 0
        torch.testing.assert_close(looks.sum(1), torch.ones(2, edge, edge))


def test_one_map_for_all_stages_is_their_mean_on_the_finest_grid(attngan: AttnGan) -> None:
    words = captions([4])
    _, maps = attngan.attention(words, None, [0], Settings())
    _, second, third = attngan.stages(words, [0], Settings())
    torch.testing.assert_close(maps, (F.interpolate(second.attention, size=8) + third.attention) / 2)


def test_at_temperature_nought_the_seed_has_no_say_and_one_is_the_default(attngan: AttnGan) -> None:
    words = captions([3])
    assert torch.equal(draw(attngan, words, [0], temperature=0), draw(attngan, words, [5], temperature=0))
    assert torch.equal(draw(attngan, words, [5]), draw(attngan, words, [5], temperature=1))
    assert not torch.equal(draw(attngan, words, [0]), draw(attngan, words, [5]))


@pytest.mark.parametrize(
    "prompt",
    [
        "",
        "   ",
        "!?",
        "xqzzt blorfing wug",
        "火の玉 \N{DRAGON}",
        "a \x00\x07 cat",
        "red " * 400,
        "donaudampfschiffahrtsgesellschaft" * 40,
    ],
    ids=["empty", "blank", "marks", "unknown", "scripts", "control", "long", "one word"],
)
def test_every_prompt_draws(attngan: AttnGan, encoder: TextEncoder, prompt: str) -> None:
    pictures = draw(attngan, encoder.encode([prompt]), [0])
    assert torch.isfinite(pictures).all() and pictures.abs().max() <= 1
    pictures, maps = attngan.attention(encoder.encode([prompt]), None, [0], Settings())
    assert torch.isfinite(maps).all() and maps.shape == (1, 32, 8, 8)


def test_an_empty_prompt_is_the_same_as_a_blank_one_and_no_word_is_looked_at(
    attngan: AttnGan, encoder: TextEncoder
) -> None:
    assert torch.equal(draw(attngan, encoder.encode([""]), [3]), draw(attngan, encoder.encode(["  "]), [3]))
    assert not torch.equal(draw(attngan, encoder.encode([""]), [3]), draw(attngan, encoder.encode(["cat"]), [3]))


def test_of_a_long_prompt_all_that_is_read_has_a_say_and_what_is_cut_has_none(
    attngan: AttnGan, encoder: TextEncoder
) -> None:
    words = [f"{colour} thing" for colour in "red green blue pink grey black white brown gold teal".split()] * 2
    whole = encoder.encode([" ".join(words)])
    assert whole.mask.all(), "it is longer than what is read"
    assert torch.equal(draw(attngan, whole, [0]), draw(attngan, encoder.encode([" ".join([*words, "cat"])]), [0]))
    changed = Words(whole.tokens.clone(), whole.mask, whole.sentence)
    changed.tokens[0, 30] += 1  # the last one that is a word
    assert not torch.equal(draw(attngan, whole, [0]), draw(attngan, changed, [0]))


def test_a_saved_model_draws_the_same_without_its_discriminators_and_without_a_damsm_beside_it(
    attngan: AttnGan, tmp_path: Path
) -> None:
    save(attngan, tmp_path)
    assert sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()) == [
        "generator/config.json",
        "generator/diffusion_pytorch_model.safetensors",
        "model_index.json",
        "text_encoder/config.json",
        "text_encoder/diffusion_pytorch_model.safetensors",
    ]
    named_only = config(damsm="a folder that is gone", damsm_settings=attngan.config.matcher)
    for settings in (attngan.config, named_only):
        again = load(settings, tmp_path)
        assert again.discriminators is None and again.pictures is None
        before, after = draw(attngan, captions([3]), [0]), draw(again, captions([3]), [0])
        torch.testing.assert_close(after, before, rtol=0, atol=0.05)
