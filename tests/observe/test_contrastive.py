"""The matcher of pictures and captions, and the judges that are made of it."""

from __future__ import annotations

import io
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from mindseye.collection.collection import Collection, Example, write_collection
from mindseye.errors import BadInput
from mindseye.observe.contrastive import (
    BagConfig,
    FitSettings,
    Fitted,
    Matcher,
    MatcherConfig,
    Pairs,
    SentenceConfig,
    fit,
    fit_judge,
    judge_for,
    load_judge,
    load_matcher,
    save_matcher,
)
from mindseye.observe.contrastive.objective import agreeing, info_nce
from mindseye.observe.pictures import PictureFeatures, load_picture_encoder
from mindseye.observe.text import load_text_encoder
from mindseye.randomness import rng_at

THINGS = "cat dog kitten tree house apple pear boat train star moon cloud".split()
COLOURS = "red green blue".split()
WIDTH = 24
QUICK = FitSettings(steps=120, batch=64, check_every=20, patience=3)


def vector(name: str) -> torch.Tensor:
    return torch.from_numpy(rng_at(0, f"vector of {name}").standard_normal(WIDTH, dtype=np.float32))


def features(*names: str, seed: int = 0) -> torch.Tensor:
    """What a picture encoder might say of "red cat": something of each word, and some noise."""
    noise = rng_at(seed, "noise").standard_normal((len(names), WIDTH), dtype=np.float32) * np.float32(0.2)
    said = [torch.stack([vector(word) for word in name.split()]).sum(0) for name in names]
    return torch.stack(said) + torch.from_numpy(noise)


def as_pictures(rows: torch.Tensor) -> PictureFeatures:
    return PictureFeatures(rows, rows[:, :0], rows[:, :0])


def pairs(*, shuffled: bool = False) -> Pairs:
    """Six pictures of each thing without a known colour, and two in each colour."""
    plain = [(thing, thing, (f"a {thing}", f"{thing} drawing", f"a picture of a {thing}"), "") for thing in THINGS] * 6
    both = [(f"{colour} {thing}", thing, (f"a {colour} {thing}",), colour) for thing in THINGS for colour in COLOURS]
    names, concepts, captions, details = (list(column) for column in zip(*plain, *both, *both, strict=True))
    if shuffled:
        order = rng_at(0, "shuffled").permutation(len(captions))
        captions, concepts = [captions[place] for place in order], [concepts[place] for place in order]
    return Pairs(features(*names), captions, concepts, details)


def bag(words: tuple[str, ...] = (*THINGS, *COLOURS, "a", "of", "picture", "drawing")) -> MatcherConfig:
    text = BagConfig(words=words, buckets=256, word_width=32, hidden=64)
    return MatcherConfig(
        picture_encoder="test", picture_encoder_sha256="", picture_width=WIDTH, picture_hidden=64, width=32, text=text
    )


@pytest.fixture(scope="module")
def fitted() -> Fitted:
    return fit(pairs(), bag(), QUICK)


def named_right(matcher: Matcher, names: list[str]) -> float:
    """The share of new pictures whose own name fits best of all."""
    similarity = matcher.similarity(as_pictures(features(*names, seed=1)), [f"a {name}" for name in names])
    return float((similarity.argmax(1) == torch.arange(len(names))).float().mean())


def test_the_loss_of_two_pairs_is_that_of_a_choice_of_two() -> None:
    """Unit vectors that agree in pairs: logits s and 0, so -log(e^s / (e^s + 1)) both ways."""
    vectors, scale = torch.eye(2), torch.tensor(3.0)
    nothing = torch.zeros(2, 2, dtype=torch.bool)
    loss = info_nce(vectors, vectors, scale.log(), nothing)
    assert loss == pytest.approx(math.log(1 + math.exp(-3.0)))
    turned = info_nce(vectors, vectors.flip(0), scale.log(), nothing)
    assert turned == pytest.approx(3 + math.log(1 + math.exp(-3.0)))


