"""What a service does with pictures once they are drawn: as it is done outside, and never in the way."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from tests.serve.test_service import Heard, asked

from mindseye.errors import Unavailable
from mindseye.imagine.imaginer import Imaginer, load
from mindseye.imagine.picture import Picture
from mindseye.learn.folder import NEAREST
from mindseye.observe.known import KnownPictures
from mindseye.observe.pictures import WEIGHTS_SHA256
from mindseye.report.nearest import IN_A_STORY, beside
from mindseye.report.thinking import imagine_thinking, thinker_of
from mindseye.serve.asked import Asked, Drawn, Finished
from mindseye.serve.remembered import Remembered
from mindseye.serve.service import Service


@pytest.fixture
def folder(tiny_folder: Path, tmp_path: Path) -> Path:
    return shutil.copytree(tiny_folder, tmp_path / "tiny")


@pytest.fixture
def knowing(folder: Path) -> Imaginer:
    """A model that knows what it was trained on."""
    imaginer = load(folder, device="cpu")
    assert imaginer.about is not None
    directions = torch.nn.functional.normalize(torch.rand(20, 1280, generator=torch.Generator().manual_seed(0)), dim=1)
    names = [f"{number}.png" for number in range(20)]
    KnownPictures.of(directions, names, imaginer.about.collection.fingerprint, WEIGHTS_SHA256).save(folder / NEAREST)
    return imaginer


def drawn(service: Service, what: Asked) -> list[Picture]:
    """In the order of their seeds."""
    heard = Heard()
    service.submit(what, heard)
    heard.until(Finished)
    found = sorted((news for news in heard.told if isinstance(news, Drawn)), key=lambda news: news.place)
    return [news.picture for news in found]


def test_the_thinker_chooses_the_picture_that_it_chooses_outside(folder: Path, tiny_thinker: Path) -> None:
    shutil.copytree(tiny_thinker, folder / "thinker")
    imaginer = load(folder, device="cpu")
    what = asked("a cat", 5, 6, candidates=2)
    service = Service({"tiny": imaginer}, workers=2)
    found = drawn(service, what)
    service.close()
    request = what.request.model_copy(update={"seed": 5, "count": 2})
    expected = imagine_thinking(imaginer, thinker_of(imaginer), request, 2)
    assert [picture.story for picture in found] == [picture.story for picture in expected]
    assert all(np.array_equal(a.pixels, b.pixels) for a, b in zip(found, expected, strict=True))


def test_stories_name_the_nearest_training_pictures_as_they_do_outside(knowing: Imaginer) -> None:
    what = asked("a cat", 5, 6)
    service = Service({"tiny": knowing}, workers=2, remembered=Remembered(10))
    found, again = drawn(service, what), drawn(service, what)
    service.close()
    there = beside(knowing)
    assert there is not None and all(len(picture.story.nearest) == IN_A_STORY for picture in found)
    outside = [there.told(knowing.imagine(what.request, seeds=[seed])[0]) for seed in what.seeds]
    for some in (found, again):
        assert [picture.story for picture in some] == [picture.story for picture in outside]


@pytest.mark.parametrize("damaged", [True, False])
def test_what_cannot_be_told_keeps_no_picture_back(
    knowing: Imaginer, folder: Path, damaged: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing() -> None:
        raise Unavailable("the picture encoder is not installed")

    if damaged:
        (folder / NEAREST).write_bytes(b"torn")
    else:
        monkeypatch.setattr("mindseye.report.nearest.load_picture_encoder", missing)
    service = Service({"tiny": knowing}, workers=2)
    found = drawn(service, asked("a cat", 5))
    service.close()
    assert found[0].story.nearest == ()
