"""The sheet of where a picture looked: a row a picture, or a row a stage."""

from __future__ import annotations

import numpy as np
import pytest
from tests.imagine.attngan.small import model

from mindseye.imagine.attngan import FAMILY
from mindseye.imagine.imaginer import Imaginer, load
from mindseye.imagine.request import Request
from mindseye.learn.about import About, CollectionReference, EncoderReference, Training
from mindseye.learn.folder import save_model
from mindseye.observe.text import load_text_encoder
from mindseye.report.attention import attention_sheet, enlarged


@pytest.fixture(scope="module")
def imaginer(tmp_path_factory: pytest.TempPathFactory) -> Imaginer:
    attngan = model()
    about = About(
        name="tiny",
        family="attngan",
        config=attngan.config.model_dump(),
        pixel_art=False,
        text_encoder=EncoderReference(name="all-MiniLM-L6-v2", sha256=load_text_encoder().sha256, token_limit=32),
        collection=CollectionReference(name="test", fingerprint="0" * 64, pictures=3, captions=3),
        training=Training(pictures_seen=0, hours=0, machine="a test", seed=0, settings={}),
        versions={},
    )
    folder = tmp_path_factory.mktemp("model") / "tiny"
    save_model(folder, FAMILY, attngan, about, ["red", "cat"], sheet=None)
    return load(folder, device="cpu")


def test_every_stage_of_a_picture_has_its_own_size_and_a_map_for_every_word(imaginer: Imaginer) -> None:
    request = Request(prompt="a red cat, unbelievably big", count=2)
    drawn = imaginer.attention(request)
    for attended, picture in zip(drawn, imaginer.imagine(request), strict=True):
        assert np.array_equal(attended.picture.pixels, picture.pixels)
        assert np.array_equal(attended.stages[-1].pixels, picture.pixels)
        assert [stage.pixels.shape for stage in attended.stages] == [(edge, edge, 4) for edge in (4, 8, 16)]
        words = ["a", "red", "cat", ",", "unbelievably", "big"]
        assert [[word for word, _ in stage.words] for stage in attended.stages] == [[], words, words]
        assert [{each.shape for _, each in stage.words} for stage in attended.stages] == [set(), {(4, 4)}, {(8, 8)}]


def test_the_sheet_has_a_row_a_stage(imaginer: Imaginer) -> None:
    one, two = (attention_sheet(imaginer.attention(Request(prompt="a red cat", count=n)), "a red cat") for n in (1, 2))
    assert one.width == two.width
    rows = (two.height - one.height) / one.height
    assert 0.6 < rows < 1, "three rows more"
    longer = attention_sheet(imaginer.attention(Request(prompt="a red cat and a dog")), "a red cat and a dog")
    assert longer.width > one.width and longer.height == one.height


def test_a_small_picture_is_enlarged_pixel_by_pixel() -> None:
    pixels = np.arange(12, dtype=np.uint8).reshape(2, 2, 3)
    large = enlarged(pixels, 6)
    assert (
        large.shape == (6, 6, 3)
        and np.array_equal(large[::3, ::3], pixels)
        and np.array_equal(large[2, 2], large[0, 0])
    )
