"""What every test stands on: no way out to a network, a cache of its own, no colours; and a tiny model that draws."""

from __future__ import annotations

import os
import socket
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from mindseye.imagine.diffusion import Diffusion

os.environ["HF_HUB_OFFLINE"] = "1"  # read once, when a hub library is imported
os.environ.setdefault("OMP_NUM_THREADS", "1")  # small models: more threads only wait for each other

LONG = ("test_schema.py",)  # few tests that take long

LOOPBACK = ("127.", "::1", "localhost")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files are dealt to workers whole: those that take long come first, or one worker waits for another in the end."""
    tests = Counter(item.path for item in items)
    items.sort(key=lambda item: (item.path.name not in LONG, -tests[item.path]))


class NetworkUsed(AssertionError):
    """A test tried to reach something outside this machine."""


@pytest.fixture(autouse=True, scope="session")
def no_network() -> Iterator[None]:
    """Only loopback and Unix sockets may be connected to, and nothing be looked up: the promise that nothing leaves."""
    connect, connect_ex, getaddrinfo = socket.socket.connect, socket.socket.connect_ex, socket.getaddrinfo

    def refuse_foreign(address: Any) -> None:
        host = address[0] if isinstance(address, tuple) else address
        if isinstance(address, tuple) and not str(host).startswith(LOOPBACK):
            raise NetworkUsed(f"a connection to {host!r} was tried")

    def guarded_connect(self: socket.socket, address: Any) -> None:
        refuse_foreign(address)
        connect(self, address)

    def guarded_connect_ex(self: socket.socket, address: Any) -> int:
        refuse_foreign(address)
        return connect_ex(self, address)

    def guarded_getaddrinfo(host: Any, *arguments: Any, **options: Any) -> Any:
        if host not in (None, "", socket.gethostname()):
            refuse_foreign((host.decode() if isinstance(host, bytes) else host, 0))
        return getaddrinfo(host, *arguments, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", guarded_connect)
        patch.setattr(socket.socket, "connect_ex", guarded_connect_ex)
        patch.setattr(socket, "getaddrinfo", guarded_getaddrinfo)
        yield


@pytest.fixture(autouse=True, scope="session")
def own_environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Processes that tests start inherit this: hubs are off, output is plain, caches stay out of the home folder."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NO_COLOR", "1")
        patch.setenv("COLUMNS", "120")
        patch.delenv("FORCE_COLOR", raising=False)
        patch.setenv("MINDSEYE_CACHE", str(tmp_path_factory.mktemp("cache")))
        patch.setenv("MINDSEYE_HOME", str(tmp_path_factory.mktemp("home")))
        yield


@pytest.fixture(scope="session")
def tiny_model() -> Callable[[], Diffusion]:
    """Makes a tiny 16 px RGBA model; no parameter is zero, so that everything has an effect without training."""
    import torch

    from mindseye.imagine.diffusion import DiffusionConfig
    from mindseye.imagine.diffusion.model import build
    from mindseye.learn.learner import PictureFormat
    from mindseye.randomness import rng_at

    def make() -> Diffusion:
        model = build(DiffusionConfig.for_pictures(PictureFormat(size_px=16, channels=4), "tiny"), seed=0)
        with torch.no_grad():
            for index, parameter in enumerate(model.parameters()):
                if parameter.abs().max() == 0:
                    noise = rng_at(0, "wake", index).standard_normal(parameter.shape, dtype="float32")
                    parameter.copy_(torch.from_numpy(noise) * 0.1)
        return model.eval()

    return make


@pytest.fixture(scope="session")
def tiny_folder(tiny_model: Callable[[], Diffusion], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of such a model; it knows the words "cat" and "smiling"."""
    from mindseye.imagine.diffusion import FAMILY
    from mindseye.learn.about import About, CollectionReference, EncoderReference, Training
    from mindseye.learn.folder import save_model
    from mindseye.observe.text import load_text_encoder

    folder = tmp_path_factory.mktemp("models") / "tiny"
    model = tiny_model()
    about = About(
        name="tiny",
        family="diffusion",
        config=model.config.model_dump(),
        pixel_art=False,
        text_encoder=EncoderReference(name="all-MiniLM-L6-v2", sha256=load_text_encoder().sha256, token_limit=32),
        collection=CollectionReference(name="test", fingerprint="0" * 64, pictures=3, captions=3),
        training=Training(pictures_seen=0, hours=0, machine="a test", seed=0, settings={}),
        versions={},
    )
    save_model(folder, FAMILY, model, about, ["cat", "smiling"], sheet=None)
    return folder


@pytest.fixture(scope="session")
def tiny_thinker(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of an untrained thinker for such a model, which knows 120 captions."""
    from mindseye.learn.about import About, CollectionReference, EncoderReference, Training
    from mindseye.learn.folder import save_model
    from mindseye.learn.learner import PictureFormat
    from mindseye.observe.damsm import LEARNER, DamsmConfig
    from mindseye.observe.text import load_text_encoder

    folder = tmp_path_factory.mktemp("thinkers") / "tiny"
    config = DamsmConfig.for_pictures(PictureFormat(size_px=16, channels=4), "tiny")
    about = About(
        name="tiny",
        family="damsm",
        config=config.model_dump(),
        pixel_art=False,
        text_encoder=EncoderReference(name="all-MiniLM-L6-v2", sha256=load_text_encoder().sha256, token_limit=32),
        collection=CollectionReference(name="test", fingerprint="0" * 64, pictures=120, captions=120),
        training=Training(pictures_seen=0, hours=0, machine="a test", seed=0, settings={}),
        versions={},
    )
    save_model(folder, LEARNER, LEARNER.build(config, 0), about, ["cat", "smiling"], sheet=None)
    (folder / "captions.txt").write_text("".join(f"animal number {number}\n" for number in range(120)))
    return folder
