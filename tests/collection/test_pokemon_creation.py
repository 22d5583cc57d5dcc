"""The course's two files of palette indices, read as pictures."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from mindseye.collection.collect import collect
from mindseye.errors import BadInput

COLOURS = np.array([[255, 255, 255], [200, 30, 40], [20, 60, 220], [0, 0, 0]])


def sprites(folder: Path, *, count: int = 30, side: int = 6) -> np.ndarray:
    """Writes the two files for random pictures; returns their indices [picture, side, side]."""
    indices = np.random.default_rng(5).integers(0, len(COLOURS), (count, side, side))
    folder.mkdir()
    np.savetxt(folder / "pixel_color.txt", indices.reshape(count, -1), fmt="%d")
    np.savetxt(folder / "colormap.txt", COLOURS, fmt="%d")
    return indices


@pytest.mark.parametrize("prefix", ["", "pokemon-creation:"])
def test_every_row_becomes_a_picture_in_the_colours_of_the_palette(tmp_path: Path, prefix: str) -> None:
    indices = sprites(tmp_path / "course")
    made = collect(f"{prefix}{tmp_path / 'course'}", tmp_path / "made")
    pictures = {name: split.image(at) for split in made.splits.values() for at, name in enumerate(split.file_names)}
    assert len(pictures) == len(indices)
    for name, picture in pictures.items():
        row = int(name.removeprefix("row-").removesuffix(".png")) - 1
        assert np.array_equal(np.asarray(picture.convert("RGB")), COLOURS[indices[row]])
    assert made.info["captioned"] == 0


def spoilt(folder: Path, name: str, row: int, text: str) -> None:
    """Replaces one row (counted from 1) of one of the files."""
    lines = (folder / name).read_text().splitlines()
    lines[row - 1] = text
    (folder / name).write_text("\n".join(lines) + "\n")


@pytest.mark.parametrize(
    ("name", "row", "text", "message"),
    [
        ("pixel_color.txt", 7, "0 1 2", "row 7 has 3 numbers"),
        ("pixel_color.txt", 1, "0 1 2", "row 1 has 3 numbers"),
        ("pixel_color.txt", 3, "4 " + "0 " * 35, "row 3 holds 4"),
        ("pixel_color.txt", 2, "-1 " + "0 " * 35, "row 2 holds '-1'"),
        ("pixel_color.txt", 9, "1.5 " + "0 " * 35, "row 9 holds '1.5'"),
        ("pixel_color.txt", 5, "", "row 5 is empty"),
        ("pixel_color.txt", 4, "9" * 5000 + " 0" * 35, "row 4 holds '99999999999999999999'"),
        ("colormap.txt", 2, "10 20", "row 2 has 2 numbers"),
        ("colormap.txt", 4, "10 20 256", "row 4 holds 256"),
        ("colormap.txt", 4, "red", "row 4 holds 'red'"),
    ],
)
def test_a_row_that_is_wrong_is_named(tmp_path: Path, name: str, row: int, text: str, message: str) -> None:
    sprites(tmp_path / "course")
    spoilt(tmp_path / "course", name, row, text)
    with pytest.raises(BadInput, match=f"{name} {message}"):
        collect(tmp_path / "course", tmp_path / "made")
    assert not (tmp_path / "made").exists()


def test_a_missing_file_is_named_when_the_folder_is_said_to_be_the_courses(tmp_path: Path) -> None:
    sprites(tmp_path / "course")
    (tmp_path / "course" / "colormap.txt").unlink()
    with pytest.raises(BadInput, match=r"has no colormap\.txt"):
        collect(f"pokemon-creation:{tmp_path / 'course'}", tmp_path / "made")


@pytest.mark.skipif("MINDSEYE_BENCH_DATA" not in os.environ, reason="MINDSEYE_BENCH_DATA names no benchmark folder")
def test_the_courses_own_files_hold_792_pictures_in_167_colours(tmp_path: Path) -> None:
    made = collect(Path(os.environ["MINDSEYE_BENCH_DATA"]) / "pokemon_creation", tmp_path / "made")
    assert made.info["found"] == 792
    arrays = np.concatenate([split.arrays(20, 3, pixel_art=True) for split in made.splits.values()])
    assert len(np.unique(arrays.reshape(-1, 3), axis=0)) <= 167
    assert made.info["pixel_art"]
    assert made.info["size_px"] == 20