def test_what_agrees_with_a_pair_is_no_wrong_answer() -> None:
    vectors, scale = torch.eye(3), torch.tensor(3.0)
    agree = torch.tensor([[True, True, False], [True, True, False], [False, False, True]])
    loss = info_nce(vectors, vectors, scale.log(), agree)
    two, three = math.log(1 + math.exp(-3.0)), math.log(1 + 2 * math.exp(-3.0))
    assert loss == pytest.approx((two + two + three) / 3)


def test_only_other_things_and_other_known_details_of_a_thing_contradict() -> None:
    apple, blue_apple, red_apple, pear, blue_pear = range(5)
    agree = agreeing(torch.tensor([1, 1, 1, 2, 2]), torch.tensor([0, 1, 2, 0, 1]))
    assert agree[apple].tolist() == [True, True, True, False, False]
    assert agree[blue_apple].tolist() == [True, True, False, False, False]
    assert agree[pear].tolist() == [False, False, False, True, True]
    assert not agree[red_apple, blue_apple] and not agree[blue_pear, blue_apple]
    assert torch.equal(agree, agree.T)


def test_it_names_new_pictures_of_what_it_knows(fitted: Fitted) -> None:
    assert named_right(fitted.matcher, THINGS) >= 0.9
    assert named_right(fitted.matcher, [f"{colour} {thing}" for thing in THINGS for colour in COLOURS]) >= 0.8


def test_captions_of_other_pictures_teach_nothing() -> None:
    assert named_right(fit(pairs(shuffled=True), bag(), QUICK).matcher, THINGS) <= 0.4


def test_the_best_of_the_held_out_looks_is_kept(fitted: Fitted) -> None:
    steps, losses = zip(*fitted.held_out, strict=True)
    assert fitted.steps == steps[losses.index(min(losses))]
    assert min(losses) < losses[0] / 2
    stopped = fit(pairs(shuffled=True), bag(), FitSettings(steps=2000, batch=64, check_every=10, patience=2))
    assert stopped.held_out[-1][0] < 2000


def test_equal_seeds_give_equal_weights_and_others_do_not() -> None:
    settings = FitSettings(steps=5, batch=32)
    one, again, other = (fit(pairs(), bag(), settings, seed=seed).matcher.state_dict() for seed in (7, 7, 8))
    assert all(torch.equal(one[name], again[name]) for name in one)
    assert not torch.equal(one["text.parts.weight"], other["text.parts.weight"])


def test_an_unknown_word_is_read_by_its_parts(fitted: Fitted) -> None:
    kittens, kitten, *others = fitted.matcher.of_captions(["a kittens", "a kitten", *(f"a {t}" for t in THINGS[3:])])
    assert kittens @ kitten > max(float(kittens @ other) for other in others) + 0.2


def test_captions_without_words_and_of_many_words_are_read(fitted: Fitted) -> None:
    strange = fitted.matcher.of_captions(["", "?!", "cat " * 500, "x" * 5000])
    assert torch.isfinite(strange).all()
    torch.testing.assert_close(strange.norm(dim=1), torch.ones(4))
    assert fitted.matcher.similarity(as_pictures(features("cat")), []).shape == (1, 0)


def test_a_caption_means_the_same_in_any_company(fitted: Fitted) -> None:
    alone = fitted.matcher.of_captions(["a red cat"])
    together = fitted.matcher.of_captions(["a very long caption about a boat and a train", "a red cat", ""])
    torch.testing.assert_close(together[1:2], alone, atol=1e-5, rtol=1e-5)


def test_the_tower_on_sentence_vectors_learns_too() -> None:
    encoder = load_text_encoder()
    text = SentenceConfig(encoder_sha256=encoder.sha256, hidden=64)
    config = bag().model_copy(update={"text": text})
    assert named_right(fit(pairs(), config, QUICK).matcher, THINGS) >= 0.9
    with pytest.raises(BadInput, match="not the one"):
        Matcher(config.model_copy(update={"text": SentenceConfig(encoder_sha256="0" * 64)}))


