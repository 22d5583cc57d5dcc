"""The contact sheet."""

import numpy as np
import pytest
from PIL import Image

from mindseye.pictures.sheet import PAGE, TILE, contact_sheet


def solid(edge_px: int, colour: tuple[int, ...]) -> np.ndarray:
    return np.full((edge_px, edge_px, len(colour)), colour, np.uint8)


def count(sheet: Image.Image, colour: tuple[int, int, int]) -> int:
    return int((np.asarray(sheet) == colour).all(axis=-1).sum())


def test_small_pictures_grow_by_a_whole_factor_to_about_128_px() -> None:
    for edge_px, shown_px in [(16, 128), (20, 120), (32, 128), (48, 144), (64, 128), (128, 128), (200, 200)]:
        assert count(contact_sheet([solid(edge_px, (200, 10, 20))]), (200, 10, 20)) == shown_px**2


def test_large_pictures_are_reduced() -> None:
    assert max(contact_sheet([solid(2000, (200, 10, 20))]).size) < 400


def test_a_scale_that_is_asked_for_is_taken() -> None:
    assert count(contact_sheet([solid(16, (200, 10, 20))], scale=3), (200, 10, 20)) == 48**2


def test_a_transparent_picture_shows_its_tile() -> None:
    with_picture = contact_sheet([solid(16, (200, 10, 20, 0)), solid(16, (200, 10, 20, 255))])
    assert count(with_picture, (200, 10, 20)) == 128**2
    assert count(with_picture, TILE) > 128**2


@pytest.mark.parametrize(("columns", "wide"), [(1, False), (6, True)])
def test_columns_decide_the_shape(columns: int, wide: bool) -> None:
    width, height = contact_sheet([solid(16, (1, 2, 3))] * 6, columns=columns).size
    assert (width > height) == wide


def test_margins_are_even_and_free() -> None:
    page = np.asarray(contact_sheet([solid(32, (1, 2, 3))] * 5))
    used = (page != PAGE).any(axis=-1)
    rows, columns = np.flatnonzero(used.any(axis=1)), np.flatnonzero(used.any(axis=0))
    assert rows[0] == columns[0] == page.shape[0] - 1 - rows[-1] == page.shape[1] - 1 - columns[-1]


@pytest.mark.parametrize("caption", ["", "x" * 5000, "a\nb\tc\x00", "猫 🐈 " * 30, "<script>", "word " * 500])
def test_any_caption_stays_below_its_tile(caption: str) -> None:
    plain, captioned = (contact_sheet([solid(32, (1, 2, 3))] * 2, list(c)) for c in ([], [caption, "short"]))
    assert captioned.width == plain.width
    assert captioned.height <= plain.height + 50
    assert (np.asarray(captioned)[:, :30] == PAGE).all()


def test_the_same_sheet_has_the_same_pixels() -> None:
    first, second = (contact_sheet([solid(20, (1, 2, 3))] * 3, ["a", "b", "c"], title="t") for _ in range(2))
    assert first.tobytes() == second.tobytes()
