"""From a collection to a model folder that draws and knows its codes; and what a VAE must show it has learnt."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from mindseye.collection.collection import Collection, Example, open_prepared, write_collection
from mindseye.imagine.imaginer import Imaginer, load
from mindseye.imagine.request import Request
from mindseye.randomness import rng_at
from mindseye.report.explore import ACTIVE_NATS, explore
from mindseye.train.loop import train

SIZE_PX = 16
FAST = {
    "preset": "tiny", "compile": "false", "precision": "float32", "batch_size": "32", "warmup_pictures": "0",
    "learning_rate": "0.003", "preview_pictures": "2", "held_out_pictures": "16",
}  # fmt: skip


def example(split: str, index: int) -> Example:
    """A white bar on black: the only thing that changes is where it stands."""
    left = rng_at(0, f"bars {split}", index).uniform(1, SIZE_PX - 4)
    across = np.clip(np.arange(SIZE_PX) + 1 - left, 0, 1) * np.clip(left + 3 - np.arange(SIZE_PX), 0, 1)
    pixels = np.zeros((SIZE_PX, SIZE_PX, 3), np.uint8)
    pixels[3:13] = np.round(255 * across)[None, :, None]
    png = io.BytesIO()
    Image.fromarray(pixels).save(png, format="PNG")
    side = "left" if left < 6 else "right"
    return Example(png.getvalue(), f"{split}{index:04d}.png", (f"a bar on the {side}",), f"{split}{index}", "", "test")


def bars(folder: Path, count: int) -> Collection:
    splits = {"train": count, "validation": 16}
    examples = {split: [example(split, index) for index in range(number)] for split, number in splits.items()}
    return write_collection(folder, examples, {"size_px": SIZE_PX, "transparent": False, "pixel_art": False})


def trained(folder: Path, pictures: int, count: int, **settings: str) -> Imaginer:
    run = train("vae", bars(folder / "bars", count), folder / "run", pictures=pictures, settings=FAST | settings)
    return load(run.model)


def real_pictures(folder: Path) -> np.ndarray:
    return open_prepared(folder / "bars").splits["train"].arrays(SIZE_PX, 3)


def test_a_trained_folder_draws_varies_and_knows_where_its_codes_lie(tmp_path: Path) -> None:
    imaginer = trained(tmp_path, pictures=640, count=64)
    assert imaginer.about.config["encoder_scale"] == "log-variance"
    assert imaginer.about.config["training_pictures"] == 64
    assert {path.parent.name for path in imaginer.path.glob("*/*.safetensors")} == {"vae", "codes"}
    story = imaginer.imagine(Request(prompt="a bar on the left", temperature=0.7, sampler="mixture"))[0].story
    assert (story.temperature, story.sampler) == (0.7, "mixture")
    real = real_pictures(tmp_path)
    codes = imaginer.encode(real, "a bar on the left")
    assert codes.shape == (64, 4)
    assert imaginer.decode(codes, "a bar on the left").shape == real.shape
    nats, nats_with_words = imaginer.code_kl(), imaginer.code_kl("a bar on the left")
    assert nats is not None and nats_with_words is not None
    assert nats.sum() > 0 and not np.array_equal(nats, nats_with_words)
    mixture = imaginer.painter.model.without_words.mixture
    assert mixture.weights @ mixture.means == pytest.approx(imaginer.encode(real).mean(0), abs=0.3)


@pytest.mark.slow
def test_of_pictures_with_one_factor_few_dimensions_are_active_and_only_their_sliders_move(tmp_path: Path) -> None:
    settings = {"model.objective": "beta-vae", "model.beta": "4", "model.code": "10", "model.caption_drop": "1"}
    settings |= {"model.likelihood": "gaussian", "model.sigma": "1"}  # beta counts from a given sigma
    imaginer = trained(tmp_path, pictures=30_000, count=1000, **settings)
    nats = imaginer.code_kl()
    assert nats is not None
    assert 1 <= np.count_nonzero(nats >= ACTIVE_NATS) <= 3
    best, idle = int(nats.argmax()), int(nats.argmin())
    strips = explore(imaginer, dims=[best, idle]).strips
    moves = {dimension: strips[dimension].astype(float).std(0).max() for dimension in (best, idle)}
    assert moves[best] > 60 > 10 > moves[idle]  # of 255


@pytest.mark.slow
@pytest.mark.timeout(900)  # two trainings
def test_random_codes_of_a_plain_autoencoder_decode_badly_and_those_of_a_vae_well(tmp_path: Path) -> None:
    random_codes = rng_at(0, "codes").standard_normal((64, 10))
    away = {}
    for objective in ("vae", "autoencoder"):
        settings = {"model.objective": objective, "model.code": "10", "model.caption_drop": "1"}
        imaginer = trained(tmp_path / objective, pictures=20_000, count=1000, **settings)
        real = real_pictures(tmp_path / objective)
        again = imaginer.decode(imaginer.encode(real[:64]))
        away[objective] = (from_nearest(again, real), from_nearest(imaginer.decode(random_codes), real))
    assert away["vae"][0] < 15 and away["autoencoder"][0] < 15  # both draw again what they have seen
    assert away["autoencoder"][1] > 2 * away["vae"][1]


def from_nearest(drawn: np.ndarray, real: np.ndarray) -> float:
    """How far a drawn picture is from the real one nearest to it: root mean square, in 255ths; the median."""
    one, other = (torch.from_numpy(pictures).double().flatten(1) for pictures in (drawn, real))
    return float(torch.cdist(one, other).min(1).values.median() / one.shape[1] ** 0.5)