def test_a_saved_matcher_says_the_same(fitted: Fitted, tmp_path: Path) -> None:
    save_matcher(fitted.matcher, tmp_path / "matcher")
    again = load_matcher(tmp_path / "matcher")
    assert again.config == fitted.matcher.config
    assert sorted(path.name for path in (tmp_path / "matcher").iterdir()) == ["config.json", "model.safetensors"]
    asked = as_pictures(features(*THINGS)), THINGS
    torch.testing.assert_close(again.similarity(*asked), fitted.matcher.similarity(*asked), atol=0.03, rtol=0)


@pytest.mark.parametrize("damage", ["cut", "absent", "other"])
def test_a_damaged_matcher_is_named(fitted: Fitted, tmp_path: Path, damage: str) -> None:
    folder = tmp_path / "matcher"
    save_matcher(fitted.matcher, folder)
    weights = folder / "model.safetensors"
    if damage == "cut":
        weights.write_bytes(weights.read_bytes()[:-100])
    elif damage == "absent":
        weights.unlink()
    else:
        (folder / "config.json").write_text((folder / "config.json").read_text().replace('"width": 32', '"width": 16'))
    with pytest.raises(BadInput, match="cannot be opened"):
        load_matcher(folder)


def test_too_few_pairs_and_pictures_without_captions_are_refused() -> None:
    few = pairs().rows(range(5))
    with pytest.raises(BadInput, match="5 captioned pictures are too few"):
        fit(few, bag(), QUICK)
    bare = pairs()
    with pytest.raises(BadInput, match="without a caption"):
        fit(Pairs(bare.pictures, [(), *bare.captions[1:]], bare.concepts, bare.details), bag(), QUICK)


@pytest.fixture(scope="module")
def squares(tmp_path_factory: pytest.TempPathFactory) -> Collection:
    """Forty-eight plain pictures: one of six colours, a dark spot somewhere, two captions."""
    colours = {"red": (220, 30, 30), "green": (30, 160, 40), "blue": (40, 60, 220), "black": (0, 0, 0)}
    colours |= {"white": (255, 255, 255), "yellow": (250, 220, 0)}
    examples = []
    for index in range(48):
        name = list(colours)[index % 6]
        pixels = np.full((16, 16, 3), colours[name], dtype=np.uint8)
        pixels[index // 6 * 2, index // 6] = 90
        out = io.BytesIO()
        Image.fromarray(pixels).save(out, "PNG")
        texts = (f"a {name} square", f"{name} paint")
        examples.append(Example(out.getvalue(), f"{index}.png", texts, name, str(index), "test"))
    info = {"size_px": 16, "transparent": False, "pixel_art": False}
    return write_collection(tmp_path_factory.mktemp("squares") / "squares", {"train": examples}, info)


def test_a_judge_of_any_collection_is_trained_on_it_once_and_says_that_it_is_not_independent(
    squares: Collection, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("MINDSEYE_CACHE", str(tmp_path))
    lines: list[str] = []
    judge = judge_for(squares, lines.append, FitSettings(steps=100, batch=32, check_every=25))
    assert lines
    assert not judge.independent
    lines.clear()
    again = judge_for(squares, lines.append)
    assert not lines
    train = squares.splits["train"]
    seen = load_picture_encoder().encode(train.arrays(16, 3)[:24])
    names = list(dict.fromkeys(captions[0] for captions in train.captions))
    similarity = judge.similarity(seen, names)
    assert np.array_equal(similarity, again.similarity(seen, names))
    assert (similarity.argmax(1) == np.arange(24) % 6).mean() >= 0.5
    assert "squares" in fit_judge(squares, FitSettings(steps=2, batch=8)).name


def test_a_judge_with_other_eyes_is_refused(fitted: Fitted, tmp_path: Path) -> None:
    save_matcher(fitted.matcher, tmp_path / "judge")
    with pytest.raises(BadInput, match="looks through test"):
        load_judge(tmp_path / "judge")
