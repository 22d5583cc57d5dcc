"""Drawing: seeds, captions and batches against bit equality; walks; and a model folder."""

import itertools
from pathlib import Path

import pytest
import torch

from mindseye.imagine.family import Settings
from mindseye.imagine.gan import Gan, GanConfig
from mindseye.imagine.gan.folder import load, save
from mindseye.imagine.gan.model import NETWORKS, build
from mindseye.learn.batch import Words
from mindseye.learn.learner import PictureFormat
from mindseye.randomness import rng_at


def make(method: str = "r3gan") -> Gan:
    """A tiny model; no weight is zero, so that everything has an effect without training, and norms know something."""
    config = GanConfig.for_pictures(PictureFormat(size_px=16, channels=4), "tiny")
    model = build(config.model_copy(update={"method": method}), seed=0)
    with torch.no_grad():
        for index, (name, weight) in enumerate(model.state_dict().items()):
            noise = torch.from_numpy(rng_at(0, "wake", index).random(weight.shape, dtype="float32"))
            if "running" in name:
                weight.copy_(noise / 2 + 0.5)
            elif not weight.any():
                weight.copy_((noise - 0.5) / 5)
    return model.eval()


@pytest.fixture(scope="module")
def model() -> Gan:
    return make()


def caption(number: int) -> Words:
    tokens = torch.from_numpy(rng_at(number, "caption").standard_normal((1, 32, 384), dtype="float32"))
    return Words(tokens, torch.ones(1, 32, dtype=torch.bool), tokens.mean(1))


def draw(model: Gan, captions: list[Words], seeds: list[int], **fields: float) -> torch.Tensor:
    *_, last = model.draw(Words.cat(captions), None, seeds, Settings(**fields))
    return last.pictures


@pytest.mark.parametrize("method", NETWORKS)
def test_a_picture_is_the_same_bytes_alone_and_in_any_company(method: str) -> None:
    model = make(method)
    alone = draw(model, [caption(2)], [7])
    company = [(caption(number), seed) for number, seed in ((1, 3), (2, 7), (3, 9), (4, 4), (5, 1), (6, 0))]
    for count in (2, 3, 4, 5, 6):
        together = draw(model, [words for words, _ in company[:count]], [seed for _, seed in company[:count]])
        assert torch.equal(together[1], alone[0]), count
    for order in itertools.islice(itertools.permutations(company), 0, 720, 131):
        together = draw(model, [words for words, _ in order], [seed for _, seed in order])
        assert torch.equal(together[[seed for _, seed in order].index(7)], alone[0])


def test_drawing_is_one_pass_a_picture_and_every_picture_counts_once(model: Gan) -> None:
    seen = list(model.draw(Words.cat([caption(1)] * 5), None, range(5), Settings()))
    assert [(progress.step, progress.steps) for progress in seen] == [(step, 5) for step in range(1, 6)]
    assert seen[-1].pictures.shape == (5, 4, 16, 16) and seen[-1].pictures.abs().max() <= 1


def test_seed_and_caption_each_change_the_picture(model: Gan) -> None:
    plain = draw(model, [caption(1)], [0])
    assert not torch.equal(plain, draw(model, [caption(1)], [1]))
    assert not torch.equal(plain, draw(model, [caption(2)], [0]))


def test_at_temperature_nought_the_seed_has_no_say_and_one_is_the_default(model: Gan) -> None:
    assert torch.equal(draw(model, [caption(1)], [0], temperature=0), draw(model, [caption(1)], [5], temperature=0))
    assert torch.equal(draw(model, [caption(1)], [5]), draw(model, [caption(1)], [5], temperature=1))
    assert model.settings(Settings()).temperature == 1


def test_drawing_is_generating_from_the_latents_of_the_seeds(model: Gan) -> None:
    words = Words.cat([caption(1), caption(2)])
    assert torch.equal(model.generate(model.latents([3, 4]), words), draw(model, [caption(1), caption(2)], [3, 4]))


def test_the_latent_of_a_seed_is_its_own_and_standard_normal(model: Gan) -> None:
    latents = model.latents(range(2000))
    assert torch.equal(latents[1234], model.latents([1234])[0])
    assert latents.mean().abs() < 0.02 and abs(latents.std() - 1) < 0.02
    assert len({tuple(latent.tolist()) for latent in model.latents([0, 1, 2**31, 2**32 - 1])}) == 4


def test_a_walk_from_one_seed_to_another_is_without_a_jump(model: Gan) -> None:
    """Twice as many steps on the same way: each step changes the picture half as much, or little more."""
    start, end = model.latents([0, 1])

    def greatest_change(steps: int) -> float:
        share = torch.linspace(0, 1, steps + 1)[:, None]
        pictures = model.generate(start.lerp(end, share), Words.cat([caption(1)] * (steps + 1)))
        assert torch.equal(pictures[[0, -1]], draw(model, [caption(1)] * 2, [0, 1]))
        return float((pictures[1:] - pictures[:-1]).abs().max())

    coarse, fine = greatest_change(16), greatest_change(32)
    assert 0.4 * coarse < fine < 0.6 * coarse


@pytest.mark.parametrize("method", NETWORKS)
def test_a_saved_model_has_no_critic_and_draws_the_same_to_the_precision_of_its_weights(
    method: str, tmp_path: Path
) -> None:
    model = make(method)
    save(model, tmp_path)
    assert sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()) == [
        "generator/config.json",
        "generator/diffusion_pytorch_model.safetensors",
        "model_index.json",
    ]
    again = load(model.config, tmp_path)
    assert again.critic is None
    before, after = draw(model, [caption(1)], [0]), draw(again, [caption(1)], [0])
    torch.testing.assert_close(after, before, rtol=0, atol=0.05)
    save(again, tmp_path / "copy")
    assert torch.equal(draw(load(model.config, tmp_path / "copy"), [caption(1)], [0]), after)
