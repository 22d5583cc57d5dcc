from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mindseye.collection.builtin.glyphs import SIZE_PX, installed_fonts, write_glyphs
from mindseye.errors import Unavailable


@pytest.fixture(scope="module")
def fonts() -> list[Path]:
    found = [
        font for font in installed_fonts() if font.stem in ("DejaVuSans", "DejaVuSans-Bold", "LiberationSerif-Regular")
    ]
    if len(found) < 2:
        pytest.skip("fonts-dejavu or fonts-liberation is not installed")
    return found


def test_every_character_is_there_in_every_typeface_and_alike_ones_are_one(fonts: list[Path], tmp_path: Path) -> None:
    glyphs = write_glyphs(tmp_path / "glyphs", fonts)
    split = glyphs.splits["train"]
    concepts = set(split.concepts)
    assert {
        "latin small letter a",
        "digit seven",
        "greek small letter omega",
        "cyrillic capital letter zhe",
    } <= concepts
    assert not {"greek capital letter alpha", "cyrillic capital letter a"} & concepts  # they look as a Latin A does
    assert len(split) == len(concepts) * len(fonts)
    rows = [row for row, concept in enumerate(split.concepts) if concept == "latin small letter a"]
    pictures = split.arrays(SIZE_PX, 3, rows=rows)
    assert len({picture.tobytes() for picture in pictures}) == len(fonts)
    assert all(np.mean(picture < 128) > 0.02 and picture[0, 0].tolist() == [255] * 3 for picture in pictures)


def test_too_few_typefaces_are_told(tmp_path: Path) -> None:
    broken = tmp_path / "broken.ttf"
    broken.write_bytes(b"no font")
    with pytest.raises(Unavailable, match="0 can be used"):
        write_glyphs(tmp_path / "glyphs", [broken])
