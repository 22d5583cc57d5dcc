"""A tiny model that draws something, as objects and as a model folder."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from mindseye.imagine.diffusion import FAMILY, Diffusion, DiffusionConfig
from mindseye.imagine.diffusion.model import build
from mindseye.imagine.family import PictureFormat
from mindseye.imagine.model_folder import About, CollectionReference, EncoderReference, Training, save_model
from mindseye.observe.text import load_text_encoder
from mindseye.randomness import rng_at


def wake(model: Diffusion) -> Diffusion:
    """Gives the zero-initialised parameters values, so that everything has an effect without training."""
    with torch.no_grad():
        for index, parameter in enumerate(model.parameters()):
            if parameter.abs().max() == 0:
                noise = rng_at(0, "wake", index).standard_normal(parameter.shape, dtype="float32")
                parameter.copy_(torch.from_numpy(noise) * 0.1)
    return model.eval()


@pytest.fixture
def tiny_model() -> Callable[[], Diffusion]:
    """Makes a tiny 16 px RGBA model with every parameter awake."""
    config = DiffusionConfig.for_pictures(PictureFormat(size_px=16, channels=4), "tiny")
    return lambda: wake(build(config, seed=0))


@pytest.fixture(scope="session")
def tiny_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of such a model."""
    folder = tmp_path_factory.mktemp("models") / "tiny"
    config = DiffusionConfig.for_pictures(PictureFormat(size_px=16, channels=4), "tiny")
    about = About(
        name="tiny",
        family="diffusion",
        config=config.model_dump(),
        pixel_art=False,
        text_encoder=EncoderReference(name="all-MiniLM-L6-v2", sha256=load_text_encoder().sha256, token_limit=32),
        collection=CollectionReference(name="test", fingerprint="0" * 64, pictures=3, captions=3),
        training=Training(pictures_seen=0, hours=0, machine="a test", seed=0, settings={}),
        versions={},
    )
    save_model(folder, FAMILY, wake(build(config, seed=0)), about, ["cat", "smiling"], sheet=None)
    return folder
