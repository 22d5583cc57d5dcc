from __future__ import annotations

import functools
import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch

from mindseye.errors import BadInput
from mindseye.randomness import rng_at
from mindseye.think.caption_network import END, MAIN, UNKNOWN, Dropout
from mindseye.think.captioner import Captioner, Progress, fit, load_captioner

COLOURS, THINGS = ("red", "green", "blue"), ("cat", "small dog", "house on a hill", "tree")
MAINS = [f"{colour} {thing}" for colour in COLOURS for thing in THINGS]
CAPTIONS = [(main, f"a drawing of a {main}") for main in MAINS]


def toys() -> torch.Tensor:
    """Twelve pictures of nine regions: one shows the colour, one the thing, the others noise."""
    regions = rng_at(0, "toys").normal(size=(12, 9, 16))
    codes = rng_at(1, "toys").normal(size=(7, 16)) * 3
    for picture in range(12):
        regions[picture, 2], regions[picture, 5] = codes[picture // 4], codes[3 + picture % 4]
    return torch.from_numpy(regions).float()


def learnt(captions: list[tuple[str, ...]] = CAPTIONS, seed: int = 0, passes: int = 60) -> Captioner:
    return fit(toys(), captions, MAINS, seed=seed, seconds=600, passes=passes)


@functools.cache
def by_heart() -> Captioner:
    return learnt()


def weights(captioner: Captioner) -> dict[str, torch.Tensor]:
    return captioner.network.state_dict()


def test_twelve_pictures_learnt_by_heart_are_described_word_for_word() -> None:
    described = by_heart().describe(toys())
    assert [one.text for one in described] == MAINS
    assert all(-0.5 < one.log_probability < 0 for one in described)


def test_a_description_is_as_likely_as_teacher_forcing_says() -> None:
    captioner = by_heart()
    (one,) = captioner.describe(toys()[:1])
    words = [captioner.config.words.index(word) for word in one.text.split()]
    with torch.inference_mode():
        said = torch.tensor([[[MAIN, *(END + 1 + word for word in words)]]])
        states = captioner.network(captioner.network.look(toys()[:1], Dropout()), said, Dropout())
        nats = captioner.network.logits(states)[0, 0].log_softmax(-1)
    mean = np.mean([float(nats[place, word]) for place, word in enumerate([*(word + 1 for word in words), 0])])
    assert one.log_probability == pytest.approx(mean, abs=1e-4)


def test_a_picture_is_described_alike_alone_and_among_others() -> None:
    assert by_heart().describe(toys()[3:4]) == by_heart().describe(toys())[3:4]


def test_the_true_caption_is_likelier_than_every_false_one() -> None:
    table = torch.stack([by_heart().log_likelihood(toys(), [main] * 12) for main in MAINS], dim=1)
    assert (table.argmax(1) == torch.arange(12)).all()
    assert (table.diagonal() > -1).all()


def test_the_likelihood_is_the_mean_of_both_manners_of_captions() -> None:
    main, other = by_heart().log_likelihood(toys()[:2], [MAINS[0], CAPTIONS[1][1]]).tolist()
    # each is nearly sure in its own manner and nearly impossible in the other: ln(1/2) over the words and the end
    assert main == pytest.approx(math.log(0.5) / 3, abs=0.15)
    assert other == pytest.approx(math.log(0.5) / 8, abs=0.15)


def test_a_search_does_not_end_because_short_rubbish_is_complete_first() -> None:
    described = by_heart().describe(toys()[2:3])  # "red house on a hill": five words, each with a way to stop at once
    assert [one.text for one in described] == ["red house on a hill"]


def test_a_word_met_once_is_never_spoken_and_costs_a_guess() -> None:
    captions = [(f"{main} zyx{number}", *rest) for number, (main, *rest) in enumerate(CAPTIONS)]
    captioner = learnt(captions)
    assert captioner.config.words == by_heart().config.words
    said = " ".join(one.text for one in captioner.describe(toys()))
    assert "zyx" not in said
    assert set(said.split()) <= set(captioner.config.words)
    assert captioner.network.logits(torch.zeros(1, 128)).shape[1] == len(captioner.config.words) + 1
    assert END > UNKNOWN

    known, unknown = by_heart().log_likelihood(toys()[:2], ["zyx", "zyx"]), math.log(len(captioner.config.words) + 1)
    assert (known < -unknown / 2).all()  # the guess is one of two, the end mark the other


def test_the_same_seed_gives_the_same_weights_and_another_seed_others() -> None:
    torch.manual_seed(1)
    first = learnt(passes=5)
    torch.manual_seed(2)
    state = torch.get_rng_state()
    second, other = learnt(passes=5), learnt(seed=1, passes=5)
    assert torch.equal(torch.get_rng_state(), state)
    assert all(torch.equal(weight, weights(second)[name]) for name, weight in weights(first).items())
    assert not torch.equal(weights(first)["words.weight"], weights(other)["words.weight"])


def test_a_captioner_that_was_saved_says_the_same(tmp_path: Path) -> None:
    by_heart().save(tmp_path / "captioner")
    loaded = load_captioner(tmp_path / "captioner")
    assert sorted(path.name for path in (tmp_path / "captioner").iterdir()) == ["config.json", "model.safetensors"]
    assert loaded.config == by_heart().config
    assert loaded.describe(toys()) == by_heart().describe(toys())
    assert torch.equal(loaded.log_likelihood(toys(), MAINS), by_heart().log_likelihood(toys(), MAINS))


@pytest.mark.parametrize(
    "damage",
    [
        lambda folder: (folder / "config.json").unlink(),
        lambda folder: (folder / "config.json").write_text("{"),
        lambda folder: (folder / "model.safetensors").unlink(),
        lambda folder: (folder / "model.safetensors").write_bytes((folder / "model.safetensors").read_bytes()[:-9]),
        lambda folder: (folder / "config.json").write_text(
            json.dumps(json.loads((folder / "config.json").read_text()) | {"longest": 3})
        ),
        lambda folder: (folder / "config.json").write_text(
            json.dumps(json.loads((folder / "config.json").read_text()) | {"heads": 3})
        ),
    ],
)
def test_a_damaged_folder_is_refused(tmp_path: Path, damage: object) -> None:
    folder = tmp_path / "captioner"
    by_heart().save(folder)
    assert callable(damage)
    damage(folder)
    with pytest.raises(BadInput, match="cannot be opened"):
        load_captioner(folder)


def test_pictures_without_words_are_left_out_and_an_empty_caption_is_unlikely() -> None:
    without = fit(
        torch.cat([toys(), torch.ones(2, 9, 16)]), [*CAPTIONS, (), ("", " ")], [*MAINS, "?", "?"], passes=3, seconds=600
    )
    assert all(torch.equal(weight, weights(without)[name]) for name, weight in weights(learnt(passes=3)).items())
    empty = by_heart().log_likelihood(toys(), [""] * 12)
    assert empty.isfinite().all()
    assert (empty < by_heart().log_likelihood(toys(), MAINS) - 1).all()
    assert by_heart().describe(toys()[:0]) == []
    assert by_heart().log_likelihood(toys()[:0], []).shape == (0,)


def test_held_out_concepts_end_the_fit_before_they_get_worse() -> None:
    regions = torch.from_numpy(rng_at(0, "noise").normal(size=(64, 4, 8))).float()
    words = rng_at(0, "words").integers(0, 6, (64, 3))
    seen: list[Progress] = []
    captions = [[" ".join("abcdef"[word] for word in row)] for row in words]
    fit(regions, captions, [str(number) for number in range(64)], passes=200, seconds=600, log=seen.append)
    nats = [progress.held_out for progress in seen]
    assert len(seen) < 200  # there is nothing to learn but how frequent the letters are
    assert all(value is not None for value in nats)
    assert int(np.argmin(np.array(nats, dtype=float))) == len(nats) - 5


def test_the_seconds_end_it() -> None:
    seen: list[Progress] = []
    fit(toys(), CAPTIONS, MAINS, seconds=0, passes=50, log=seen.append)
    assert [progress.passes for progress in seen] == [1]


def test_what_cannot_be_learnt_or_read_is_refused() -> None:
    with pytest.raises(BadInput, match="no words"):
        fit(toys(), [("",)] * 12, MAINS)
    with pytest.raises(BadInput, match="do not match"):
        fit(toys(), CAPTIONS[:3], MAINS)
    with pytest.raises(BadInput, match="not finite"):
        fit(toys() / 0, CAPTIONS, MAINS)
    with pytest.raises(BadInput, match="no regions"):
        fit(toys()[:, 0], CAPTIONS, MAINS)
    with pytest.raises(BadInput, match="reads 9 regions of 16"):
        by_heart().describe(toys()[:, :4])
    with pytest.raises(BadInput, match="11 captions for 12"):
        by_heart().log_likelihood(toys(), MAINS[1:])
